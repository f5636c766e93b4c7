"""
The lines of the access log.

Whatever a client sends, an entry is one line, and no field can pass for another
one: what could end a field or a line is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from time import gmtime

from fiberlb.model.settings import AccessLogFormat
from fiberlb.observe.entry import Row

_FIELD = re.compile(rb"\r\n(referer|user-agent|host):[ \t]*([^\r\n]*)", re.IGNORECASE)

#: Not the names of the locale: programs that read logs know these only.
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

# What cannot stand inside quotes, and what cannot stand in a word either.
_UNQUOTABLE = re.compile(r'[^\x20-\x7e]|["\\]')
_UNWORDLY = re.compile(r'[^\x21-\x7e]|["\\]')


def _escape(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02X}"


def _quoted(text: bytes) -> str:
    """The inside of a quoted field, C{-} for nothing."""
    return _UNQUOTABLE.sub(_escape, text.decode("latin-1")) or "-"


def _word(text: bytes | str) -> str:
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
def _common_time(second: int) -> str:
    at = gmtime(second)
    return (
        f"{at.tm_mday:02}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year:04}"
        f":{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000"
    )


@lru_cache(4)
def _internet_time(second: int) -> str:
    at = gmtime(second)
    return (
        f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02}"
        f"T{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    )


def combined(row: Row) -> str:
    """
    One line in the combined format of Apache and nginx, without its line feed.

    Times are UTC; octets outside printable ASCII, quotes and backslashes are
    written C{\\xNN}, as nginx does; what is absent is C{-}.
    """
    started, _, client, _, method, target, minor, block, status, sent, *_ = row
    found = fields(block)
    if method:
        request = f"{_word(method)} {_word(target)} HTTP/1.{minor}"
    else:
        request = "-"
    return (
        f"{_word(client)} - - [{_common_time(int(started))}]"
        f' "{request}" {status:03} {sent}'
        f' "{_quoted(found.get(b"referer", b""))}" "{_quoted(found.get(b"user-agent", b""))}"'
    )


def _text(text: bytes | str | None) -> str:
    """A JSON string; octets that are not UTF-8 as C{\\xNN}; C{null} for nothing."""
    if not text:
        return "null"
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    quoted = encode_basestring_ascii(text)
    # The one control character that JSON allows as it is.
    return quoted.replace("\x7f", "\\u007f") if "\x7f" in quoted else quoted


def _milliseconds(seconds: float) -> str:
    return "null" if seconds < 0 else f"{seconds * 1000:.3f}"


def json(row: Row) -> str:
    """
    One JSON object, without its line feed: always the same keys, ASCII only.

    C{time} is RFC 3339 in UTC with milliseconds; C{head}, C{connect},
    C{response} and C{total} are milliseconds; what is absent is C{null}.
    """
    (
        started, listener, client, client_port, method, target, minor, block, status, sent,
        received, pool, member, policy, reason, request_id, tries, head, connect, response,
        total, secure, sni, detail,
    ) = row  # fmt: skip
    found = fields(block)
    second, millisecond = divmod(int(started * 1000), 1000)
    version = f'"1.{minor}"' if method else "null"
    return (
        f'{{"time":"{_internet_time(second)}.{millisecond:03}Z","listener":{_text(listener)}'
        f',"client":{_text(client)},"client_port":{client_port}'
        f',"method":{_text(method)},"target":{_text(target)},"version":{version}'
        f',"host":{_text(found.get(b"host"))},"status":{status or "null"}'
        f',"sent":{sent},"received":{received}'
        f',"pool":{_text(pool)},"member":{_text(member)},"policy":{_text(policy)}'
        f',"reason":{_text(reason)},"detail":{_text(detail)},"request_id":{_text(request_id)},"tries":{tries}'
        f',"sni":{_text(sni)},"tls":{"true" if secure else "false"}'
        f',"head":{_milliseconds(head)},"connect":{_milliseconds(connect)}'
        f',"response":{_milliseconds(response)},"total":{_milliseconds(total)}'
        f',"referer":{_text(found.get(b"referer"))}'
        f',"user_agent":{_text(found.get(b"user-agent"))}}}'
    )


def sentence(row: Row) -> str:
    """What FiberLB answered by itself, for people: one line of printable ASCII and names."""
    method, target, minor, block, status = row[4], row[5], row[6], row[7], row[8]
    words = [f"{status or 'no answer'} {row[14] or ''}".rstrip() + ":"]
    if method:
        words.append(f'"{_word(method)} {_word(target)} HTTP/1.{minor}"')
    host = fields(block).get(b"host") or row[22]
    if host:
        words.append(f"for {_word(host)}")
    words.append(f"from {_word(row[2])}")
    named = (("listener", row[1]), ("policy", row[13]), ("pool", row[11]), ("member", row[12]))
    words += [f"{what} {name}" for what, name in named if name]
    if row[15]:
        words.append(f"request {row[15]}")
    if row[23]:
        words.append(f"({_UNQUOTABLE.sub(_escape, row[23])})")
    return " ".join(words)


#: The registry of formats; a further one is a function and a line here.
FORMATS: Mapping[AccessLogFormat, Callable[[Row], str]] = {
    AccessLogFormat.COMBINED: combined,
    AccessLogFormat.JSON: json,
}
