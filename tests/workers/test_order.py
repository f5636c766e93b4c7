"""Tests of L{fiberlb.workers.order}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import AccessLog, AccessLogFormat, Settings, Shutdown
from fiberlb.workers.order import Order


class OrderTests(SynchronousTestCase):
    """What a worker is told."""

    def test_round(self) -> None:
        """It arrives as it was sent."""
        order = Order(
            number=3,
            slot=1,
            directory="/ä",
            board="/ä/board",
            deadline=5.5,
            log_format="off",
            log_path="stdout",
        )
        self.assertEqual(Order.decode(order.encode()), order)

    def test_settings(self) -> None:
        """What the file says of workers is in it."""
        log = AccessLog(format=AccessLogFormat.JSON, path="/l")
        made = Order.of(Settings(access_log=log, shutdown=Shutdown(worker_deadline=7.0)), "/d", "b")
        self.assertEqual((made.directory, made.board, made.deadline), ("/d", "b", 7.0))
        self.assertEqual((made.log_format, made.log_path), ("json", "/l"))
