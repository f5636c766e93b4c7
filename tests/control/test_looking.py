"""Tests of L{fiberlb.control.looking}."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.looking import INTERVAL, Looking


class Eye(Looking):
    """Counts its looks, the last of which may take its time, or fail."""

    WHAT = "clouds"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.looks = 0
        self.slow: Deferred[None] | None = None
        self.blind = False

    async def _look(self) -> None:
        self.looks += 1
        if self.blind:
            raise OSError("fog")
        if self.slow is not None:
            await self.slow


class Early(Eye):
    """Does not wait for the first one."""

    AT_ONCE = True


class LookingTests(SynchronousTestCase):
    """When looks are taken."""

    def setUp(self) -> None:
        """An eye that is open."""
        self.clock = Clock()
        self.eye = Eye(self.clock)
        self.eye.start()

    def test_interval(self) -> None:
        """One for each interval, the first after one or at once; none after the end."""
        self.assertEqual(self.eye.looks, 0)
        self.clock.pump([INTERVAL] * 2)
        self.assertEqual(self.eye.looks, 2)
        self.eye.stop()
        self.eye.stop()
        self.clock.advance(INTERVAL)
        self.assertEqual(self.eye.looks, 2)
        early = Early(self.clock)
        early.start()
        self.assertEqual(early.looks, 1)
        early.stop()

    def test_slow(self) -> None:
        """The next one waits for one that takes longer."""
        self.eye.slow = Deferred()
        self.clock.pump([INTERVAL] * 4)
        self.assertEqual(self.eye.looks, 1)
        self.eye.slow.callback(None)
        self.clock.advance(INTERVAL)
        self.assertEqual(self.eye.looks, 2)

    def test_failed(self) -> None:
        """One that fails is told, and is not the last."""
        self.eye.blind = True
        self.clock.advance(INTERVAL)
        (failure,) = self.flushLoggedErrors(OSError)
        self.assertEqual(failure.getErrorMessage(), "fog")
        self.eye.blind = False
        self.clock.advance(INTERVAL)
        self.assertEqual(self.eye.looks, 2)
