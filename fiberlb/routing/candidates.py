"""Candidates that have names: what a request has of a field, a cookie, a parameter and so on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote_to_bytes

import attrs

from fiberlb.model.dn import NAMES
from fiberlb.routing.request import Request

#: Elements of one header's lists that are looked at; a rule on more is undecided.
MOST_ELEMENTS = 256

#: Parameters of a query that are looked at; a rule on more is undecided.
MOST_PARAMETERS = 256

#: Candidates, and whether there are more than are looked at.
Texts = tuple[Sequence[bytes], bool]


@attrs.frozen
class Named:
    """
    Where a keyed rule type finds its candidates.

    @ivar name: a rule's key as the names in requests are spelled here.
    @ivar present: the names that a request has, each once; C{None}: it may have any.
    @ivar texts: the candidates of one name.
    """

    name: Callable[[str], bytes]
    present: Callable[[Request], Iterable[bytes] | None]
    texts: Callable[[Request, bytes], Texts]


def _header_needle(key: str) -> bytes:
    return b"\r\n%s:" % key.lower().encode()


_NEEDLES = re.compile(rb"\r\n[^\r:]+:")


def _needles(request: Request) -> Iterable[bytes]:
    return set(_NEEDLES.findall(request.folded))


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


def _parameter_texts(request: Request, name: bytes) -> Texts:
    texts, more = _parameters(request)
    return texts.get(name, ()), more


def _parameter_name(key: str) -> bytes:
    return key.encode()


def _parameter_names(request: Request) -> Iterable[bytes] | None:
    texts, more = _parameters(request)
    return None if more else texts


def _parameters(request: Request) -> tuple[Mapping[bytes, list[bytes]], bool]:
    """The values of each name, decoded as forms are, and whether there are more."""
    kept = request.kept
    found: tuple[dict[bytes, list[bytes]], bool] | None = kept.get(b"query")
    if found is None:
        texts: dict[bytes, list[bytes]] = {}
        pairs = (request.query or b"").split(b"&", MOST_PARAMETERS)
        for pair in pairs[:MOST_PARAMETERS]:
            name, _, value = pair.partition(b"=")
            if pair:
                texts.setdefault(_decoded(name), []).append(_decoded(value))
        found = kept[b"query"] = (texts, len(pairs) > MOST_PARAMETERS)
    return found


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" ")) if b"%" in text or b"+" in text else text


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


def _spoken_name(key: str) -> bytes:
    return b"protocol"


def _spoken_names(request: Request) -> Iterable[bytes]:
    return (b"protocol",)


def _spoken_texts(request: Request, name: bytes) -> Texts:
    """What a request is: HTTP over TLS or not, and what is spoken within."""
    kept = request.kept
    found: list[bytes] | None = kept.get(name)
    if found is None:
        found = kept[name] = [b"https" if request.secure else b"http"]
        if _switches(request):
            found.append(b"websocket")
        kind = _lines(request, b"\r\ncontent-type:")
        if kind and _GRPC.match(kind[0]):
            found.append(b"grpc")
    return found, False


#: Media types of gRPC (its PROTOCOL-HTTP2.md, "Content-Type"); grpc-web is another protocol.
_GRPC = re.compile(rb"(?i)application/grpc(?:[+;\s]|\Z)")


def _switches(request: Request) -> bool:
    """Whether WebSocket is asked for (RFC 6455 section 4.1)."""
    upgrade, connection = (
        [element.lower() for element in _elements(_lines(request, needle))[0]]
        for needle in (b"\r\nupgrade:", b"\r\nconnection:")
    )
    return b"websocket" in upgrade and b"upgrade" in connection


def _protocol_name(key: str) -> bytes:
    return b"alpn"


def _protocol_names(request: Request) -> Iterable[bytes]:
    return (b"alpn",) if request.protocols else ()


def _protocol_texts(request: Request, name: bytes) -> Texts:
    return request.protocols, False


def _attribute_name(key: str) -> bytes:
    return NAMES[key.lower()].encode()


def _attributes(request: Request) -> Iterable[bytes]:
    return request.client or ()


def _attribute_texts(request: Request, name: bytes) -> Texts:
    return () if request.client is None else request.client.get(name, ()), False


HEADERS = Named(_header_needle, _needles, _header_texts)
COOKIES = Named(_cookie_name, _cookies, _cookie_texts)
PROTOCOLS = Named(_protocol_name, _protocol_names, _protocol_texts)
PARAMETERS = Named(_parameter_name, _parameter_names, _parameter_texts)
SPOKEN = Named(_spoken_name, _spoken_names, _spoken_texts)
ATTRIBUTES = Named(_attribute_name, _attributes, _attribute_texts)
