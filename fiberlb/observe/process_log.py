"""The log of the process itself: how much of it is written, and where to."""

from __future__ import annotations

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    textFileLogObserver,
)

from fiberlb.model import settings

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


def direct(publisher: LogPublisher, log: settings.Log) -> None:
    """
    Have the process's log written as the settings say, in place of what twistd arranged.

    With C{path: stderr} the observers that are there stay (in the foreground
    twistd writes to the terminal, in the background to its own log file) and
    only the level is applied to them.

    @raise OSError: the file cannot be opened.
    """
    level = LogLevelFilterPredicate(defaultLogLevel=_LEVELS[log.level])
    for namespace in CHATTY:
        level.setLogLevelForNamespace(namespace, LogLevel.warn)
    present = list(publisher._observers)
    if log.path == "stderr":
        observers = present
    else:
        observers = [textFileLogObserver(open(log.path, "a", encoding="utf-8"))]  # noqa: SIM115
    for observer in present:
        publisher.removeObserver(observer)
    for observer in observers:
        publisher.addObserver(filtered(observer, level))


def filtered(observer: ILogObserver, level: LogLevelFilterPredicate) -> ILogObserver:
    """The observer, told only of what passes the level."""
    return FilteringLogObserver(observer, [level])
