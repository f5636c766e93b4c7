"""The first lines of a process: what listens where, and who is up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from twisted.logger import Logger

from fiberlb.build import VERSION
from fiberlb.control.document import FileLayer
from fiberlb.control.service import ControlService
from fiberlb.errors import ConfigurationError
from fiberlb.model.access_log import AccessLogFormat
from fiberlb.model.addresses import FD, at
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member
from fiberlb.model.settings import Settings

_log = Logger()
#: Health that a line of status tells apart, and how.
_LESS = {"down": "down", "probing": "not checked yet", "ejected": "ejected"}


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
        file = "a file (-c FILE)" if layer.ephemeral else "the file"
        _log.info("The access log is off; access_log: combined in {file} turns it on", file=file)
    else:
        _log.info("Access log ({form}) to {path}", form=log.word, path=log.path)


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
    return [*told, workers(control), members(control)]


def workers(control: ControlService) -> str:
    """How many processes carry the traffic."""
    wanted, serving = control.workers
    if not wanted:
        return "This process carries the traffic by itself (workers: 0)"
    return f"{serving} of {wanted} worker processes serve"


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


def standing(control: ControlService) -> Iterator[str | None]:
    """
    How things are, in a line, for a service manager's status.

    @return: C{None} after each member that was looked at, then the line.
    """
    health: Counter[str] = Counter()
    for ident in control.configuration.all(Member):
        health[control.member_health(ident).health] += 1
        yield None
    listening = {one.listener_id for one in control.listeners() if one.state == "listening"}
    failed = sum(one.state == "error" for one in control.listeners())
    words = [_counted(len(listening), "listener"), *_workers(control)]
    up = health["up"] + health["unmonitored"]
    words.append(_counted(up, "member") + " up")
    words += [f"{health[word]} {told}" for word, told in _LESS.items() if health[word]]
    words += [_counted(failed, "address", "addresses") + " in error"] if failed else []
    layer = f" and file generation {control.file_generation}" if control.file_generation else ""
    yield f"serving revision {control.revision}{layer} on {', '.join(words)}"


def _workers(control: ControlService) -> list[str]:
    wanted, serving = control.workers
    return [f"{serving}/{wanted} workers"] if wanted else []


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def tell_refusal(why: Exception) -> None:
    """Say in the log that a file is refused, and why; what runs goes on."""
    several = why.told() if isinstance(why, ConfigurationError) else str(why).splitlines()
    for line in several:
        _log.error("The file is refused, what runs goes on: {line}", line=line)


def tell_fixed(old: Settings, new: Settings) -> None:
    """Say in the log which settings have changed that only a restart puts in force."""
    fixed = ("store", "state_directory", "key_file", "access_log", "log", "node")
    changed = [name for name in fixed if getattr(old, name) != getattr(new, name)]
    if old.admin.listen != new.admin.listen:
        changed.insert(0, "admin.listen")
    if changed:
        _log.warn("Changed and in force after a restart only: {names}", names=", ".join(changed))
