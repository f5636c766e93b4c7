"""Another version of the control process under the same pid, while the workers serve."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import Logger

_log = Logger()
#: Signals that end this process, held back while another image takes its place.
ENDING = (signal.SIGTERM, signal.SIGINT)


class Refused(Exception):
    """The installed code does not take the configuration; the message says why."""


class Upgradable(Protocol):
    """L{fiberlb.node.Node} by shape."""

    async def prepare_upgrade(self) -> None:
        """Close what the next image opens again."""


async def check(reactor: Any, path: str) -> None:
    """
    Have the code that is installed now read the configuration.

    @raise Refused: it does not take it.
    """
    words = ["-P", "-c", "from fiberlb.cli import main; main()", "check", "-c", path]
    out, err, code = await getProcessOutputAndValue(
        sys.executable, words, env=os.environ, reactor=reactor
    )
    if code:
        raise Refused((out + err).decode("utf-8", "replace").strip()[-2000:])


def _may_log(path: str) -> bool:
    if os.path.lexists(path):
        return os.access(path, os.R_OK | os.W_OK)
    return os.access(os.path.dirname(path), os.W_OK | os.X_OK)


async def upgrade(
    reactor: Any,
    node: Upgradable,
    again: list[str],
    configuration: str | None,
    log: str | None,
    execute: Callable[[str, list[str]], Any],
) -> None:
    """
    Become the code that is installed now; the workers are taken over by it, then replaced.

    @param again: the command to become.
    @param configuration: the file to try beforehand.
    @param log: the file that the new image will log to, if any.
    @param execute: C{os.execv} by shape.
    @raise Refused: nothing has changed.
    """
    if log is not None and not _may_log(log):
        raise Refused(f"{log} may not be written to by this process's user")
    if configuration is not None:
        await check(reactor, configuration)
    with _Held() as held:
        # One that has come already has its turn.
        await deferLater(reactor, 0)
        await node.prepare_upgrade()
        _log.info("Upgrade: {command}", command=" ".join(again))
        # Until the new image minds them, none of these must end it.
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        sys.stdout.flush()
        sys.stderr.flush()
        held.pass_on()
        execute(again[0], again)


class _Held:
    """
    Signals that end the process, for the next image, which inherits those that this
    thread waits for: workers are to end with it, and in order.
    """

    def __init__(self) -> None:
        self._came: list[int] = []

    def __enter__(self) -> _Held:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        # Our threads never take them (fiberlb/threads.py). Those of a library may, for as long as
        # this image is there: what comes to them is noted.
        self._before = {
            number: signal.signal(number, lambda number, _: self._came.append(number))
            for number in ENDING
        }
        return self

    def pass_on(self) -> None:
        """Have this thread wait for those that have come."""
        came, self._came = self._came, []
        for number in came:
            signal.pthread_kill(threading.get_ident(), number)

    def __exit__(self, *why: object) -> None:
        """There is no next image."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self.pass_on()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
