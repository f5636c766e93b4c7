"""What the guards of one process have."""

from __future__ import annotations

from queue import Queue
from typing import Any

import bcrypt
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.guards.guards import Guards
from tests.support.programs import PATIENCE


class _Reactor:
    """Calls from threads wait to be made."""

    def __init__(self) -> None:
        self.calls: Queue[tuple[Any, ...]] = Queue()
        self.last: list[Any] = []

    def seconds(self) -> float:
        """The time."""
        return 0.0

    def callFromThread(self, *call: Any) -> None:
        """To be done in the reactor's thread."""
        self.calls.put(call)

    def addSystemEventTrigger(self, phase: str, event: str, work: Any) -> None:
        """To be done at the end."""
        self.last.append(work)


class GuardsTests(SynchronousTestCase):
    """Threads."""

    def test_passwords(self) -> None:
        """A password is checked in a thread, which ends with the process."""
        reactor = _Reactor()
        guards = Guards(reactor, lambda: 0.0, lambda count: b"k" * count)
        self.assertEqual(reactor.last, [])
        users = {b"a": bcrypt.hashpw(b"b", bcrypt.gensalt(4)).decode()}
        judge: Any = str
        found: Any = guards.passwords.judged("c", users, b"a", b"b", judge)
        self.assertIs(guards.passwords, guards.passwords)
        (stop,) = reactor.last
        self.addCleanup(stop)
        call, *arguments = reactor.calls.get(timeout=PATIENCE)
        call(*arguments)
        self.assertEqual(self.successResultOf(found), "True")
