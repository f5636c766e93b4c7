"""What the guards of one process have."""

from __future__ import annotations

from typing import Any

import bcrypt
from twisted.trial.unittest import TestCase

from fiberlb.guards.guards import Guards


class _Reactor:
    """Calls in order, and what is to happen at the end."""

    def __init__(self) -> None:
        from twisted.internet import reactor  # noqa: TID251

        self.real: Any = reactor
        self.last: list[Any] = []

    def seconds(self) -> float:
        """The time."""
        return float(self.real.seconds())

    def callFromThread(self, *work: Any) -> None:
        """Do it in the reactor's thread."""
        self.real.callFromThread(*work)

    def addSystemEventTrigger(self, phase: str, event: str, work: Any) -> None:
        """Have it done at the end."""
        self.last.append(work)


class GuardsTests(TestCase):
    """Threads."""

    def test_passwords(self) -> Any:
        """A password is checked in a thread, which ends with the process."""
        reactor = _Reactor()
        guards = Guards(reactor, lambda: 0.0, lambda count: b"k" * count)
        self.assertEqual(reactor.last, [])
        users = {b"a": bcrypt.hashpw(b"b", bcrypt.gensalt(4)).decode()}
        judge: Any = bool
        found: Any = guards.passwords.judged("c", users, b"a", b"b", judge)
        self.assertIs(guards.passwords, guards.passwords)
        (stop,) = reactor.last
        self.addCleanup(stop)
        found.addCallback(self.assertTrue)
        return found
