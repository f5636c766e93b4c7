"""Tests of L{fiberlb.workers.upgrade}."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
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


class HeldTests(SynchronousTestCase):
    """SIGTERM while another image is about to take the place of this one."""

    def setUp(self) -> None:
        """This process minds it, as one does that is to be upgraded."""
        self.came: list[str] = []
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            before = signal.signal(number, lambda *_: self.came.append("this"))
            self.addCleanup(signal.signal, number, before)

    async def prepare_upgrade(self) -> None:
        """It comes to this thread, and to another one."""
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        other = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM))
        other.start()
        other.join()

    def execute(self, path: str, words: list[str]) -> None:
        """What waits in this moment is there for the next image."""
        waiting = signal.sigpending()
        self.came.append("next" if signal.SIGTERM in waiting else "nobody")

    def run_it(self, node: Any) -> Deferred[None]:
        """An upgrade."""
        clock = Clock()
        done = Deferred.fromCoroutine(upgrade(clock, node, ["x"], None, None, self.execute))
        clock.advance(0)
        return done

    def test_passed_on(self) -> None:
        """It waits for the next image; where none comes after all, it has its turn here."""
        self.successResultOf(self.run_it(self))
        self.assertEqual(self.came[0], "next")
        self.assertEqual(self.came[1:], ["this"])
        self.assertNotIn(signal.SIGTERM, signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    def test_failed(self) -> None:
        """An upgrade that is refused at the end leaves everything as it was."""

        class Unwilling:
            async def prepare_upgrade(self) -> None:
                raise Refused("no")

        self.failureResultOf(self.run_it(Unwilling()), Refused)
        os.kill(os.getpid(), signal.SIGTERM)
        self.assertEqual(self.came, ["this"])
