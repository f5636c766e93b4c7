"""
Lines as HAProxy writes them, for programs that read those.

Its C{option httplog} and C{option tcplog} (HAProxy's configuration manual, section
8.2), as with C{log stdout format raw}: without a syslog header. Times are UTC.
"""

from __future__ import annotations

from fiberlb.observe.entry import Entry, Row
from fiberlb.observe.fields import clock_time, word

#: Reason -> the first two characters of the state in which a session ended; the others: C{PR}.
STATES = {
    "header_timeout": "cR",
    "body_timeout": "cD",
    "client_abort": "CD",
    "client_write_timeout": "cD",
    "truncated": "SD",
    "tunnel_timeout": "cD",
    "connect_refused": "SC",
    "connect_timeout": "sC",
    "no_route": "SC",
    "no_members": "SC",
    "all_members_down": "SC",
    "pool_disabled": "SC",
    "queue_timeout": "sQ",
    "member_tls": "SC",
    "member_reset": "SH",
    "member_bad_response": "PH",
    "member_closed": "SH",
    "member_timeout": "sH",
}


def haproxy(row: Row) -> str:
    """One line, without its line feed; what HAProxy counts and FiberLB does not is 0."""
    entry = Entry._make(row)
    if entry.method or entry.status:
        return _http(entry)
    return _tcp(entry)


def _http(e: Entry) -> str:
    spans = f"{_ms(max(e.head, 0))}/{_waited(e)}/{_connected(e)}/{_answered(e)}/{_ms(e.total)}"
    request = f"{word(e.method)} {word(e.target)} HTTP/1.{e.minor}" if e.method else "<BADREQ>"
    return (
        f"{_where(e)} {_who(e)} {spans} {e.status or -1} {e.sent} - - {_state(e)}--"
        f' 0/0/0/0/{_retries(e)} 0/0 "{request}"'
    )


def _tcp(e: Entry) -> str:
    spans = f"{_waited(e)}/{_connected(e)}/{_ms(e.total)}"
    return f"{_where(e)} {_who(e)} {spans} {e.sent} {_state(e)} 0/0/0/0/{_retries(e)} 0/0"


def _where(e: Entry) -> str:
    second, millisecond = divmod(int(e.started * 1000), 1000)
    return f"{word(e.client)}:{e.client_port} [{clock_time(second)}.{millisecond:03}]"


def _who(e: Entry) -> str:
    listener = word(e.listener) + ("~" if e.secure else "")
    return f"{listener} {word(e.pool or e.listener)}/{word(e.member or '<NOSRV>')}"


def _state(e: Entry) -> str:
    return "--" if e.reason is None else STATES.get(e.reason, "PR")


def _retries(e: Entry) -> str:
    # Another try is at another member, which HAProxy writes with a sign.
    return f"+{e.tries - 1}" if e.tries > 1 else "0"


def _connected(e: Entry) -> int:
    return -1 if not e.member or _state(e)[1] == "C" else _ms(e.connect)


def _ms(seconds: float) -> int:
    return -1 if seconds < 0 else round(seconds * 1000)


def _waited(e: Entry) -> int:
    """In a queue; C{-1} where no member was chosen and nothing has waited."""
    return _ms(e.queued) if e.member or e.queued else -1


def _answered(e: Entry) -> int:
    """From the connection to the answer; ours counts from the end of the head."""
    if e.response < 0 or not e.member or _state(e)[1] in "CH":
        return -1
    return _ms(max(e.response - e.queued - max(e.connect, 0.0), 0.0))
