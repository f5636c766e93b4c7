"""The first lines of a process: what listens where, and who is up."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.logger import Logger

from fiberlb.build import VERSION
from fiberlb.control.document import FileLayer
from fiberlb.control.service import ControlService
from fiberlb.model.addresses import FD, at
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member
from fiberlb.model.settings import AccessLogFormat

_log = Logger()


def announce(control: ControlService, layer: FileLayer, admin: Sequence[str]) -> None:
    """
    Say it in the log.

    @param admin: where the admin API listens.
    """
    _log.info("FiberLB {version}, node {node}", version=VERSION, node=control.node)
    for line in lines(control, admin):
        _log.info("{line}", line=line)
    log = layer.settings.access_log
    if log.format is AccessLogFormat.OFF:
        _log.info("The access log is off; access_log: combined in the file turns it on")
    else:
        _log.info("Access log ({form}) to {path}", form=log.format.value, path=log.path)


def lines(control: ControlService, admin: Sequence[str]) -> list[str]:
    """What listens where, where the admin API is, how many members are up."""
    configuration = control.configuration
    listeners = configuration.all(Listener)
    told = []
    for state in sorted(control.listeners(), key=lambda s: (s.port, s.host)):
        where = at(state.host, state.port)
        if state.host.startswith(FD) and state.port:
            where += f" (port {state.port})"
        listener = listeners.get(state.listener_id)
        name = f"listener {listener.name}, {listener.protocol.value}" if listener else ""
        if state.state == "listening":
            told.append(f"Listening on {where} ({name})")
        elif state.state == "error":
            told.append(f"NOT listening on {where} ({name}): {state.reason}")
    if not told:
        told.append("Nothing listens: the configuration has no listener")
    told += [f"Admin API on {where}" for where in admin] or ["The admin API is off"]
    return [*told, members(control)]


def members(control: ControlService) -> str:
    """How many members are up, and which are not."""
    all_members = control.configuration.all(Member).values()
    if not all_members:
        return "There are no members"
    health = [(m, control.member_health(m.id)) for m in all_members]
    up = [m for m, h in health if h.health in ("up", "unmonitored")]
    unknown = [f"{m.name} ({h.reason})" for m, h in health if h.health == "unknown"]
    down = [f"{m.name} ({h.health}: {h.reason})" for m, h in health if h.health == "down"]
    probing = sum(1 for _, h in health if h.health == "probing")
    text = f"{len(up)} of {len(health)} members up"
    if probing:
        text += f", {probing} not checked yet"
    if down:
        shown = ", ".join(down[:5]) + (", ..." if len(down) > 5 else "")
        text += f"; down: {shown}"
    if unknown:
        text += f"; not resolved: {', '.join(unknown[:5])}{', ...' if len(unknown) > 5 else ''}"
    return text


def tell_refusal(why: Exception) -> None:
    """Say in the log that a file is refused, and why; what runs goes on."""
    for line in str(why).splitlines():
        _log.error("The file is refused, what runs goes on: {line}", line=line)
