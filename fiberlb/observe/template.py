"""
Lines of the access log in a form of one's own.

Values are escaped by where they stand, so that nothing a client sends can end
the line or pass for another field: within double quotes, quotes and backslashes
are; elsewhere blanks too, and the character that follows the value in the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from fiberlb.model.access_log import pieces
from fiberlb.observe.entry import Entry, Row
from fiberlb.observe.fields import fields, internet_time

#: Values that clients choose the text of.
CHOSEN = frozenset({"user", "method", "target", "host", "sni", "referer", "user_agent"})
Form = Callable[[Row], str]
_header = lru_cache(2)(fields)
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e]")


def template(text: str) -> Form:
    """
    What makes a line of a row, without its line feed.

    @param text: as of L{fiberlb.model.access_log.pieces}.
    @raise ValueError: as there.
    """
    found = pieces(text)
    parts: list[Form | str] = []
    quoted = False
    for piece, after in zip(found, [*found[1:], None], strict=True):
        if piece.key:
            chosen = piece.text in CHOSEN and after is not None and not after.key
            ends = after.text[0] if chosen and after is not None else ""
            parts.append(_written(VALUES[piece.text], quoted, ends))
        else:
            quoted ^= piece.text.count('"') % 2 == 1
            # A letter with an accent is written as in the values.
            parts.append(_UNPRINTABLE.sub(_escape, piece.text))

    def line(row: Row) -> str:
        return "".join([part if isinstance(part, str) else part(row) for part in parts])

    return line


def _written(value: Callable[[Entry], str | bytes | None], quoted: bool, ends: str) -> Form:
    inner = r"\x20-\x7e" if quoted else r"\x21-\x7e"
    ending = re.escape(ends) if ends.isascii() and not ends.isalnum() else ""
    unsafe = re.compile(rf'[^{inner}]|["\\{ending}]')

    def written(row: Row) -> str:
        found = value(Entry._make(row))
        if isinstance(found, bytes):
            found = found.decode("ascii", "surrogateescape")
        return unsafe.sub(_escape, found or "") or "-"

    return written


def _escape(found: re.Match[str]) -> str:
    return "".join(f"\\x{octet:02X}" for octet in found[0].encode("utf-8", "surrogateescape"))


def _span(seconds: float) -> str:
    return "" if seconds < 0 else f"{seconds * 1000:.3f}"


#: The values, by the keys of a JSON line; an empty one is written C{-}.
VALUES: dict[str, Callable[[Entry], str | bytes | None]] = {
    "time": lambda e: internet_time(e.started),
    "listener": lambda e: e.listener,
    "client": lambda e: e.client,
    "client_port": lambda e: str(e.client_port or ""),
    "user": lambda e: e.user,
    "method": lambda e: e.method,
    "target": lambda e: e.target,
    "version": lambda e: f"1.{e.minor}" if e.method else "",
    "host": lambda e: _header(e.block).get(b"host"),
    "status": lambda e: str(e.status or ""),
    "sent": lambda e: str(e.sent),
    "received": lambda e: str(e.received),
    "pool": lambda e: e.pool,
    "member": lambda e: e.member,
    "policy": lambda e: e.policy,
    "reason": lambda e: e.reason,
    "detail": lambda e: e.detail,
    "request_id": lambda e: e.request_id,
    "tries": lambda e: str(e.tries),
    "sni": lambda e: e.sni,
    "tls": lambda e: "true" if e.secure else "false",
    "head": lambda e: _span(e.head),
    "queued": lambda e: _span(e.queued),
    "connect": lambda e: _span(e.connect),
    "response": lambda e: _span(e.response),
    "total": lambda e: _span(e.total),
    "referer": lambda e: _header(e.block).get(b"referer"),
    "user_agent": lambda e: _header(e.block).get(b"user-agent"),
}
