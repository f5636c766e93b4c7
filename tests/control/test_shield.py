"""Work that goes on whoever stops waiting."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.shield import shielded


class ShieldTests(SynchronousTestCase):
    """Results, failures and those who do not wait for them."""

    def setUp(self) -> None:
        """Work that waits for something."""
        self.inner: Deferred[int] = Deferred()
        self.done: list[int] = []

    async def work(self) -> int:
        """Wait, then note it."""
        found = await self.inner
        self.done.append(found)
        return found

    def test_result(self) -> None:
        """It is handed out."""
        waiting = shielded(self.work())
        self.inner.callback(3)
        self.assertEqual(self.successResultOf(waiting), 3)

    def test_failure(self) -> None:
        """So is an error."""
        waiting = shielded(self.work())
        self.inner.errback(ValueError())
        self.failureResultOf(waiting, ValueError)

    def test_cancelled(self) -> None:
        """Who cancels hears so at once; the work is done nevertheless."""
        waiting = shielded(self.work())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.done, [])
        self.inner.callback(3)
        self.assertEqual(self.done, [3])

    def test_late_failure(self) -> None:
        """An error that nobody waits for is logged."""
        waiting = shielded(self.work())
        waiting.cancel()
        self.failureResultOf(waiting)
        self.inner.errback(ValueError())
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
