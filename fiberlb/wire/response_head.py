"""Response heads: from a member's bytes to framing and a block that may be forwarded."""

from __future__ import annotations

import re
from typing import Final

from fiberlb.errors import Fault, Source
from fiberlb.model.bounds import Limits
from fiberlb.wire import grammar
from fiberlb.wire.fields import (
    CHUNKED,
    UNTIL_CLOSE,
    content_length,
    cut_named,
    cut_spans,
    list_elements,
)

#: end, status, reason with the space before it, block, length, keep alive, upgrade
ParsedResponse = tuple[int, int, bytes, bytes, int, float, bytes]
_FOREVER: Final = float("inf")

_match: Final = grammar.RESPONSE.match
_special: Final = grammar.RESPONSE_SPECIAL.finditer
_FRAMING: Final = (b"content-length", b"transfer-encoding")
_PROTECTED: Final = frozenset({*_FRAMING, b"close", b"keep-alive"})
_START: Final = b"HTTP/1."
_coding: Final = re.compile(rb"\n" + grammar.folded("transfer-encoding") + rb":[^\r]*+\r").sub
_zeros: Final = re.compile(
    rb"(\n" + grammar.folded("content-length") + rb":[ \t]*+)0+(?=[0-9])"
).sub
_timeout: Final = re.compile(rb"(?:.*,)?[ \t]*timeout[ \t]*=[ \t]*\"?([0-9]{1,9})", re.I).match


def parse(data: bytes, limits: Limits) -> ParsedResponse | None:
    """
    Read one response head from the start of C{data}.

    The length is that of the framing alone; that a HEAD, 1xx, 204 or 304 has
    no body is the caller's to know.

    @return: C{None} when more bytes are needed, else a tuple of:
        the offset of the first byte after the head; the status;
        the reason with the space before it; the block to forward;
        the body's length, L{CHUNKED} or L{UNTIL_CLOSE};
        seconds for which the connection can be used again, 0 for not at all (the
        member's C{Keep-Alive: timeout=} less one, for the way there);
        the value of Upgrade where C{Connection} names it.

    @raise Fault: C{member_bad_response}.
    """
    found = _match(data)
    if found is None:
        _refuse_incomplete(data, limits)
        return None
    version, status, reason, raw = found.groups()
    end = found.end()
    if end > limits.head or raw.count(b"\n") > 2 * limits.header_count:
        raise _bad("the head is too long")
    minor = 1 if version == b"1" else 0
    cuts: list[tuple[int, int]] = []
    values: dict[bytes, list[bytes]] = {}
    for field in _special(raw):
        name, value = field.groups()
        name = name.lower()
        values.setdefault(name, []).append(value.strip(b" \t"))
        if name != b"content-length" and name != b"transfer-encoding":
            cuts.append(field.span())
    length = _length(values, minor, cuts, raw)
    block = cut_spans(raw, cuts) if cuts else raw
    if length != UNTIL_CLOSE and _never_framed(status):
        block = cut_named(block, _FRAMING)
    elif length == CHUNKED:
        # In the spelling that everybody reads alike, as in requests.
        block = _coding(b"\nTransfer-Encoding: chunked\r", block)
    elif length >= 0 and values[b"content-length"][0].startswith(b"0"):
        block = _zeros(rb"\1", block)
    # Two framings in one answer: another reader may have seen its end elsewhere (RFC 9112, 6.3).
    twofold = length == CHUNKED and b"content-length" in values
    keep = _FOREVER if minor and not twofold else 0.0
    upgrade = b""
    if b"connection" in values:
        named = _elements(values[b"connection"])
        stays = b"close" not in named and (minor or b"keep-alive" in named) and not twofold
        keep = _FOREVER if stays else 0.0
        block = cut_named(block, [n for n in named if n not in _PROTECTED])
        if b"upgrade" in named:
            upgrade = b", ".join(values.get(b"upgrade", ()))
            _elements([upgrade])
    if keep and b"keep-alive" in values:
        hint = _timeout(values[b"keep-alive"][0])
        keep = keep if hint is None else max(0.0, int(hint[1]) - 1.0)
    return end, int(status), reason, block, length, keep, upgrade


def _elements(values: list[bytes]) -> list[bytes]:
    try:
        return list_elements(b",".join(values).lower())
    except Fault as why:
        raise _bad("a list with too many elements") from why


def worth_parsing(data: bytes, start: int, limits: Limits) -> bool:
    """
    Whether a head that has grown from C{start} bytes may be complete or refused now.

    It saves parsing a head with each of its pieces.
    """
    if start < len(_START) or len(data) > limits.head:
        return True
    return data.find(b"\n\r\n", start - 3) >= 0 or data.find(b"\n\n", start - 3) >= 0


def _never_framed(status: bytes) -> bool:
    """Answers that must not even tell of a body (RFC 9110, 8.6; RFC 9112, 6.1)."""
    return status[:1] == b"1" or status == b"204"


def _length(
    values: dict[bytes, list[bytes]], minor: int, cuts: list[tuple[int, int]], raw: bytes
) -> int:
    """
    The framing of the body (RFC 9112, 6.3).

    Transfer-Encoding wins over a Content-Length, which is then not forwarded;
    in a response of HTTP/1.0 it makes the framing faulty.
    """
    if b"content_length" in values or b"transfer_encoding" in values:
        raise _bad("a look-alike of a framing field")
    coded = values.get(b"transfer-encoding")
    sizes = values.get(b"content-length")
    if coded is not None:
        if len(coded) != 1 or coded[0].lower() != b"chunked" or not minor:
            raise _bad("unsupported Transfer-Encoding")
        if sizes is not None:
            cuts.extend(_spans(raw, b"content-length"))
            cuts.sort()
        return CHUNKED
    if sizes is None:
        return UNTIL_CLOSE
    if len(sizes) > 1 and len(set(sizes)) == 1:
        cuts.extend(_spans(raw, b"content-length")[1:])
        cuts.sort()
        sizes = sizes[:1]
    try:
        return content_length(sizes)
    except Fault as why:
        raise _bad("invalid Content-Length") from why


def _spans(raw: bytes, name: bytes) -> list[tuple[int, int]]:
    return [field.span() for field in _special(raw) if field[1].lower() == name]


def _refuse_incomplete(data: bytes, limits: Limits) -> None:
    """@raise Fault: no further byte can make C{data} a response head."""
    if len(data) > limits.head:
        raise _bad("the head is too long")
    if data[:7] != _START[: len(data)]:
        raise _bad("no HTTP/1 status line")
    if b"\n\r\n" in data or b"\n\n" in data:
        raise _bad("an invalid head")


def _bad(detail: str) -> Fault:
    return Fault("member_bad_response", Source.MEMBER, detail)
