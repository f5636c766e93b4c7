"""Tests of C{fiberlb.balancing.rise_fall}."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.rise_fall import Health, RiseFall

_LETTERS = {Health.UP: "U", Health.DOWN: "D", Health.PROBING: "p"}


def history(machine: RiseFall, results: str) -> str:
    """The health after each of C{+} and C{-}: U, D or p (probing)."""
    letters = []
    for result in results:
        machine.result(result == "+")
        letters.append(_LETTERS[machine.health])
    return "".join(letters)


class RiseFallTests(SynchronousTestCase):
    """Histories: results as C{+} and C{-}, then the health after each."""

    def check(self, begin: Callable[[int, int], RiseFall], results: str, expected: str) -> None:
        """Compare a history with rise 2 and fall 3."""
        self.assertEqual(history(begin(2, 3), results), expected, results)

    def test_starting(self) -> None:
        """At the start one result decides; afterwards rise and fall count."""
        self.check(RiseFall.starting, "+--+---++", "UUUUUUDDU")
        self.check(RiseFall.starting, "-+-++---", "DDDDUUUD")

    def test_starting_serves(self) -> None:
        """Before its first result a member of the start serves."""
        machine = RiseFall.starting(2, 3)
        self.assertEqual((machine.health, machine.usable), (Health.PROBING, True))

    def test_joining(self) -> None:
        """A member that joins needs one success, also after failures; later it needs rise."""
        self.check(RiseFall.joining, "+---+", "UUUDD")
        self.check(RiseFall.joining, "--+---++", "DDUUUDDU")

    def test_joining_does_not_serve(self) -> None:
        """A member that joins serves from its first success on and not before."""
        machine = RiseFall.joining(2, 3)
        served = [machine.usable]
        for success in (False, True):
            machine.result(success)
            served.append(machine.usable)
        self.assertEqual(served, [False, False, True])

    def test_adopted(self) -> None:
        """A member that served unchecked is taken out by fall failures, not by one."""
        self.check(RiseFall.adopted, "--+--", "ppUUU")
        self.check(RiseFall.adopted, "---+-++", "ppDDDDU")
        self.assertTrue(RiseFall.adopted(2, 3).usable)

    def test_assumed(self) -> None:
        """An assumed health is left only by rise or fall results."""
        self.check(lambda r, f: RiseFall.assumed(r, f, True), "--+---", "UUUUUD")
        self.check(lambda r, f: RiseFall.assumed(r, f, False), "+-++", "DDDU")
        self.assertFalse(RiseFall.assumed(2, 3, False).usable)

    def test_change(self) -> None:
        """Other thresholds apply to the next result, with the count so far."""
        machine = RiseFall.assumed(2, 5, True)
        history(machine, "--")
        machine.change(2, 3)
        self.assertEqual(history(machine, "-"), "D")

    def test_result_tells_changes(self) -> None:
        """The result says whether the health changed, for every short history."""
        for results in product((True, False), repeat=7):
            for begin in (RiseFall.starting, RiseFall.joining, RiseFall.adopted):
                machine = begin(2, 3)
                for success in results:
                    before = machine.health
                    self.assertEqual(machine.result(success), machine.health is not before)
                    if machine.health is not Health.PROBING:
                        self.assertEqual(machine.usable, machine.health is Health.UP)

    def test_same_result_settles(self) -> None:
        """From any history, rise successes mean up and fall failures mean down."""
        for results in product("+-", repeat=6):
            for begin in (RiseFall.starting, RiseFall.joining, RiseFall.adopted):
                self.assertEqual(history(begin(2, 3), "".join(results) + "++")[-1], "U")
                self.assertEqual(history(begin(2, 3), "".join(results) + "---")[-1], "D")
