"""Tests of L{fiberlb.acme.order}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.challenge import Shown
from fiberlb.acme.client import AcmeError
from fiberlb.acme.order import DEADLINE, Order
from fiberlb.model.acme import ChallengeKind
from fiberlb.model.challenges import Challenges
from tests.acme.authority import DIRECTORY, StageAuthority

BOTH = (ChallengeKind.HTTP_01, ChallengeKind.TLS_ALPN_01)


class OrderTests(SynchronousTestCase):
    """From names to a certificate."""

    def setUp(self) -> None:
        """An authority, and what is put up."""
        self.authority = StageAuthority()
        self.clock = Clock()
        self.up = Challenges()

    async def put_up(self, challenges: Challenges) -> None:
        """Remember it."""
        self.up = challenges

    def run_order(self, *domains: str, kinds: Any = BOTH) -> Deferred[Any]:
        """Order, and let time pass until it is over."""
        shown = Shown(self.put_up)
        order = Order(self.authority, shown, self.clock, kinds, DIRECTORY)
        done: Deferred[Any] = Deferred.fromCoroutine(order.run(domains))
        for _ in range(200):
            if not done.called:
                self.clock.advance(DEADLINE / 100)
        return done

    def refusal(self, *domains: str, **more: Any) -> str:
        """Why an order failed; nothing is put up afterwards."""
        why = self.failureResultOf(self.run_order(*domains, **more), AcmeError).value
        self.assertFalse(self.up)
        return str(why)

    def test_issued(self) -> None:
        """Every name is proved, each challenge up before the authority looks, down afterwards."""
        seen: list[Challenges] = []
        self.authority.looks = lambda: seen.append(self.up)
        issue = self.successResultOf(self.run_order("a.test", "b.test"))
        self.assertEqual(issue.domains, ("a.test", "b.test"))
        self.assertEqual(issue.directory, DIRECTORY)
        self.assertEqual(issue.not_after - issue.not_before, 90 * 86400)
        proof = f"token-a-test.{self.authority.key.thumbprint}".encode()
        self.assertEqual(seen[0].answers, {"/.well-known/acme-challenge/token-a-test": proof})
        self.assertEqual(len(seen), 2)
        self.assertFalse(self.up)

    def test_tls(self) -> None:
        """Over TLS a certificate is put up."""
        seen: list[Challenges] = []
        self.authority.looks = lambda: seen.append(self.up)
        self.successResultOf(self.run_order("a.test", kinds=(ChallengeKind.TLS_ALPN_01,)))
        self.assertEqual(list(seen[0].certificates), ["a.test"])

    def test_invalid(self) -> None:
        """Why the authority does not believe it is told, in one line."""
        self.authority.verdict = "invalid"
        self.assertEqual(self.refusal("a.test"), "a.test: unauthorized: not yours")

    def test_slow(self) -> None:
        """An authority that does not come to an end is not waited for endlessly."""
        self.authority.verdict = "pending"
        self.assertIn("still pending", self.refusal("a.test"))

    def test_no_challenge(self) -> None:
        """It wants something that cannot be done."""
        self.authority.offered = ("dns-01",)
        self.assertIn("takes dns-01", self.refusal("a.test"))

    def test_other_names(self) -> None:
        """What was not ordered is not taken."""
        self.authority.domains = ["b.test"]
        self.assertIn("not for a.test", self.refusal("a.test"))
