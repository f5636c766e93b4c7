"""What rules look at: each rule type's candidates in a request, and how its values are spelled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_network
from operator import attrgetter

import attrs

from fiberlb.model.dn import NAMES
from fiberlb.model.l7 import CompareType, RuleType
from fiberlb.routing.compare import Test
from fiberlb.routing.path import folded, respelled
from fiberlb.routing.request import Request, network_bits

#: Elements of one header's lists that are looked at; a rule on more is undecided.
MOST_ELEMENTS = 256

#: Whether a rule's comparison holds for a request, before C{invert}; C{None}: undecided.
RequestTest = Callable[[Request], bool | None]
#: The candidate of a rule type that has one at most; C{None}: there is none.
Read = Callable[[Request], bytes | None]
#: Candidates, and whether there are more than are looked at.
Texts = tuple[Sequence[bytes], bool]


@attrs.frozen
class Named:
    """
    Where a keyed rule type finds its candidates.

    @ivar name: a rule's key as the names in requests are spelled here.
    @ivar present: the names that a request has, each once.
    @ivar texts: the candidates of one name.
    """

    name: Callable[[str], bytes]
    present: Callable[[Request], Iterable[bytes]]
    texts: Callable[[Request, bytes], Texts]


@attrs.frozen
class Extract:
    """
    One rule type.

    @ivar bind: makes the rule's test out of its key and its comparison, which
        the test calls with each candidate until one matches.
    @ivar spell: a value as candidates are spelled; raises C{ValueError} when
        no candidate could be, or every one would match.
    @ivar source: the candidates that the test looks at, for whoever looks at
        those of many rules at once.
    @ivar compare: how spelled values are compared, whatever the rule says.
    @ivar fold: candidates are in lower case, so values and patterns ignore case.
    """

    bind: Callable[[str, Test], RequestTest]
    spell: Callable[[CompareType, str], bytes]
    source: Read | Named
    fold: bool = False
    compare: CompareType | None = None


def _read_host(request: Request) -> bytes | None:
    return request.host or None


def _host(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        host = request.host
        return test(host) if host else False

    return matches


_read_path: Read = attrgetter("path")


def _path(key: str, test: Test) -> RequestTest:
    return lambda request: test(request.path)


def _read_file_type(request: Request) -> bytes | None:
    _, dot, extension = request.path.rpartition(b"/")[2].rpartition(b".")
    return extension.lower() if dot and extension else None


def _file_type(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        extension = _read_file_type(request)
        return False if extension is None else test(extension)

    return matches


def _read_server_name(request: Request) -> bytes | None:
    name = request.sni
    return name.lower().removesuffix(b".") if name else None


def _server_name(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        name = _read_server_name(request)
        return False if name is None else test(name)

    return matches


def _read_source(request: Request) -> bytes | None:
    return request.address_bits or None


def _source(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        bits = request.address_bits
        return test(bits) if bits else False

    return matches


def _protocol_name(key: str) -> bytes:
    return b"alpn"


def _protocol_names(request: Request) -> Iterable[bytes]:
    return (b"alpn",) if request.protocols else ()


def _protocol_texts(request: Request, name: bytes) -> Texts:
    return request.protocols, False


def _protocol(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        found: bool | None = False
        for text in request.protocols:
            found = test(text)
            if found is not False:
                break
        return found

    return matches


def _header_needle(key: str) -> bytes:
    return b"\r\n%s:" % key.lower().encode()


_NEEDLES = re.compile(rb"\r\n[^\r:]+:")


def _needles(request: Request) -> Iterable[bytes]:
    return set(_NEEDLES.findall(request.folded))


def _header(key: str, test: Test) -> RequestTest:
    needle = _header_needle(key)

    def matches(request: Request) -> bool | None:
        # Most requests do not have the field, and that is all there is to do for them.
        if needle not in request.folded:
            return False
        texts, more = _header_texts(request, needle)
        for text in texts:
            found = test(text)
            if found is not False:
                return found
        return None if more else False

    return matches


def _header_texts(request: Request, needle: bytes) -> Texts:
    if needle not in request.folded:
        return (), False
    kept = request.kept
    texts: Texts | None = kept.get(needle)
    if texts is None:
        texts = kept[needle] = _elements(_lines(request, needle))
    return texts


def _elements(lines: list[bytes]) -> Texts:
    """Each line whole, and each element of the list it may be (RFC 9110 section 5.6.1)."""
    texts = []
    left = MOST_ELEMENTS
    for line in lines:
        texts.append(line)
        if b"," not in line:
            continue
        elements = line.split(b",")
        texts += [element.strip(b" \t") for element in elements[:left]]
        left -= len(elements)
        if left < 0:
            return texts, True
    return texts, False


def _cookie_name(key: str) -> bytes:
    return key.encode()


def _cookie(key: str, test: Test) -> RequestTest:
    name = _cookie_name(key)

    def matches(request: Request) -> bool | None:
        for text in _cookie_texts(request, name)[0]:
            found = test(text)
            if found is not False:
                return found
        return False

    return matches


def _cookie_texts(request: Request, name: bytes) -> Texts:
    if name not in request.block:
        return (), False
    return _cookies(request).get(name, ()), False


def _cookies(request: Request) -> Mapping[bytes, list[bytes]]:
    """The values of each name, over any number of lines (RFC 6265 section 5.4)."""
    kept = request.kept
    cookies: dict[bytes, list[bytes]] | None = kept.get(b"cookies")
    if cookies is None:
        cookies = kept[b"cookies"] = {}
        for line in _lines(request, b"\r\ncookie:"):
            for pair in line.split(b";"):
                name, sign, value = pair.partition(b"=")
                if sign:
                    cookies.setdefault(name.strip(b" \t"), []).append(value.strip(b" \t"))
    return cookies


def _lines(request: Request, needle: bytes) -> list[bytes]:
    """The values of every field line of one name, without white space around them."""
    names = request.folded
    found = []
    at = names.find(needle)
    while at >= 0:
        start = at + len(needle)
        at = names.index(b"\r\n", start)
        found.append(request.block[start:at].strip(b" \t"))
        at = names.find(needle, at)
    return found


def _read_has_certificate(request: Request) -> bytes | None:
    return None if request.client is None else b"true"


def _has_certificate(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        return False if request.client is None else test(b"true")

    return matches


def _read_result(request: Request) -> bytes | None:
    # Whoever has shown another certificate than one in order did not get this far. Without one
    # nothing has been verified, which is not to be taken for a good result.
    return None if request.client is None else b"0"


def _result(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        return False if request.client is None else test(b"0")

    return matches


def _attribute_name(key: str) -> bytes:
    return NAMES[key.lower()].encode()


def _attributes(request: Request) -> Iterable[bytes]:
    return request.client or ()


def _attribute_texts(request: Request, name: bytes) -> Texts:
    return () if request.client is None else request.client.get(name, ()), False


def _attribute(key: str, test: Test) -> RequestTest:
    name = _attribute_name(key)

    def matches(request: Request) -> bool | None:
        for text in _attribute_texts(request, name)[0]:
            found = test(text)
            if found is not False:
                return found
        return False

    return matches


def _as_word(compare: CompareType, value: str) -> bytes:
    return value.lower().encode()


def _as_number(compare: CompareType, value: str) -> bytes:
    return str(int(value)).encode()


def _as_written(compare: CompareType, value: str) -> bytes:
    return value.encode()


def _as_name(compare: CompareType, value: str) -> bytes:
    name = value.encode().lower()
    if compare in (CompareType.EQUAL_TO, CompareType.ENDS_WITH):
        if re.search(rb"(?:^|[^:]):[0-9]+$", name):
            raise ValueError("is compared with a name without its port; leave the port out")
        name = name.removesuffix(b".") or name
    return name


def _as_network(compare: CompareType, value: str) -> bytes:
    """A network as what its addresses begin with, so that it is looked up like any prefix."""
    return network_bits(ip_network(value))


def _as_extension(compare: CompareType, value: str) -> bytes:
    extension = value.encode().lower()
    if compare in (CompareType.EQUAL_TO, CompareType.STARTS_WITH):
        extension = extension.removeprefix(b".") or extension
    return extension


def _as_path(compare: CompareType, value: str) -> bytes:
    spelled = respelled(value.encode())
    if compare is CompareType.EQUAL_TO:
        return folded(spelled)
    if compare is CompareType.STARTS_WITH:
        # Its last segment may go on in the request: "/." begins ".git" as well as "./".
        whole, slash, begun = spelled.rpartition(b"/")
        path = folded(whole + slash) + begun
    elif re.search(rb"/\.\.?/", spelled) or (
        compare is CompareType.ENDS_WITH and re.search(rb"/\.\.?$", spelled)
    ):
        raise ValueError("is compared with paths whose dot segments are folded; none contains it")
    else:
        path = re.sub(rb"//+", b"/", spelled)
    if path == b"/" != spelled:
        raise ValueError("is compared with paths without empty and dot segments: all would match")
    return path


_HEADERS = Named(_header_needle, _needles, _header_texts)
_COOKIES = Named(_cookie_name, _cookies, _cookie_texts)
_PROTOCOLS = Named(_protocol_name, _protocol_names, _protocol_texts)
_ATTRIBUTES = Named(_attribute_name, _attributes, _attribute_texts)

#: Rule type -> what it looks at.
EXTRACT: Mapping[RuleType, Extract] = {
    RuleType.HOST_NAME: Extract(_host, _as_name, _read_host, fold=True),
    RuleType.PATH: Extract(_path, _as_path, _read_path),
    RuleType.FILE_TYPE: Extract(_file_type, _as_extension, _read_file_type, fold=True),
    RuleType.HEADER: Extract(_header, _as_written, _HEADERS),
    RuleType.COOKIE: Extract(_cookie, _as_written, _COOKIES),
    RuleType.SSL_CONN_SNI: Extract(_server_name, _as_name, _read_server_name, fold=True),
    RuleType.SSL_ALPN: Extract(_protocol, _as_written, _PROTOCOLS),
    RuleType.SOURCE_IP: Extract(
        _source, _as_network, _read_source, compare=CompareType.STARTS_WITH
    ),
    RuleType.SSL_CONN_HAS_CERT: Extract(_has_certificate, _as_word, _read_has_certificate),
    RuleType.SSL_VERIFY_RESULT: Extract(_result, _as_number, _read_result),
    RuleType.SSL_DN_FIELD: Extract(_attribute, _as_written, _ATTRIBUTES),
}
