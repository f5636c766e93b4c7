"""
The lines of the access log.

Whatever a client sends, an entry is one line, and no field can pass for another
one: what could end a field or a line is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii

from fiberlb.model.access_log import AccessLogFormat
from fiberlb.observe.entry import Row
from fiberlb.observe.fields import clock_time, fields, internet_time, quotable, quoted, word
from fiberlb.observe.haproxy import haproxy
from fiberlb.observe.template import template


def combined(row: Row) -> str:
    """
    One line in the combined format of Apache and nginx, without its line feed.

    Times are UTC; octets outside printable ASCII, quotes and backslashes are
    written C{\\xNN}, as nginx does; what is absent is C{-}.
    """
    started, _, client, _, method, target, minor, block, status, sent, *_, user = row
    found = fields(block)
    if method:
        request = f"{word(method)} {word(target)} HTTP/1.{minor}"
    else:
        request = "-"
    return (
        f"{word(client)} - {word(user)} [{clock_time(int(started))} +0000]"
        f' "{request}" {status:03} {sent}'
        f' "{quoted(found.get(b"referer", b""))}" "{quoted(found.get(b"user-agent", b""))}"'
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

    C{time} is RFC 3339 in UTC with milliseconds; C{head}, C{queued}, C{connect},
    C{response} and C{total} are milliseconds; what is absent is C{null}.
    """
    (
        started, listener, client, client_port, method, target, minor, block, status, sent,
        received, pool, member, policy, reason, request_id, tries, head, connect, response,
        total, secure, sni, detail, queued, user,
    ) = row  # fmt: skip
    found = fields(block)
    version = f'"1.{minor}"' if method else "null"
    return (
        f'{{"time":"{internet_time(started)}","listener":{_text(listener)}'
        f',"client":{_text(client)},"client_port":{client_port or "null"},"user":{_text(user)}'
        f',"method":{_text(method)},"target":{_text(target)},"version":{version}'
        f',"host":{_text(found.get(b"host"))},"status":{status or "null"}'
        f',"sent":{sent},"received":{received}'
        f',"pool":{_text(pool)},"member":{_text(member)},"policy":{_text(policy)}'
        f',"reason":{_text(reason)},"detail":{_text(detail)},"request_id":{_text(request_id)},"tries":{tries}'
        f',"sni":{_text(sni)},"tls":{"true" if secure else "false"}'
        f',"head":{_milliseconds(head)},"queued":{_milliseconds(queued)},"connect":{_milliseconds(connect)}'
        f',"response":{_milliseconds(response)},"total":{_milliseconds(total)}'
        f',"referer":{_text(found.get(b"referer"))}'
        f',"user_agent":{_text(found.get(b"user-agent"))}}}'
    )


def sentence(row: Row) -> str:
    """What FiberLB answered by itself, for people: one line of printable ASCII and names."""
    method, target, minor, block, status = row[4], row[5], row[6], row[7], row[8]
    words = [f"{status or 'no answer'} {row[14] or ''}".rstrip() + ":"]
    if method:
        words.append(f'"{word(method)} {word(target)} HTTP/1.{minor}"')
    host = fields(block).get(b"host") or row[22]
    if host:
        words.append(f"for {word(host)}")
    words.append(f"from {word(row[2])}")
    named = (("listener", row[1]), ("policy", row[13]), ("pool", row[11]), ("member", row[12]))
    words += [f"{what} {name}" for what, name in named if name]
    if row[15]:
        words.append(f"request {row[15]}")
    if row[23]:
        words.append(f"({quotable(row[23])})")
    return " ".join(words)


#: The registry of formats; a further one is a function and a line here.
FORMATS: Mapping[AccessLogFormat, Callable[[Row], str]] = {
    AccessLogFormat.COMBINED: combined,
    AccessLogFormat.JSON: json,
    AccessLogFormat.HAPROXY: haproxy,
}


def formatter(chosen: AccessLogFormat | str) -> Callable[[Row], str]:
    """
    What makes the lines of a format, a text of one's own among them; for C{OFF} it does not matter.

    @raise ValueError: as of L{template}.
    """
    if isinstance(chosen, str):
        return template(chosen)
    return FORMATS.get(chosen, combined)
