"""The log of the process itself: how much of it is written, and where to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any, cast

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    textFileLogObserver,
)

from fiberlb.model import settings
from fiberlb.observe.writer import open_log

_LEVELS = {
    settings.LogLevel.DEBUG: LogLevel.debug,
    settings.LogLevel.INFO: LogLevel.info,
    settings.LogLevel.WARN: LogLevel.warn,
    settings.LogLevel.ERROR: LogLevel.error,
}

#: Parts of Twisted that tell of every connection they make.
CHATTY = (
    "twisted.web.client",
    "twisted.web.server",
    "twisted.internet.protocol",
    "twisted.protocols.amp",
)


class LogFile:
    """A text file that is opened anew when it has been moved away."""

    def __init__(self, path: str) -> None:
        """@raise OSError: it cannot be opened."""
        self._path = path
        self._file = os.fdopen(open_log(path), "a", encoding="utf-8")

    def write(self, text: str) -> None:
        """As a file does."""
        self._file.write(text)

    def flush(self) -> None:
        """As a file does."""
        self._file.flush()

    def reopen(self) -> None:
        """
        Go on in a file of the same name, which may be another one by now.

        @raise OSError: it cannot be opened; what was open stays so.
        """
        file = os.fdopen(open_log(self._path), "a", encoding="utf-8")
        self._file.close()
        self._file = file


def _nothing() -> None:
    """The log is not ours to open again."""


def direct(publisher: LogPublisher, log: settings.Log) -> Callable[[], None]:
    """
    Have the process's log written as the settings say, in place of what twistd arranged.

    With C{path: stderr} the observers that are there stay (in the foreground
    twistd writes to the terminal, in the background to its own log file) and
    only the level is applied to them.

    @return: opens the file anew; raises C{OSError}.
    @raise OSError: the file cannot be opened.
    """
    level = LogLevelFilterPredicate(defaultLogLevel=_LEVELS[log.level])
    for namespace in CHATTY:
        level.setLogLevelForNamespace(namespace, LogLevel.warn)
    present = list(publisher._observers)
    reopen = _nothing
    if log.path == "stderr":
        observers = present
    else:
        file = LogFile(log.path)
        observers, reopen = [textFileLogObserver(cast(IO[Any], file))], file.reopen
    for observer in present:
        publisher.removeObserver(observer)
    for observer in observers:
        publisher.addObserver(filtered(observer, level))
    return reopen


def filtered(observer: ILogObserver, level: LogLevelFilterPredicate) -> ILogObserver:
    """The observer, told only of what passes the level."""
    return FilteringLogObserver(observer, [level])
