"""What rules look at: each rule type's candidates in a request, and how its values are spelled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs

from fiberlb.model.l7 import CompareType, RuleType
from fiberlb.routing.compare import Test
from fiberlb.routing.path import folded, respelled
from fiberlb.routing.request import Request

#: Elements of one header's lists that are looked at; a rule on more is undecided.
MOST_ELEMENTS = 256

#: Whether a rule's comparison holds for a request, before C{invert}; C{None}: undecided.
RequestTest = Callable[[Request], bool | None]


@attrs.frozen
class Extract:
    """
    One rule type.

    @ivar bind: makes the rule's test out of its key and its comparison, which
        the test calls with each candidate until one matches.
    @ivar spell: a value as candidates are spelled; raises C{ValueError} when
        no candidate could be, or every one would match.
    @ivar fold: candidates are in lower case, so values and patterns ignore case.
    """

    bind: Callable[[str, Test], RequestTest]
    spell: Callable[[CompareType, str], bytes]
    fold: bool = False


def _host(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        host = request.host
        return test(host) if host else False

    return matches


def _path(key: str, test: Test) -> RequestTest:
    return lambda request: test(request.path)


def _file_type(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        extension = request.path.rpartition(b"/")[2].rpartition(b".")
        return test(extension[2].lower()) if extension[1] and extension[2] else False

    return matches


def _server_name(key: str, test: Test) -> RequestTest:
    def matches(request: Request) -> bool | None:
        name = request.sni
        return test(name.lower().removesuffix(b".")) if name else False

    return matches


def _header(key: str, test: Test) -> RequestTest:
    needle = b"\r\n%s:" % key.lower().encode()

    def matches(request: Request) -> bool | None:
        # Most requests do not have the field, and that is all there is to do for them.
        if needle not in request.folded:
            return False
        return _any_element(_lines(request, needle), test)

    return matches


def _any_element(lines: list[bytes], test: Test) -> bool | None:
    """Each line whole, and each element of the list it may be (RFC 9110 section 5.6.1)."""
    left = MOST_ELEMENTS
    for line in lines:
        found = test(line)
        if found is not False:
            return found
        if b"," not in line:
            continue
        elements = line.split(b",")
        for element in elements[:left]:
            found = test(element.strip(b" \t"))
            if found is not False:
                return found
        left -= len(elements)
        if left < 0:
            return None
    return False


def _cookie(key: str, test: Test) -> RequestTest:
    name = key.encode()
    needle = b"\r\ncookie:"
    values = re.compile(rb"(?:^|;)[ \t]*" + re.escape(name) + rb"[ \t]*=([^;]*)").findall

    def matches(request: Request) -> bool | None:
        if name not in request.block:
            return False
        for line in _lines(request, needle):
            for value in values(line):
                found = test(value.strip(b" \t"))
                if found is not False:
                    return found
        return False

    return matches


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


def _as_written(compare: CompareType, value: str) -> bytes:
    return value.encode()


def _as_name(compare: CompareType, value: str) -> bytes:
    name = value.encode().lower()
    if compare in (CompareType.EQUAL_TO, CompareType.ENDS_WITH):
        if re.search(rb"(?:^|[^:]):[0-9]+$", name):
            raise ValueError("is compared with a name without its port; leave the port out")
        name = name.removesuffix(b".") or name
    return name


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


#: Rule type -> what it looks at.
EXTRACT: Mapping[RuleType, Extract] = {
    RuleType.HOST_NAME: Extract(_host, _as_name, fold=True),
    RuleType.PATH: Extract(_path, _as_path),
    RuleType.FILE_TYPE: Extract(_file_type, _as_extension, fold=True),
    RuleType.HEADER: Extract(_header, _as_written),
    RuleType.COOKIE: Extract(_cookie, _as_written),
    RuleType.SSL_CONN_SNI: Extract(_server_name, _as_name, fold=True),
}
