"""Tests of L{fiberlb.workers.upgrade}: what is refused; the rest is tested live."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.upgrade import Refused, upgrade


class _Node:
    """Must not be asked."""

    async def prepare_upgrade(self) -> None:
        """See L{fiberlb.workers.upgrade.Upgradable}."""
        raise AssertionError("nothing is to change")


class RefusedTests(SynchronousTestCase):
    """What is found before anything changes."""

    def test_log(self) -> None:
        """A log that the next image could not open."""
        path = os.path.join(self.mktemp(), "nowhere.log")
        executed: list[Any] = []
        done = Deferred.fromCoroutine(
            upgrade(None, _Node(), ["x"], None, path, lambda *words: executed.append(words))
        )
        why = self.failureResultOf(done, Refused).value
        self.assertIn(f"{path} may not be written to", str(why))
        self.assertEqual(executed, [])
