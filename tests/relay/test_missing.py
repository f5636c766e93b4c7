"""Addresses that could not be had."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.relay.missing import RETRY, Missing

KEY = ("192.0.2.1", 80)
OTHER = ("192.0.2.2", 80)


class MissingTests(SynchronousTestCase):
    """What is tried, and for how long."""

    def setUp(self) -> None:
        """Nothing can be had."""
        self.clock = Clock()
        self.free: dict[tuple[str, int], bool] = {}
        self.tried: list[tuple[str, int]] = []
        self.missing = Missing(self.clock.callLater, self.attempt)

    def attempt(self, key: tuple[str, int], ident: str) -> bool:
        """As the test says."""
        self.tried.append(key)
        if key not in self.free:
            raise AddressInUse(ident, *key, f"no {len(self.tried)}")
        return self.free[key]

    def test_until_it_can(self) -> None:
        """Each is tried until it is there, and the last reason is told."""
        self.missing.use({k: AddressInUse("one", *k, "at first") for k in (KEY, OTHER)})
        self.clock.advance(RETRY)
        self.assertEqual([str(w) for w in self.missing.all().values()], ["no 1", "no 2"])
        self.free = {KEY: True, OTHER: False}
        self.clock.advance(RETRY)
        self.assertEqual(dict(self.missing.all()), {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_replaced(self) -> None:
        """A change has others, or none; the clock that runs is used."""
        self.missing.use({KEY: AddressInUse("one", *KEY, "")})
        self.clock.advance(RETRY / 2)
        self.missing.use({OTHER: AddressInUse("one", *OTHER, "")})
        self.clock.advance(RETRY / 2)
        self.assertEqual(self.tried, [OTHER])
        self.missing.stop()
        self.missing.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
