"""Another version of the control process under the same pid, while the workers serve."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import Logger

_log = Logger()
#: Signals that end this process, held back while another image takes its place.
ENDING = (signal.SIGTERM, signal.SIGINT)
#: Options of twistd after which it does not go into the background.
_FOREGROUND = ("-n", "--nodaemon", "-no", "-b", "--debug")


class Refused(Exception):
    """The installed code does not take the configuration; the message says why."""


class Upgradable(Protocol):
    """L{fiberlb.node.Node} by shape."""

    async def prepare_upgrade(self) -> None:
        """Close what the next image opens again."""


def command(words: Sequence[str], executable: str) -> list[str]:
    """
    How to start again, under the same pid and in the same surroundings.

    A process that is in the background already must not go there again, nor
    take its own pid for that of another.

    @param words: as this process was started, C{sys.orig_argv}.
    @raise Refused: it is not known how it was started.
    """
    if "fiberlb" not in words[1:]:
        raise Refused("this process was started in a way that is not known")
    place = words.index("fiberlb", 1)
    options = words[1:place]
    added = ["--nodaemon", "--pidfile="]
    logged = any(word.startswith(("-l", "--logfile", "--syslog")) for word in options)
    if not logged and not any(word in _FOREGROUND for word in options):
        added.append("--logfile=twistd.log")
    return [executable, *options, *added, *words[place:]]


def configuration(words: Sequence[str]) -> str | None:
    """The file that was given with C{-c}; C{None} without."""
    given = words[words.index("fiberlb", 1) :] if "fiberlb" in words[1:] else []
    for word, following in zip(given, [*given[1:], ""], strict=False):
        if word in ("-c", "--config"):
            return following
        if word.startswith("--config="):
            return word.removeprefix("--config=")
    return None


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


async def upgrade(
    reactor: Any,
    node: Upgradable,
    words: Sequence[str],
    execute: Callable[[str, list[str]], Any] = os.execv,
) -> None:
    """
    Become the code that is installed now; the workers are taken over by it, then replaced.

    @raise Refused: nothing has changed.
    """
    again = command(words, sys.executable)
    path = configuration(words)
    if path is not None:
        await check(reactor, path)
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
        # Other threads do not block them; what comes there is noted here.
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
