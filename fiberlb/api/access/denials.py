"""One line in the log for each denial, and never more than the log can bear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

#: Lines in a second, and how many of them may be saved up.
RATE = 10.0
BURST = 20.0


class Denials:
    """
    Tells the log of refused requests.

    @param now: seconds of a clock that never jumps.
    """

    def __init__(self, log: Logger, now: Callable[[], float]) -> None:
        self._log = log
        self._now = now
        self._left = BURST
        self._at = now()
        self._untold = 0

    def tell(self, text: str, **values: Any) -> None:
        """
        A line, or one more of those that are only counted.

        @param text: a format, as of C{Logger.info}.
        """
        now = self._now()
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            self._untold += 1
            return
        self._left -= 1
        untold, self._untold = self._untold, 0
        more = f" ({untold} more before it were not told)" if untold else ""
        self._log.info(text + more, **values)
