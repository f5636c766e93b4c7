"""The answers that FiberLB makes itself: errors and redirects."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fiberlb.errors import REASONS

PHRASES: Final = {
    200: b"OK",
    204: b"No Content",
    301: b"Moved Permanently",
    302: b"Found",
    303: b"See Other",
    307: b"Temporary Redirect",
    308: b"Permanent Redirect",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    410: b"Gone",
    413: b"Content Too Large",
    414: b"URI Too Long",
    421: b"Misdirected Request",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    451: b"Unavailable For Legal Reasons",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}
_STATUS_LINES: dict[int, bytes] = {}
KEEP_ALIVE: Final = b"Connection: keep-alive\r\n\r\n"
CLOSE: Final = b"Connection: close\r\n\r\n"
END: Final = b"\r\n"
#: Reasons that are over before long, and when it makes sense to come again (RFC 9110, 10.2.3).
_AGAIN: Final = {"overloaded": b"Retry-After: 1\r\n"}


def status_line(status: int) -> bytes:
    """C{HTTP/1.1 503 Service Unavailable} with its line end; made once per status."""
    line = _STATUS_LINES.get(status)
    if line is None:
        phrase = PHRASES.get(status) or _registered(status)
        line = b"HTTP/1.1 %d %s\r\n" % (status, phrase)
        _STATUS_LINES[status] = line
    return line


def _registered(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


def error(
    reason: str,
    status: int | None,
    request_id: str,
    tail: bytes,
    head_only: bool,
    page: tuple[bytes, bytes] | None = None,
) -> bytes:
    """
    An error with its reason code (product page, "Reason codes").

    @param status: C{None}: the reason's own.
    @param tail: the end of the head: L{END}, L{KEEP_ALIVE} or L{CLOSE}.
    @param head_only: the request was HEAD, the body is described but not sent.
    @param page: media type and octets of the body; C{None}: the reason and the id.
    """
    kind, body = page or (b"text/plain", f"{reason} {request_id}\n".encode())
    head = b"".join(
        (
            status_line(status or REASONS[reason] or 500),
            b"Content-Type: ",
            kind,
            b"\r\nCache-Control: no-store\r\nFiberLB-Reason-Code: ",
            reason.encode(),
            b"\r\nContent-Length: %d\r\n" % len(body),
            _AGAIN.get(reason, b""),
            tail,
        )
    )
    return head if head_only else head + body


def whole(status: int, lines: bytes, body: bytes, tail: bytes, head_only: bool) -> bytes:
    """
    An answer that somebody has put together.

    @param lines: its fields, each with its line end, but for those of the framing.
    """
    length = b"" if status == 204 else b"Content-Length: %d\r\n" % len(body)
    return b"".join((status_line(status), lines, length, tail, b"" if head_only else body))


def redirect(status: int, location: bytes, tail: bytes) -> bytes:
    """A redirect; it has no body."""
    return b"".join(
        (status_line(status), b"Location: ", location, b"\r\nContent-Length: 0\r\n", tail)
    )


def content(status: int, fields: bytes, length: int, tail: bytes) -> bytes:
    """
    The head of an answer with a body of ours.

    @param fields: what is said of the body, lines with their ends.
    """
    # RFC 9110 section 8.6: these statuses end with their heads, whatever a length would say.
    framing = b"" if status in (204, 304) else b"Content-Length: %d\r\n" % length
    return b"".join((status_line(status), fields, framing, tail))
