"""Another version of the control process under the same pid, while the workers serve."""

from __future__ import annotations

import os
import signal
import sys
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
    # The next image inherits this, and gets them when it can: workers are to end with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        # One that has come already has its turn.
        await deferLater(reactor, 0)
        await node.prepare_upgrade()
        _log.info("Upgrade: {command}", command=" ".join(again))
        # Until the new image minds them, none of these must end it.
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        sys.stdout.flush()
        sys.stderr.flush()
        execute(again[0], again)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
