"""Tests of L{fiberlb.workers.order}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.order import Order


class OrderTests(SynchronousTestCase):
    """What a worker is told."""

    def test_round(self) -> None:
        """It arrives as it was sent."""
        order = Order(
            number=3, slot=1, directory="/ä", deadline=5.5, log_format="off", log_path="stdout"
        )
        self.assertEqual(Order.decode(order.encode()), order)
