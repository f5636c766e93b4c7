"""Memory given back after a crowd has gone."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.trimming import LEAST, Trimming, system_trim


class TrimmingTests(SynchronousTestCase):
    """When it is done."""

    def looks(self, *counts: int) -> list[int]:
        """At which of these numbers of connections memory is given back."""
        done: list[int] = []
        trimming = Trimming(lambda: done.append(count))
        for count in counts:
            trimming.look(count)
        return done

    def test_crowd(self) -> None:
        """Once when most have gone, and again after the next crowd."""
        self.assertEqual(self.looks(0, 4000, 3000, 10, 0, 0, 4000, 5, 5), [10, 5])

    def test_gradually(self) -> None:
        """It does not matter how slowly they go."""
        self.assertEqual(self.looks(*range(2000, 0, -100)), [1000, 500])

    def test_few(self) -> None:
        """A few come and go without it."""
        self.assertEqual(self.looks(*[0, LEAST - 1] * 5, 0), [])

    def test_swings(self) -> None:
        """So do many, as long as most stay."""
        self.assertEqual(self.looks(*[10_000, 6000] * 5), [])

    def test_system(self) -> None:
        """What the system offers can be called."""
        system_trim()()
