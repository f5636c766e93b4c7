"""Tests of L{fiberlb.names.name}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.names.found import Family, Found, NoAnswer
from fiberlb.names.name import Learned, NameState

V4, V6 = Family.IPV4, Family.IPV6
NOTHING = Found(())


def v4(*last: int, ttl: float = 60.0) -> Found:
    """An answer with these addresses of 10.0.0.0/24."""
    return Found(tuple(f"10.0.0.{n}" for n in last), ttl)


class StateTests(SynchronousTestCase):
    """From one answer to the next."""

    def state(self, first: Found, second: Found = NOTHING) -> NameState:
        """The state after a first answer at 100."""
        return NameState().after({V4: first, V6: second}, 100.0)

    def test_first(self) -> None:
        """IPv4 before IPv6, the lowest number first; the shorter time counts."""
        state = self.state(v4(1, 2), Found(("2001:db8::1",), 30.0))
        self.assertEqual(state.addresses, ("10.0.0.1", "10.0.0.2", "2001:db8::1"))
        self.assertEqual((state.chosen, state.ttl, state.answered), ("10.0.0.1", 30.0, 100.0))
        self.assertEqual(state.error, "")
        self.assertEqual(self.state(NOTHING, Found(("::1",), 1.0)).chosen, "::1")

    def test_stays(self) -> None:
        """A member keeps its address while that is one of the name's."""
        state = self.state(v4(5)).after({V4: v4(1, 5), V6: NOTHING}, 200.0)
        self.assertEqual((state.chosen, state.answered), ("10.0.0.5", 200.0))
        self.assertEqual(state.after({V4: v4(1), V6: NOTHING}, 300.0).chosen, "10.0.0.1")

    def test_kept(self) -> None:
        """What brought nothing leaves the last good answer, with its time, and says why."""
        good = self.state(v4(5))
        down = NoAnswer("the server failed")
        cases: tuple[tuple[Learned, str], ...] = (
            ({V4: down, V6: down}, "the server failed"),
            ({V4: NOTHING, V6: NOTHING}, "the name has no address"),
            (
                {V4: Found((), exists=False), V6: Found((), exists=False)},
                "there is no such name",
            ),
            ({V4: NOTHING, V6: down}, "the server failed"),
            ({V4: Found((), exists=False), V6: NOTHING}, "the name has no address"),
        )
        for learned, error in cases:
            state = good.after(learned, 200.0)
            self.assertEqual((state.addresses, state.chosen), (good.addresses, good.chosen))
            self.assertEqual((state.answered, state.ttl, state.error), (100.0, 60.0, error))
            again = state.after({V4: v4(5), V6: NOTHING}, 300.0)
            self.assertEqual((again.error, again.answered), ("", 300.0))

    def test_families(self) -> None:
        """A server that knows one family only: the other one keeps what it had."""
        both = self.state(v4(1), Found(("::1",), 60.0))
        failed = NoAnswer("no answer in time")
        state = both.after({V4: v4(2), V6: failed}, 200.0)
        self.assertEqual(state.addresses, ("10.0.0.2", "::1"))
        self.assertEqual((state.error, state.answered), ("no answer in time", 200.0))
        self.assertEqual(both.after({V4: v4(2), V6: NOTHING}, 200.0).addresses, ("10.0.0.2",))

    def test_never(self) -> None:
        """Before any answer there is nothing but the reason."""
        state = NameState().after({V4: NoAnswer("x"), V6: NoAnswer("x")}, 1.0)
        self.assertEqual((state.addresses, state.chosen, state.answered), ((), "", None))
        self.assertEqual(state.error, "x")
