"""What a worker has to say for the log: control writes it, and where control is away, it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import ILogObserver, LogLevel, eventAsText, formatTime
from zope.interface import implementer

from fiberlb.workers.messages import LONGEST_LINE

#: Sends a level, a namespace and a text; C{False} when nobody is there to take it.
Tell = Callable[[str, str, str], bool]


@implementer(ILogObserver)
class Talk:
    """
    Passes a worker's log on.

    @param tell: to control.
    @param aside: writes a line where control is away.
    @param name: of this worker, for lines that it writes itself.
    """

    def __init__(self, tell: Tell, aside: Callable[[str], Any], name: str) -> None:
        self._tell = tell
        self._aside = aside
        self._name = name

    def __call__(self, event: Any) -> None:
        """One event; of other libraries' only what is wrong."""
        level = event.get("log_level", LogLevel.info)
        namespace = str(event.get("log_namespace", ""))
        least = LogLevel.info if namespace.startswith("fiberlb") else LogLevel.warn
        if level < least:
            return
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        text = text[:LONGEST_LINE]
        if not self._tell(level.name, namespace, text):
            when = formatTime(event.get("log_time"))
            self._aside(f"{when} [{self._name}#{level.name}] {text}\n")
