"""Tests of L{fiberlb.health.remembered}."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.outliers import Outliers
from fiberlb.health.remembered import DELAY, Ejection, Remembered
from tests.health.scripted import LogLines, member, plan

OUT = Ejection("10.0.0.1", 80, 2, 3, 60.0, 5000.0, "member_reset", "5 failures in a row")


class FileTests(SynchronousTestCase):
    """The file."""

    def setUp(self) -> None:
        """It is not there yet."""
        self.clock = Clock()
        self.path = Path(self.mktemp())
        self.file = Remembered(self.clock, str(self.path))

    def test_written(self) -> None:
        """Changes are written together, for the owner alone, and read again."""
        self.assertEqual(self.file.read(), {})
        known = {"a": OUT}
        self.file.note(lambda: known)
        self.file.note(lambda: known)
        self.assertFalse(self.path.exists())
        self.clock.advance(DELAY)
        self.assertEqual(self.file.read(), known)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_flush(self) -> None:
        """At the end at once; what did not change is not written."""
        self.file.flush()
        self.assertFalse(self.path.exists())
        self.file.note(lambda: {"a": OUT})
        self.file.flush()
        self.assertEqual(self.file.read(), {"a": OUT})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_broken(self) -> None:
        """What is no such file is none, and one that cannot be written is told once."""
        good = attrs.asdict(OUT)
        wrong: list[Any] = ["x", [1], {"a": 1}, {"a": {}}, {"a": {**good, "row": "2"}}]
        for text in ["", "{", *map(json.dumps, wrong), json.dumps({"a": {**good, "x": 1}})]:
            self.path.write_text(text)
            self.assertEqual(self.file.read(), {}, text)
        file = Remembered(self.clock, f"{self.path}/no/where")
        with capturedLogs() as events:
            for _ in range(2):
                file.note(lambda: {"a": OUT})
                file.flush()
        self.assertEqual(len(events), 1)

    def test_nowhere(self) -> None:
        """Without a path nothing is kept."""
        file = Remembered(self.clock)
        file.note(lambda: {"a": OUT})
        file.flush()
        self.assertEqual(file.read(), {})
        self.assertEqual(self.clock.getDelayedCalls(), [])


class NextTests(SynchronousTestCase):
    """A process after another one."""

    def setUp(self) -> None:
        """Of the first one a member is ejected, which then ends."""
        self.clock = Clock()
        self.clock.advance(1000)
        self.path = self.mktemp()
        first = self.process()
        self.use(first)
        first.suspect("a", "member_reset", "failed")
        self.clock.advance(10)
        first.stop()

    def process(self) -> Outliers:
        """One that goes on with the file."""
        self.reports: list[tuple[str, bool]] = []
        self.logged = LogLines()
        made = Outliers(
            self.clock,
            self.clock.seconds,
            lambda ident, used: self.reports.append((ident, used)),
            self.logged.log,
        )
        made.remember(self.path)
        self.addCleanup(made.stop)
        return made

    def use(self, outliers: Outliers, names: str = "abcd", **pool: Any) -> None:
        """A pool is in force, and each of its members becomes known."""
        found = plan(*map(member, names), **pool)
        outliers.apply([found], [])
        for one in found.members:
            outliers.checked(one.id, True)

    def test_goes_on(self) -> None:
        """It is out for the rest of its time, and for longer the next time."""
        second = self.process()
        self.use(second)
        self.assertEqual(self.reports[0], ("a", False))
        out = second.ejection("a")
        assert out is not None
        self.assertEqual((out.cause, second.ejections), ("member_reset", {"a": 1}))
        self.clock.advance(out.length - 10.1)
        self.assertIsNotNone(second.ejection("a"))
        self.clock.advance(0.2)
        self.assertIsNone(second.ejection("a"))
        self.assertEqual(self.reports[-1], ("a", True))
        second.suspect("a", "member_reset", "failed")
        again = second.ejection("a")
        assert again is not None
        self.assertEqual((again.row, again.total), (2, 2))

    def test_over(self) -> None:
        """Not when its time is over, it is the last one, or nobody is to be ejected any more."""
        for names, pool in (("a", {}), ("abcd", {"passive_health": None})):
            second = self.process()
            self.use(second, names, **pool)
            self.assertIsNone(second.ejection("a"))
            second.stop()
        self.clock.advance(3600)
        second = self.process()
        self.use(second)
        self.assertIsNone(second.ejection("a"))

    def test_elsewhere(self) -> None:
        """Nor when another address has its name."""
        second = self.process()
        moved = [member("a", address="10.9.9.9"), *map(member, "bcd")]
        second.apply([plan(*moved)], [])
        self.assertIsNone(second.ejection("a"))
