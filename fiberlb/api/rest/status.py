"""How this node is: for dashboards, for probes, for a balancer in front."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.web.iweb import IRequest

from fiberlb import __version__
from fiberlb.api.rest.bodies import command_only
from fiberlb.api.rest.documents import listener_name
from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import Reply
from fiberlb.control.commits import time_text
from fiberlb.control.service import ControlService
from fiberlb.model.addresses import bare
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool


def status(control: ControlService) -> Reply:
    """GET /v1/status."""
    started = control.ready
    document: dict[str, Any] = {
        "node": control.node,
        "version": __version__,
        "ready": started,
        "revision": control.revision,
        "file_generation": control.file_generation,
        "workers": dict(zip(("wanted", "serving"), control.workers, strict=True)),
        "overload": _overload(control),
        "members": _members(control) if started else {},
        "panic": _panic(control) if started else [],
        "store": _store(control),
        "problems": _problems(control),
        "listeners": _listeners(control),
    }
    return Reply(document=document)


def _store(control: ControlService) -> dict[str, Any]:
    """Whether it is there; away, since when and why, and whether a copy is served."""
    standing = control.standing
    return {
        "away_since": time_text(standing.away_since) if standing.away_since else None,
        "detail": standing.detail,
        "copy": standing.copied,
    }


def _overload(control: ControlService) -> dict[str, int]:
    """How many processes with traffic are too slow, and how slow the slowest one is."""
    load = control.load
    return {
        "closing": load.closing,
        "refusing": load.refusing,
        "lag_milliseconds": round(load.lag * 1000),
    }


def _members(control: ControlService) -> dict[str, int]:
    """How many are how; each address of a name counts, a name without one is C{unknown}."""
    health: Counter[str] = Counter()
    for ident in control.configuration.all(Member):
        parts = control.members.parts(ident)
        if parts:
            health.update(control.members.seen(part.id)[0].health for part in parts)
        else:
            health[control.member_health(ident).health] += 1
    total = health.total()
    words = ("up", "down", "probing", "ejected", "unmonitored")
    known = {word: health.pop(word, 0) for word in words}
    members = control.configuration.all(Member)
    draining = sum(1 for ident in control.operating.states.restrained if ident in members)
    return {"total": total, **known, "draining": draining, **health}


def _panic(control: ControlService) -> list[dict[str, str]]:
    """Pools all members of which are used, whatever their health."""
    pools = control.configuration.all(Pool)
    return [{"id": i, "name": pools[i].name} for i in control.health.panicking() if i in pools]


def _listeners(control: ControlService) -> list[dict[str, Any]]:
    configuration = control.configuration if control.started else None
    return [
        {
            "id": one.listener_id,
            "name": listener_name(configuration, one.listener_id) if configuration else "",
            "address": bare(one.host),
            "port": one.port or None,
            "state": one.state,
            "reason": one.reason,
            **figures(control, one.listener_id),
        }
        for one in control.listeners()
    ]


def figures(control: ControlService, ident: str) -> dict[str, int]:
    """What a listener has: connections open and allowed, requests so far."""
    known = control.listener_figures(ident)
    found = {name: known.get(name, 0) for name in ("connections", "accepted", "requests")}
    listener = control.configuration.all(Listener).get(ident) if control.started else None
    return {**found, "connection_limit": listener.connection_limit if listener else -1}


def _problems(control: ControlService) -> list[str]:
    failed = [
        f"{bare(one.host)} port {one.port}: {one.reason}" if one.port else one.reason
        for one in control.listeners()
        if one.state == "error"
    ]
    return [*control.problems, *failed]


async def restart(control: ControlService, request: IRequest) -> Reply:
    """
    POST /v1/workers/restart: answered when the new workers serve.

    @raise Refused: there are none.
    """
    command_only(request)
    wanted, _ = control.workers
    if not wanted:
        raise Refused(409, "no_workers", "this node runs in one process (workers: 0)")
    await control.restart_workers()
    return Reply(
        document={"workers": dict(zip(("wanted", "serving"), control.workers, strict=True))}
    )


def alive() -> Reply:
    """GET /healthz: the process answers."""
    return Reply(document={"status": "ok"})


def ready(control: ControlService) -> Reply:
    """GET /readyz: a configuration is in force, and the end has not begun."""
    if control.ready:
        return Reply(document={"status": "ready"})
    return Reply(503, {"status": "not ready"}, {"Retry-After": "1"})
