"""The workers of a control process that is gone: found, waited for, taken over."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from fiberlb.relay.accept import BACKLOG
from fiberlb.workers.seen import ControlLink, Takers

_log = Logger()
#: Seconds that workers get to dial.
PATIENCE = 3.0
#: Seconds between two looks whether all have.
LOOK = 0.02


def living(directory: str, prefix: str, *, draining: bool = True) -> set[int]:
    """
    Pids of the workers that live: each holds a lock on a file with its pid.

    The files of others are removed.

    @param draining: also of those that drain, which look for nobody any more.
    """
    pids = set()
    for path in Path(directory).glob(f"{prefix}*"):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            if draining or not os.pread(fd, 1, 0):
                pids.add(int(path.name.removeprefix(prefix)))
        finally:
            os.close(fd)
    return pids


def open_door(reactor: Any, path: str, takers: Takers) -> Any:
    """
    Listen for workers that look for a control process; an L{IListeningPort}.

    @param path: of the socket; one that is there is of a process that is gone.
    """
    Path(path).unlink(missing_ok=True)
    factory: Any = Factory()
    factory.noisy = False
    factory.buildProtocol = lambda address: ControlLink(takers)
    return reactor.listenUNIX(path, factory, BACKLOG, 0o600)


async def gathered(
    reactor: Any,
    expected: Callable[[], set[int]],
    adopted: Callable[[], set[int]],
    told: str,
) -> set[int]:
    """
    Wait until all that live have been adopted, but not for ever, and say so in the log.

    @param told: with the C{count} of those that have.
    @return: pids of those that have not.
    """
    until = reactor.seconds() + PATIENCE
    while (missing := expected() - adopted()) and reactor.seconds() < until:
        await deferLater(reactor, LOOK)
    _log.info(told, count=len(adopted()))
    if missing:
        _log.warn("Workers {pids} do not answer", pids=sorted(missing))
    return missing
