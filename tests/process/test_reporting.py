"""Tests of L{fiberlb.process.reporting}: a manager that notes what it hears, and a clock."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.process.reporting import LOOK, MARGIN, PATIENCE, TURN, Reporting


class ReportingTests(SynchronousTestCase):
    """What is told when."""

    def setUp(self) -> None:
        """A manager that takes everything."""
        self.clock = Clock()
        self.heard: list[str] = []
        self.takes = True
        self.text = "serving well"
        self.workers = (2, 2)
        self.attended = True
        self.reporting = Reporting(self.clock, self.take, 4.0, lambda: 7, lambda: 1.5)
        self.addCleanup(self.reporting.end)

    def take(self, lines: str) -> bool:
        """The manager."""
        if self.takes:
            self.heard.append(lines)
        return self.takes

    def standing(self) -> Deferred[str]:
        """How things are."""
        return succeed(self.text)

    def begin(self) -> None:
        """Start, up to where it serves."""
        self.reporting.begin()
        self.serve()

    def serve(self) -> None:
        """It serves, but for workers that do not."""
        self.reporting.serving(self.standing, lambda: self.workers, lambda: self.attended)

    def turns(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.pump([0.5] * int(seconds * 2))

    def said(self) -> list[str]:
        """What was heard since the last time, signs of life left out."""
        found = [one for one in self.heard if one != "WATCHDOG=1"]
        self.heard.clear()
        return found

    def test_ready(self) -> None:
        """At once when all workers serve, with the pid, then how things are."""
        self.begin()
        expected = ["STATUS=starting", "READY=1\nMAINPID=7\nSTATUS=serving", "STATUS=serving well"]
        self.assertEqual(self.said(), expected)

    def test_workers(self) -> None:
        """Not before a worker serves; after a while some of them are enough."""
        self.workers = (2, 0)
        self.begin()
        self.turns(PATIENCE * 2)
        self.assertEqual(self.said(), ["STATUS=starting"])
        self.workers = (2, 1)
        self.turns(TURN)
        self.assertIn("READY=1", self.said()[0])

    def test_status(self) -> None:
        """Another status is told after a while, the same one is not."""
        self.begin()
        self.said()
        self.turns(5 * LOOK * TURN)
        self.assertEqual(self.said(), [])
        self.text = "serving ill"
        self.turns(LOOK * TURN)
        self.assertEqual(self.said(), ["STATUS=serving ill"])

    def test_slow_status(self) -> None:
        """A look that takes its time is not begun twice."""
        waiting: list[Deferred[str]] = []

        def slowly() -> Deferred[str]:
            waiting.append(Deferred())
            return waiting[-1]

        self.reporting.begin()
        self.reporting.serving(slowly, lambda: (0, 0), lambda: True)
        self.turns(5 * LOOK * TURN)
        self.assertEqual(len(waiting), 1)
        self.said()
        waiting[0].callback("at last")
        self.assertEqual(self.said(), ["STATUS=at last"])

    def test_reload(self) -> None:
        """Both ends are told; a refusal stays in the status until the file is taken."""
        self.begin()
        self.said()
        self.reporting.reloading()
        self.reporting.reloaded("f.yaml:1:\nbad")
        reading = "RELOADING=1\nMONOTONIC_USEC=1500000\nSTATUS=reading the configuration again"
        refused = "STATUS=serving well; the file was refused: f.yaml:1: bad"
        self.assertEqual(self.said(), [reading, f"READY=1\n{refused}"])
        self.text = "serving on"
        self.turns(LOOK * TURN)
        self.assertEqual(self.said(), [refused.replace("well", "on")])
        self.reporting.reloading()
        self.reporting.reloaded()
        self.assertEqual(self.said(), [reading, "READY=1\nSTATUS=serving on"])
        self.reporting.not_reloading("there is none")
        self.assertEqual(len(self.said()), 2)

    def test_early_reload(self) -> None:
        """Before it is ready a reload makes it no more so."""
        self.reporting.begin()
        self.reporting.reloading()
        self.reporting.reloaded()
        self.reporting.upgrading()
        self.assertEqual(self.said(), ["STATUS=starting"])

    def test_not_heard(self) -> None:
        """States are said again until they are heard, in their order."""
        self.begin()
        self.said()
        self.takes = False
        self.reporting.reloading()
        self.reporting.reloaded()
        self.turns(3)
        self.takes = True
        self.turns(TURN)
        self.assertEqual([one.split("\n")[0] for one in self.said()], ["RELOADING=1", "READY=1"])

    def test_life(self) -> None:
        """Twice in the manager's patience; not while workers hang and nobody minds."""
        self.begin()
        self.heard.clear()
        self.turns(8)
        self.assertEqual(self.heard, ["WATCHDOG=1"] * 4)
        self.attended = False
        self.turns(8)
        self.attended = True
        self.turns(2)
        self.assertEqual(self.heard, ["WATCHDOG=1"] * 5)

    def test_end(self) -> None:
        """Stopping, and a wait that is asked for again and again, but not for ever."""
        self.begin()
        self.said()
        self.reporting.stopping(20.0)
        self.reporting.stopping(20.0)
        self.assertEqual(self.said()[0], "STOPPING=1\nSTATUS=stopping; what runs has up to 20 s")
        self.turns(20)
        self.assertEqual(set(self.said()), {"EXTEND_TIMEOUT_USEC=10000000"})
        self.reporting.reloading()
        self.reporting.reloaded()
        self.turns(MARGIN)
        self.said()
        self.turns(20)
        self.assertEqual(self.said(), [])
        self.reporting.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """Why it did not start is the last that is said of how it is."""
        self.reporting.begin()
        self.reporting.refused("a\nb")
        self.reporting.stopping(5.0)
        expected = ["STATUS=starting", "STATUS=the start is refused: a b", "STOPPING=1"]
        self.assertEqual(self.said()[:3], expected)

    def test_nobody(self) -> None:
        """Nobody listens: nothing happens, not even a timer."""
        self.reporting = Reporting()
        self.begin()
        self.reporting.reloading()
        self.reporting.reloaded("x")
        self.reporting.upgrading()
        self.reporting.refused("x")
        self.reporting.stopping(1)
        self.assertEqual((self.heard, self.clock.getDelayedCalls()), ([], []))
