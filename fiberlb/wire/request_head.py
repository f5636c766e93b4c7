"""
Request heads: from bytes to what a proxy needs to know, every other byte left as it was.

A request is described by a plain tuple (see L{parse}), not by an object: one
is made per request, on the path that everything else waits for.
"""

from __future__ import annotations

import re
from typing import Final

from fiberlb.errors import Fault
from fiberlb.model.bounds import Limits
from fiberlb.wire import grammar
from fiberlb.wire.fields import (
    CHUNKED,
    content_length,
    cut_named,
    cut_spans,
    list_elements,
)

#: Flags of a parsed request.
KEEP_ALIVE: Final = 1
EXPECT_CONTINUE: Final = 2
UPGRADE: Final = 4
TRAILERS: Final = 8

#: end, method, target, minor, block, raw block, length, flags, authority, forwarded for, upgrade
ParsedRequest = tuple[int, bytes, bytes, int, bytes, bytes, int, int, bytes, bytes, bytes]

#: What a request line may hold beside the target, before it counts as a target too long.
_LINE_REST: Final = 64
_match: Final = grammar.REQUEST.match
_special: Final = grammar.REQUEST_SPECIAL.finditer
_authority: Final = grammar.AUTHORITY.fullmatch
_UNSUPPORTED: Final = frozenset({b"CONNECT", b"TRACE"})
#: What the Connection field can not remove (http page, 1.10).
_PROTECTED: Final = re.compile(
    rb"host|content-length|transfer-encoding|x-forwarded-.*|forwarded|via|close|keep-alive", re.I
).fullmatch
_LINE: Final = re.compile(
    rb"(?:" + grammar.TOKEN + rb") (" + grammar.TARGET + rb") HTTP/([0-9])\.([0-9])\r\n"
).match
_LINE_START: Final = re.compile(
    rb"(?:"
    + grammar.TOKEN
    + rb"(?: (?:"
    + grammar.TARGET
    + rb"(?: [HTP/.0-9]{0,8}+\r?+)?+)?+)?+)?+\Z"
).match
_coding: Final = re.compile(rb"\n" + grammar.folded("transfer-encoding") + rb":[^\r]*+\r").sub
_zeros: Final = re.compile(
    rb"(\n" + grammar.folded("content-length") + rb":[ \t]*+)0+(?=[0-9])"
).sub
#: What stands in no head: control characters, and a carriage return that ends no line.
_never: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r[^\n]").search
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)++").match
_FIELDS: Final = re.compile(rb"(?:" + grammar.FIELD + rb"\r\n)*+").match
_FIELD_START: Final = re.compile(
    rb"(?:(?:" + grammar.FIELD + rb"|" + grammar.TOKEN + rb")?+\r?+)\Z"
).match


def parse(data: bytes, limits: Limits, trusted: bool) -> ParsedRequest | None:
    """
    Read one request head from the start of C{data}.

    @param trusted: the peer is a trusted proxy, its forwarded fields are kept
        (product page, decision 13); from anyone else they are cut out.

    @return: C{None} when more bytes are needed, else a tuple of:
        the offset of the first byte after the head;
        method; target (as sent; of an absolute-form its path and query);
        minor version;
        the header block without what is not forwarded, C{\\r\\n} at both ends;
        the header block as sent;
        the body's length, or L{CHUNKED};
        flags (L{KEEP_ALIVE}, L{EXPECT_CONTINUE}, L{UPGRADE}, L{TRAILERS});
        the authority, C{b""} if there is none (HTTP/1.0 only);
        the value of X-Forwarded-For from a trusted peer, joined;
        the value of Upgrade where C{Connection} asks for it.

    @raise Fault: the request is refused, with the reason.
    """
    found = _match(data)
    if found is None:
        refuse_incomplete(data, limits)
        return None
    method, target, version, raw = found.groups()
    end = found.end()
    if (
        end > limits.head
        or len(target) > limits.uri
        or len(raw) > limits.header
        or raw.count(b"\n") > limits.header_count + 1
    ):
        _refuse_size(target, raw, end, limits)
    minor = 1 if version == b"1" else 0
    block, length, flags, host, forwarded, upgrade = _read_special(raw, minor, trusted)
    if host is None and minor:
        raise Fault("bad_request", detail="no Host field")
    authority = host or b""
    if 37 in target and b"%00" in target.partition(b"?")[0]:
        raise Fault("bad_request", detail="NUL in the path")
    if target[0] != 47 or method in _UNSUPPORTED:
        target, authority, block = _other_target(method, target, host, block)
    return end, method, target, minor, block, raw, length, flags, authority, forwarded, upgrade


def _read_special(
    raw: bytes, minor: int, trusted: bool
) -> tuple[bytes, int, int, bytes | None, bytes, bytes]:
    """
    Act on the fields that concern a proxy.

    Host and Connection stand in nearly every request and are read here; the
    others are gathered and read together.
    """
    host: bytes | None = None
    connection = b""
    cuts: list[tuple[int, int]] = []
    others: list[tuple[bytes, bytes, tuple[int, int]]] = []
    for field in _special(raw):
        name, value = field.groups()
        name = name.lower()
        value = value.strip(b" \t")
        if name == b"host":
            if host is not None or _authority(value) is None:
                raise Fault("bad_request", detail="invalid or repeated Host field")
            host = value
        elif name == b"connection":
            connection = connection + b"," + value.lower() if connection else value.lower()
            cuts.append(field.span())
        else:
            others.append((name, value, field.span()))
    if not others and connection in (b"", b"keep-alive", b"close"):
        flags = KEEP_ALIVE if connection == b"keep-alive" or (minor and not connection) else 0
        return cut_spans(raw, cuts) if cuts else raw, 0, flags, host, b"", b""
    named = list_elements(connection)
    length, flags, forwarded, upgrade = _read_others(others, cuts, named, minor, trusted)
    if b"close" not in named and (minor or b"keep-alive" in named):
        flags |= KEEP_ALIVE
    cuts.sort()
    block = cut_named(cut_spans(raw, cuts), [n for n in named if not _PROTECTED(n)])
    if length == CHUNKED:
        # In the spelling that everybody reads alike: some mind a tab, and would see no body.
        block = _coding(b"\nTransfer-Encoding: chunked\r", block)
    else:
        # Zeros in front are more digits than some take, or a sign of octal numbers.
        block = _zeros(rb"\1", block)
    return block, length, flags, host, forwarded, upgrade


def _read_others(
    fields: list[tuple[bytes, bytes, tuple[int, int]]],
    cuts: list[tuple[int, int]],
    named: list[bytes],
    minor: int,
    trusted: bool,
) -> tuple[int, int, bytes, bytes]:
    """The rarer special fields: body length, flags, forwarded addresses, upgrade."""
    values: dict[bytes, list[bytes]] = {}
    for name, value, span in fields:
        values.setdefault(name, []).append(value)
        if not _stays(name, minor, trusted):
            cuts.append(span)
    length = _body_length(values, minor)
    flags = 0
    if minor and any(v.lower() == b"100-continue" for v in values.get(b"expect", ())):
        flags |= EXPECT_CONTINUE
    if b"trailers" in list_elements(b",".join(values.get(b"te", ())).lower()):
        flags |= TRAILERS
    upgrade = b", ".join(values.get(b"upgrade", ()))
    if upgrade and minor and b"upgrade" in named and b"h2c" not in list_elements(upgrade.lower()):
        flags |= UPGRADE
    else:
        upgrade = b""
    forwarded = b", ".join(values.get(b"x-forwarded-for", ())) if trusted else b""
    return length, flags, forwarded, upgrade


def _stays(name: bytes, minor: int, trusted: bool) -> bool:
    """Whether a special field is forwarded as it came."""
    if name in (b"content-length", b"transfer-encoding"):
        return True
    if name == b"expect":
        return bool(minor)
    if trusted and b"_" not in name:
        return name != b"x-forwarded-for" and name.startswith((b"x-", b"forwarded"))
    return False


def _body_length(values: dict[bytes, list[bytes]], minor: int) -> int:
    """The one framing of a request's body (RFC 9112, 6.3; http page, 1.1 to 1.4)."""
    if b"content_length" in values or b"transfer_encoding" in values:
        raise Fault("bad_request", detail="a look-alike of a framing field")
    coded = values.get(b"transfer-encoding")
    sizes = values.get(b"content-length")
    if coded is None:
        return 0 if sizes is None else content_length(sizes)
    if sizes is not None or not minor:
        raise Fault("bad_request", detail="Transfer-Encoding with Content-Length or HTTP/1.0")
    if len(coded) == 1 and coded[0].lower() == b"chunked":
        return CHUNKED
    elements = list_elements(b",".join(coded).lower())
    if len(elements) > 1 and elements[-1] == b"chunked" and elements.count(b"chunked") == 1:
        raise Fault("not_implemented", detail="a transfer coding other than chunked")
    raise Fault("bad_request", detail="invalid Transfer-Encoding")


def _other_target(
    method: bytes, target: bytes, host: bytes | None, block: bytes
) -> tuple[bytes, bytes, bytes]:
    """Targets that are no path: absolute-form and asterisk-form (RFC 9112, 3.2)."""
    if method in _UNSUPPORTED:
        raise Fault("not_implemented", detail="CONNECT and TRACE are not served")
    if target == b"*" and method == b"OPTIONS":
        return target, host or b"", block
    absolute = grammar.ABSOLUTE.fullmatch(target)
    if absolute is None or _authority(absolute[2]) is None:
        raise Fault("bad_request", detail="invalid target")
    authority = absolute[2]
    if host is not None and host.lower() != authority.lower():
        raise Fault("bad_request", detail="the target and the Host field differ")
    if host is None:
        block = b"\r\nHost: " + authority + block
    rest = absolute[3]
    if not rest and method == b"OPTIONS":
        rest = b"*"
    elif not rest.startswith(b"/"):
        rest = b"/" + rest
    return rest, authority, block


def _refuse_size(target: bytes, raw: bytes, end: int, limits: Limits) -> None:
    """Refuse what is over a limit; a long block is looked at line by line."""
    if len(target) > limits.uri:
        raise Fault("uri_too_long")
    if end > limits.head:
        raise Fault("head_too_large", detail="the head is too long")
    if raw.count(b"\n") > limits.header_count + 1:
        raise Fault("head_too_large", detail="too many header fields")
    if any(len(line) > limits.header for line in raw.split(b"\r\n")):
        raise Fault("head_too_large", detail="a header field is too long")


def refuse_incomplete(data: bytes, limits: Limits) -> None:
    """
    Tell an unfinished head from one that can never be valid.

    @raise Fault: no further byte can make C{data} a request.
    """
    line_end = data.find(b"\n")
    if line_end < 0:
        if _LINE_START(data) is None and data != b"\r":
            raise Fault("bad_request", detail="invalid request line")
        if len(data) > limits.uri + _LINE_REST:
            raise Fault("uri_too_long")
        return
    line = _LINE(data)
    if line is None:
        raise Fault("bad_request", detail="invalid request line")
    if (line[2], line[3]) not in ((b"1", b"0"), (b"1", b"1")):
        raise Fault("version")
    if len(line[1]) > limits.uri:
        raise Fault("uri_too_long")
    fields = _FIELDS(data, line.end())
    assert fields is not None
    rest = data[fields.end() :]
    if len(data) > limits.head or len(rest) > limits.header:
        raise Fault("head_too_large")
    if b"\n" in rest or _FIELD_START(rest) is None:
        raise Fault("bad_request", detail="invalid header field")


def after_empty_lines(data: bytes) -> bytes:
    """What follows the empty lines that may stand before a request (RFC 9112, 2.2)."""
    lines = _EMPTY_LINES(data)
    return data if lines is None else data[lines.end() :]


def worth_parsing(data: bytes, start: int, limits: Limits) -> bool:
    """
    Whether a head that has grown from C{start} bytes may be complete or refused now.

    It saves parsing a head with each of its pieces: it is looked at when its
    first line is there, when it gets too long, when something comes that no
    head has, and at its end.
    """
    size = len(data)
    line = limits.uri + _LINE_REST
    if start <= line < size or size > limits.head:
        return True
    if _never(data, max(0, start - 1)) is not None:
        return True
    if data.find(b"\n", start) < 0:
        return False
    if data.find(b"\n", 0, start) < 0:
        return True
    start = max(0, start - 3)
    return data.find(b"\n\r\n", start) >= 0 or data.find(b"\n\n", start) >= 0
