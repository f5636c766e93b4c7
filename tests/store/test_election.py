"""Tests of L{fiberlb.store.election}: what the contract cannot make happen."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.election import Candidate, EngineLease, leader_key
from fiberlb.store.engine import KEPT
from fiberlb.store.interface import StoreError
from fiberlb.store.memory import MemoryEngine
from tests.store.runners import Line


class CandidateTests(SynchronousTestCase):
    """Two nodes, each with a line to one engine, that may be cut."""

    def setUp(self) -> None:
        """One candidate leads, the other waits."""
        self.clock = Clock()
        self.engine = MemoryEngine(KEPT)
        self.lines = {"one": Line(), "two": Line()}
        self.changes: list[str] = []
        self.one = self.candidate("one")
        self.two = self.candidate("two")

    def candidate(self, ident: str) -> Candidate:
        """A candidate on the line of that name."""
        key = leader_key("acme")
        lease = EngineLease(self.engine, self.lines[ident], key, ident.encode(), 9.0)
        changed = lambda: self.changes.append(ident)  # noqa: E731
        return Candidate(lease, self.clock, key=key, ttl=9.0, changed=changed)

    def test_silent(self) -> None:
        """A leader that is cut off knows it when its time is over, and the other one leads."""
        seen: list[tuple[str, bool, float]] = []
        for name, candidate in (("one", self.one), ("two", self.two)):
            candidate.observe(
                lambda leading, name=name: seen.append((name, leading, self.clock.seconds()))  # type: ignore[misc]
            )
        self.lines["one"].cut()
        self.clock.pump([0.5] * 40)
        self.assertEqual(seen, [("one", False, 9.0), ("two", True, 9.0)])

    def test_never_two(self) -> None:
        """However the lines fail, at no moment do both lead."""
        for step in range(400):
            self.connect("one", step % 37 >= 17)
            self.connect("two", step % 23 >= 9)
            self.clock.advance(0.7)
            self.assertFalse(self.one.leading and self.two.leading, step)
        self.assertGreater(len(self.changes), 4)

    def connect(self, ident: str, works: bool) -> None:
        """Let a line work, or cut it."""
        self.lines[ident].broken = None if works else StoreError("cut")

    def test_comes_back(self) -> None:
        """A leader whose line is back before its time is over goes on under the same fence."""
        fence = self.one.fence()
        self.lines["one"].cut()
        self.clock.pump([1.0] * 6)
        self.connect("one", True)
        self.clock.pump([1.0] * 20)
        self.assertEqual(self.one.fence(), fence)

    def test_late_answer(self) -> None:
        """A lease whose answer comes after its end is none."""
        self.successResultOf(Deferred.fromCoroutine(self.one.resign()))
        self.successResultOf(Deferred.fromCoroutine(self.two.resign()))
        self.lines["one"].slow = True
        late = self.candidate("one")
        self.clock.advance(10.0)
        self.lines["one"].answer()
        self.assertFalse(late.leading)

    def test_resign_while_asking(self) -> None:
        """A lease that arrives after the resignation is handed back."""
        self.successResultOf(Deferred.fromCoroutine(self.one.resign()))
        self.successResultOf(Deferred.fromCoroutine(self.two.resign()))
        line = self.lines["one"]
        line.slow = True
        candidate = self.candidate("one")
        resigning = Deferred.fromCoroutine(candidate.resign())
        line.answer()
        self.assertNoResult(resigning)
        line.answer()
        self.successResultOf(resigning)
        self.assertFalse(candidate.leading)
        self.assertEqual(self.engine.keys(b"leader/")[1], {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_resign_cut_off(self) -> None:
        """One that cannot hand its lease back resigns all the same, and the lease runs out."""
        self.lines["one"].cut()
        self.successResultOf(Deferred.fromCoroutine(self.one.resign()))
        self.assertFalse(self.one.leading)
        self.clock.pump([1.0] * 12)
        self.assertTrue(self.two.leading)

    def test_taken_away(self) -> None:
        """A lease that vanished in its time is a loss, told even when a new one follows at once."""
        seen: list[bool] = []
        self.one.observe(seen.append)
        (mod_rev,) = self.one.fence().values()
        self.engine.release(b"leader/acme", mod_rev, self.clock.seconds())
        self.clock.advance(3.0)
        self.assertEqual(seen, [False, True])

    def test_broken(self) -> None:
        """What is no error of a store is logged and ends the candidacy."""
        self.lines["one"].cut(ZeroDivisionError())
        self.clock.pump([1.0] * 12)
        self.assertFalse(self.one.leading)
        self.assertTrue(self.two.leading)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
