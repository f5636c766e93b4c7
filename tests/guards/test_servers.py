"""Servers that say who is let in."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.guards.servers import MOST_WAITING, Servers
from fiberlb.guards.web import Answer, Unanswered
from fiberlb.treatment.draft import Reply


class ServersTests(SynchronousTestCase):
    """Who waits, and what comes of it."""

    def setUp(self) -> None:
        """A server that answers when it is told."""
        self.asked: list[Deferred[Any]] = []
        self.warned: list[str] = []
        self.servers = Servers(self.ask, lambda url, why: self.warned.append(why))

    def ask(self, *question: Any) -> Deferred[Any]:
        """A question."""
        self.asked.append(Deferred())
        return self.asked[-1]

    def judged(self) -> Any:
        """What becomes of a request."""
        judge: Any = lambda status, fields, body: status  # noqa: E731
        return self.servers.judged("http://x/", [], judge)

    def test_answered(self) -> None:
        """The answer decides."""
        found = self.judged()
        self.asked.pop().callback(Answer(403, [], b""))
        self.assertEqual(self.successResultOf(found), 403)

    def test_away(self) -> None:
        """No answer lets nobody in."""
        found = self.judged()
        self.asked.pop().errback(Unanswered("is away"))
        self.assertEqual(self.successResultOf(found), Reply(status=503, reason="auth_failed"))
        self.assertEqual(self.warned, ["is away"])

    def test_bound(self) -> None:
        """So many wait, no more; who goes makes room."""
        waiting = [self.judged() for _ in range(MOST_WAITING)]
        self.assertEqual(self.judged(), Reply(reason="overloaded"))
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.assertIsInstance(self.judged(), Deferred)
