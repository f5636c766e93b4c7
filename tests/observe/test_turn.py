"""Tests of L{fiberlb.observe.turn}."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.turn import Turn


def never() -> bool:
    """Goes on waiting."""
    return False


class TurnTests(SynchronousTestCase):
    """Two that write to the same place."""

    def setUp(self) -> None:
        """Each has a descriptor of its own, as two processes do."""
        path = self.mktemp()
        self.one, self.other = Turn(path), Turn(path)
        for turn in (self.one, self.other):
            self.addCleanup(turn.close)

    def test_one_at_a_time(self) -> None:
        """Who comes second waits until the first one has written, or gives up."""
        self.assertTrue(self.one.take(never))
        self.assertFalse(self.other.take(lambda: True))
        self.one.give()
        self.assertTrue(self.other.take(never))
        self.assertFalse(self.one.take(lambda: True))

    def test_again(self) -> None:
        """Whoever gave it may take it again."""
        for _ in range(3):
            self.assertTrue(self.one.take(never))
            self.one.give()

    def test_patience(self) -> None:
        """Where it does no harm, one goes on without; the other still holds it."""
        self.assertTrue(self.one.take(never))
        self.assertTrue(self.other.take(never, 0.01))
        self.other.give()
        self.assertFalse(self.other.take(lambda: True))

    def test_torn(self) -> None:
        """The next one finds that the one before ended within a line; once it has mended that."""
        self.one.take(never)
        self.one.within(True)
        self.one.close()
        self.other.take(never)
        self.assertTrue(self.other.torn)
        self.other.within(False)
        self.other.give()
        self.one.take(never)
        self.assertFalse(self.one.torn)

    def test_alone(self) -> None:
        """Without a path there is nobody to wait for."""
        turn = Turn()
        self.assertTrue(turn.take(never) and turn.take(never))
        turn.within(True)
        turn.give()
        self.assertTrue(turn.torn)

    def test_no_place(self) -> None:
        """A lock that cannot be made is no reason not to write."""
        turn = Turn(os.path.join(self.mktemp(), "missing", "lock"))
        self.assertTrue(turn.take(never))
        turn.give()
