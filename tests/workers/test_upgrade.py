"""Tests of L{fiberlb.workers.upgrade}."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.upgrade import Refused, command, configuration, upgrade


class CommandTests(SynchronousTestCase):
    """How a process starts again."""

    def test_foreground(self) -> None:
        """As it was started; its pid file, if there is one, is its own."""
        words = ["python", "-P", "/bin/twistd", "-n", "fiberlb", "-c", "f.yaml"]
        self.assertEqual(
            command(words, "/bin/python3"),
            "/bin/python3 -P /bin/twistd -n --nodaemon --pidfile= fiberlb -c f.yaml".split(),
        )

    def test_background(self) -> None:
        """It is there already; its log stays where it was."""
        words = ["python", "/bin/twistd", "fiberlb", "-c", "f.yaml"]
        self.assertIn("--logfile=twistd.log", command(words, "p"))
        words.insert(2, "--logfile=x")
        self.assertNotIn("--logfile=twistd.log", command(words, "p"))

    def test_unknown(self) -> None:
        """Started by something else."""
        self.assertRaises(Refused, command, ["python", "-m", "trial"], "p")


class ConfigurationTests(SynchronousTestCase):
    """The file to try."""

    def test_found(self) -> None:
        """After the name of the plugin, in each spelling; twistd's own options are not it."""
        for words in (["-c", "f"], ["--config", "f"], ["--config=f"]):
            self.assertEqual(configuration(["p", "-c", "x", "fiberlb", *words]), "f")
        self.assertIsNone(configuration(["p", "-c", "x", "fiberlb", "--from", "1"]))
        self.assertIsNone(configuration(["p", "-c", "x"]))


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
        words = ["python", "twistd", "-n", "fiberlb", "--from", "1"]
        done = Deferred.fromCoroutine(upgrade(clock, node, words, self.execute))
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
