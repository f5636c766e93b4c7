"""Tokens of Keystone."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.keystone import REMEMBERED, Keystone, Subject

DOCUMENT = {
    "token": {"project": {"id": "p"}, "roles": [{"name": "member"}], "user": {"name": "ann"}}
}


class KeystoneTests(SynchronousTestCase):
    """What is asked, and how long it is remembered."""

    def setUp(self) -> None:
        """A Keystone that answers what it is told to."""
        self.clock = Clock()
        self.asked: list[tuple[str, str]] = []
        self.answer: Any = (200, DOCUMENT)
        self.keystone = Keystone(self.clock, self.fetch)

    def fetch(self, url: str, token: str) -> Any:
        """Note and answer."""
        self.asked.append((url, token))
        return fail(self.answer) if isinstance(self.answer, Exception) else succeed(self.answer)

    def subject(self, token: str = "t") -> Subject:
        """Whom a token is of."""
        asking = Deferred.fromCoroutine(self.keystone.subject("http://k/v3/", token))
        return self.successResultOf(asking)

    def refused(self) -> int:
        """The status that it is refused with."""
        asking = Deferred.fromCoroutine(self.keystone.subject("http://k/v3", "t"))
        return int(self.failureResultOf(asking, Fault).value.status)

    def test_remembered(self) -> None:
        """For a minute, each token by itself."""
        self.assertEqual(self.subject(), Subject("p", frozenset({"member"}), "ann"))
        self.subject()
        self.assertEqual(self.asked, [("http://k/v3/auth/tokens", "t")])
        self.subject("u")
        self.clock.advance(REMEMBERED)
        self.subject()
        self.assertEqual(len(self.asked), 3)

    def test_refused(self) -> None:
        """A token that is not valid, one without a project, and no answer."""
        for answer, status in (
            ((404, None), 401),
            ((200, {"token": {}}), 401),
            ((200, None), 401),
            (OSError("away"), 503),
        ):
            self.answer = answer
            self.assertEqual(self.refused(), status)
