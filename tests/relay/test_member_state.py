"""Tests of L{fiberlb.relay.member_state}."""

from __future__ import annotations

import socket

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.member_state import MemberState
from tests.relay.test_pool_state import member


class Waiting:
    """A connection that waits in a member's list."""

    def __init__(self) -> None:
        self.discarded = False

    def discard(self) -> None:
        """Noted."""
        self.discarded = True


class MemberTests(SynchronousTestCase):
    """One member's state."""

    def test_families(self) -> None:
        """The family follows from the address."""
        self.assertEqual(MemberState(member("a"), True).family, socket.AF_INET)
        six = MemberState(member("a", address="2001:db8::1"), True)
        self.assertEqual(six.family, socket.AF_INET6)

    def test_described(self) -> None:
        """Idle connections go with the address, not with anything else."""
        state = MemberState(member("a"), True)
        waiting = Waiting()
        state.idle.append(waiting)
        home = state.home
        state.describe(attrs.evolve(member("a"), name="b", weight=9))
        self.assertEqual((state.name, waiting.discarded, state.home is home), ("b", False, True))
        state.describe(member("a", port=81))
        self.assertEqual((state.idle, waiting.discarded), ([], True))
        self.assertEqual(state.home, ("192.0.2.1", 81))

    def test_retired(self) -> None:
        """One that has gone keeps nothing, and is nobody's home."""
        state = MemberState(member("a"), True)
        waiting = Waiting()
        state.idle.append(waiting)
        state.retire()
        self.assertEqual((state.gone, state.home, waiting.discarded), (True, None, True))
        self.assertEqual(state.address, ("192.0.2.1", 80))

    def test_unix(self) -> None:
        """A Unix socket is reached by its path; another one is another home."""
        state = MemberState(member("a", address="unix:/run/a", port=None), True)
        self.assertEqual((state.family, state.address), (socket.AF_UNIX, "/run/a"))
        waiting = Waiting()
        state.idle.append(waiting)
        home = state.home
        state.describe(member("a", address="unix:/run/a", port=None))
        self.assertEqual((waiting.discarded, state.home is home), (False, True))
        state.describe(member("a", address="unix:/run/b", port=None))
        self.assertEqual((waiting.discarded, state.home), (True, "/run/b"))
        state.describe(member("a"))
        self.assertEqual((state.family, state.home), (socket.AF_INET, ("192.0.2.1", 80)))
