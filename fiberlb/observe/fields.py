"""Parts of entries that several forms of lines have in common."""

from __future__ import annotations

import re
from functools import lru_cache
from time import gmtime

_FIELD = re.compile(rb"\r\n(referer|user-agent|host):[ \t]*([^\r\n]*)", re.IGNORECASE)

#: Not the names of the locale: programs that read logs know these only.
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

# What cannot stand inside quotes, and what cannot stand in a word either.
_UNQUOTABLE = re.compile(r'[^\x20-\x7e]|["\\]')
_UNWORDLY = re.compile(r'[^\x21-\x7e]|["\\]')


def _escape(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02X}"


def quotable(text: str) -> str:
    """A text as it may stand inside quotes: what may not is C{\\xNN}."""
    return _UNQUOTABLE.sub(_escape, text)


def quoted(text: bytes) -> str:
    """The inside of a quoted field, C{-} for nothing."""
    return quotable(text.decode("latin-1")) or "-"


def word(text: bytes | str) -> str:
    """A field that ends at the next blank, C{-} for nothing."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    return _UNWORDLY.sub(_escape, text) or "-"


def fields(block: bytes) -> dict[bytes, bytes]:
    """
    Referer, User-Agent and Host of a header block, by lower-case name; each its first line.
    """
    found: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(block):
        found.setdefault(name.lower(), value.rstrip(b" \t"))
    return found


@lru_cache(4)
def clock_time(second: int) -> str:
    """C{01/Mar/2026:12:00:00} in UTC."""
    at = gmtime(second)
    return (
        f"{at.tm_mday:02}/{MONTHS[at.tm_mon - 1]}/{at.tm_year:04}"
        f":{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    )


@lru_cache(4)
def _second(second: int) -> str:
    at = gmtime(second)
    return (
        f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02}"
        f"T{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    )


def internet_time(seconds: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    second, millisecond = divmod(int(seconds * 1000), 1000)
    return f"{_second(second)}.{millisecond:03}Z"
