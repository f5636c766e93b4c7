"""The log of the process itself: how much of it is written, and where to."""

from __future__ import annotations

import io
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
from fiberlb.observe.outlet import open_log

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
    """
    A text file that is appended to, as a C{FileLogObserver} wants it, and that can be opened again.

    @raise OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = self._open()

    def write(self, text: str) -> None:
        """Append; characters that are none are written as escapes."""
        self._file.write(text)

    def flush(self) -> None:
        """Have it written."""
        self._file.flush()

    def reopen(self) -> None:
        """
        Open it again, since whoever rotates logs has moved it away.

        @raise OSError: it cannot be opened; what was open still is.
        """
        opened = self._open()
        old, self._file = self._file, opened
        old.close()

    def _open(self) -> io.TextIOWrapper:
        fd = open_log(self._path)
        # In one write a line, so that those of others do not come within it.
        return io.TextIOWrapper(
            io.BufferedWriter(io.FileIO(fd, "a"), 65536), "utf-8", "backslashreplace"
        )


def direct(publisher: LogPublisher, log: settings.Log) -> LogFile | None:
    """
    Have the process's log written as the settings say, in place of what twistd arranged.

    With C{path: stderr} the observers that are there stay (in the foreground
    twistd writes to the terminal, in the background to its own log file) and
    only the level is applied to them.

    @return: the file, unless it is C{stderr}.
    @raise OSError: the file cannot be opened.
    """
    level = LogLevelFilterPredicate(defaultLogLevel=_LEVELS[log.level])
    for namespace in CHATTY:
        level.setLogLevelForNamespace(namespace, LogLevel.warn)
    present = list(publisher._observers)
    file = None if log.path == "stderr" else LogFile(log.path)
    observers = present if file is None else [textFileLogObserver(cast(IO[Any], file))]
    for observer in present:
        publisher.removeObserver(observer)
    for observer in observers:
        publisher.addObserver(filtered(observer, level))
    return file


def filtered(observer: ILogObserver, level: LogLevelFilterPredicate) -> ILogObserver:
    """The observer, told only of what passes the level."""
    return FilteringLogObserver(observer, [level])
