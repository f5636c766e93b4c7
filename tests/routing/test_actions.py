"""Decisions."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import L7Policy, PolicyAction
from fiberlb.model.response import FixedResponse
from fiberlb.model.split import SplitPersistence, WeightedPool
from fiberlb.routing.actions import NO_ROUTE, Decision, default_decision, policy_decision
from tests.routing.made import listener, request


def decision(action: PolicyAction | None, **fields: Any) -> Decision:
    """The decision of a policy with these fields."""
    return policy_decision(L7Policy(id="p1", name="one", action=action, **fields))


class DefaultTests(SynchronousTestCase):
    """Where requests go that no policy takes."""

    def test_pool(self) -> None:
        """The listener's default pool, in nobody's name."""
        made = default_decision(listener(default_pool_id="d"))
        self.assertEqual((made.pool_id, made.status, made.reason), ("d", 0, None))
        self.assertEqual((made.policy_id, made.policy_name, made.timeouts), (None, "", ()))

    def test_none(self) -> None:
        """Without one, 503 with its reason."""
        made = default_decision(listener(default_pool_id=None))
        self.assertIs(made, NO_ROUTE)
        self.assertEqual((made.pool_id, made.status, made.reason), (None, 503, "no_route"))

    def test_https(self) -> None:
        """A redirect to the same place over TLS, with the status given."""
        made = default_decision(listener(https_redirect=308))
        self.assertEqual((made.pool_id, made.status, made.reason), (None, 308, None))
        found = made.location(request(b"/a?b", b"x.example:8080"))
        self.assertEqual(found, b"https://x.example/a?b")


class PolicyTests(SynchronousTestCase):
    """The outcome of each action."""

    def test_pool(self) -> None:
        """A pool, with the policy's name and overrides."""
        pairs = (("tunnel", 5.0),)
        made = decision(PolicyAction.REDIRECT_TO_POOL, redirect_pool_id="a", timeouts=pairs)
        self.assertEqual((made.pool_id, made.status, made.reason), ("a", 0, None))
        self.assertEqual((made.policy_id, made.policy_name, made.timeouts), ("p1", "one", pairs))
        self.assertEqual(made.location(request()), b"")

    def test_pools(self) -> None:
        """Several pools with their weights; what stands in for one that cannot serve."""
        pools = (WeightedPool(pool_id="a", weight=9), WeightedPool(pool_id="b"))
        kept = SplitPersistence()
        made = decision(
            PolicyAction.REDIRECT_TO_POOL,
            redirect_pools=pools,
            split_persistence=kept,
            failover_pool_id="c",
        )
        self.assertEqual((made.pool_id, made.pools), (None, (("a", 9), ("b", 1))))
        self.assertEqual((made.persistence, made.failover_pool_id), (kept, "c"))
        made = decision(PolicyAction.REDIRECT_TO_POOL, redirect_pool_id="a", failover_pool_id="c")
        self.assertEqual((made.pool_id, made.pools, made.failover_pool_id), ("a", (), "c"))
        made = default_decision(listener(default_pool_id=None, default_pools=pools))
        self.assertEqual((made.pool_id, made.pools, made.reason), (None, made.pools, None))

    def test_response(self) -> None:
        """A body, and what its head says of it; of a status without a body no media type."""
        response = FixedResponse(headers=(("X-A", "b"),), body="ö")
        made = decision(PolicyAction.FIXED_RESPONSE, response=response)
        self.assertEqual((made.status, made.content), (200, "ö".encode()))
        self.assertEqual(made.fields, b"Content-Type: text/plain\r\nX-A: b\r\n")
        made = decision(PolicyAction.FIXED_RESPONSE, response=FixedResponse(status=204))
        self.assertEqual((made.status, made.content, made.fields), (204, b"", b""))

    def test_other_actions(self) -> None:
        """Two splits, or two answers, are the same action only if nothing of them differs."""
        pools = (WeightedPool(pool_id="a"),)
        other = (WeightedPool(pool_id="a", weight=2),)
        to_pool = PolicyAction.REDIRECT_TO_POOL
        respond = PolicyAction.FIXED_RESPONSE
        some = [
            decision(to_pool, redirect_pools=pools),
            decision(to_pool, redirect_pools=other),
            decision(to_pool, redirect_pool_id="a"),
            decision(to_pool, redirect_pool_id="a", failover_pool_id="b"),
            decision(respond, response=FixedResponse(body="a")),
            decision(respond, response=FixedResponse(body="b")),
            decision(respond, response=FixedResponse(body="a", content_type="a/b")),
        ]
        for one in some:
            self.assertEqual([one.same_action(two) for two in some].count(True), 1)

    def test_url(self) -> None:
        """A redirect; 302 unless told."""
        made = decision(PolicyAction.REDIRECT_TO_URL, redirect_url="https://a{uri}")
        self.assertEqual((made.pool_id, made.status, made.reason), (None, 302, None))
        self.assertEqual(made.location(request(b"/x")), b"https://a/x")
        made = decision(
            PolicyAction.REDIRECT_TO_URL, redirect_url="/", redirect_http_status_code=307
        )
        self.assertEqual(made.status, 307)

    def test_prefix(self) -> None:
        """The prefix and the URI meet in exactly one slash."""
        for prefix in ("https://a/b", "https://a/b/"):
            made = decision(PolicyAction.REDIRECT_PREFIX, redirect_prefix=prefix)
            self.assertEqual(made.location(request(b"/c?d")), b"https://a/b/c?d")
        made = decision(PolicyAction.REDIRECT_PREFIX, redirect_prefix="https://a")
        self.assertEqual(made.location(request(b"/c")), b"https://a/c")

    def test_reject(self) -> None:
        """403 unless told, as an answer of our own."""
        made = decision(PolicyAction.REJECT)
        self.assertEqual((made.pool_id, made.status, made.reason), (None, 403, "rejected"))
        self.assertEqual(decision(PolicyAction.REJECT, redirect_http_status_code=451).status, 451)

    def test_refused(self) -> None:
        """What an action lacks, or cannot use, is told at its field."""
        for action, fields, field in (
            (None, {}, "action"),
            (PolicyAction.REDIRECT_TO_POOL, {}, "redirect_pool_id"),
            (PolicyAction.REDIRECT_TO_URL, {}, "redirect_url"),
            (PolicyAction.REDIRECT_TO_URL, {"redirect_url": "ftp://a"}, "redirect_url"),
            (PolicyAction.REDIRECT_PREFIX, {}, "redirect_prefix"),
            (PolicyAction.REDIRECT_PREFIX, {"redirect_prefix": "/a?b"}, "redirect_prefix"),
        ):
            why = self.assertRaises(ConfigurationError, decision, action, **fields)
            self.assertEqual(why.problems[0].path, ("l7_policies", "p1", field))


class SameTests(SynchronousTestCase):
    """Which decisions a client could tell apart."""

    def test_same(self) -> None:
        """The same pool, redirect or status is the same, whichever policy says so."""
        to_pool = PolicyAction.REDIRECT_TO_POOL
        pool = decision(to_pool, redirect_pool_id="a")
        self.assertTrue(pool.same_action(Decision(pool_id="a")))
        self.assertFalse(pool.same_action(Decision(pool_id="b")))
        slow = decision(to_pool, redirect_pool_id="a", timeouts=(("tunnel", 5.0),))
        self.assertFalse(pool.same_action(slow))
        first = decision(PolicyAction.REDIRECT_TO_URL, redirect_url="/a")
        self.assertTrue(first.same_action(decision(first_action(), redirect_url="/a")))
        self.assertFalse(first.same_action(decision(first_action(), redirect_url="/b")))
        self.assertFalse(decision(PolicyAction.REJECT).same_action(NO_ROUTE))

    def test_shown(self) -> None:
        """A decision says what it is and whose."""
        self.assertEqual(repr(decision(PolicyAction.REJECT)), "<Decision rejected 403 of 'one'>")


def first_action() -> PolicyAction:
    """The action of the redirects above."""
    return PolicyAction.REDIRECT_TO_URL
