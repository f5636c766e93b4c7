"""A listener's timeouts: milliseconds here, named otherwise (product page, "Timeouts")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia.attributes import Attribute, number
from fiberlb.model.bounds import Timeouts
from fiberlb.model.convert import overlaid
from fiberlb.model.listener import Listener

_MOST = 2073600000
DEFAULTS = {
    "timeout_client_data": 50000,
    "timeout_member_connect": 5000,
    "timeout_member_data": 50000,
    "timeout_tcp_inspect": 0,
}
ATTRIBUTES = {name: Attribute(number(0, _MOST), default) for name, default in DEFAULTS.items()}
#: Octavia's -> ours, of which the first one is shown; of listeners that do not read requests.
_REQUESTS = {
    "timeout_client_data": ("client_body_idle",),
    "timeout_member_connect": ("member_connect",),
    "timeout_member_data": ("member_response", "member_body_idle"),
    "timeout_tcp_inspect": (),
}
_BYTES = {
    **_REQUESTS,
    "timeout_member_data": ("tunnel",),
    "timeout_tcp_inspect": ("client_header",),
}


def fields(protocol: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The field C{timeouts}, if any was sent; 0 is no limit, of C{tcp_inspect} the default."""
    if protocol == "PROMETHEUS":
        return {}
    names = _REQUESTS if protocol in ("HTTP", "TERMINATED_HTTPS") else _BYTES
    done: dict[str, Any] = {}
    for name, ours in names.items():
        value = given.get(name)
        if value is None or (name == "timeout_tcp_inspect" and not value):
            continue
        done.update(dict.fromkeys(ours, f"{value}ms" if value else "none"))
    return {"timeouts": done} if done else {}


def noted(protocol: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is noted of them: requests are never waited for by C{timeout_tcp_inspect}."""
    if protocol == "PROMETHEUS":
        # They mean nothing there, and are shown as they were sent.
        return {each: given[each] or None for each in DEFAULTS if each in given}
    name = "timeout_tcp_inspect"
    if name not in given or protocol not in ("HTTP", "TERMINATED_HTTPS"):
        return {}
    return {name: given[name] or None}


def shown(made: Listener, notes: Mapping[str, Any]) -> dict[str, int]:
    """Those in force."""
    effective = overlaid(Timeouts(), made.timeouts)
    names = _REQUESTS if made.speaks_http else _BYTES
    done = {}
    for name, ours in names.items():
        seconds = getattr(effective, ours[0]) if ours else None
        if name == "timeout_tcp_inspect" and (
            not ours or "client_header" not in dict(made.timeouts)
        ):
            seconds = None
        done[name] = notes.get(name) or round((seconds or 0) * 1000)
    return done
