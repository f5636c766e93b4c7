"""Lines about denials."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.access.denials import BURST, Denials


class DenialsTests(SynchronousTestCase):
    """A flood of them is one of requests alone."""

    def test_bounded(self) -> None:
        """So many at once, then the rest is counted and told with the next one."""
        told = EventLoggingObserver()
        clock = Clock()
        denials = Denials(Logger("x", observer=told), clock.seconds)
        for number in range(100):
            denials.tell("{n} was refused", n=number)
        self.assertEqual(len(told._events), BURST)
        self.assertEqual(formatEvent(told._events[0]), "0 was refused")
        clock.advance(0.1)
        denials.tell("{n} was refused", n=100)
        text = "100 was refused (80 more before it were not told)"
        self.assertEqual(formatEvent(told._events[-1]), text)
