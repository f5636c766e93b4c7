"""Another version of the control process under the same pid, while the workers serve."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import Logger

_log = Logger()


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
    await node.prepare_upgrade()
    _log.info("Upgrade: {command}", command=" ".join(again))
    # Until the new image minds them, none of these must end it.
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    execute(again[0], again)
