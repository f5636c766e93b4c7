"""Explanations: always what the compiled policies decide."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType, PolicyAction, RuleType
from fiberlb.model.listener import EncodedSlash
from fiberlb.routing.actions import AMBIGUOUS_PATH
from fiberlb.routing.explaining import explain, taker
from tests.routing.made import path_rule, policy, request, routes, rule
from tests.routing.random_policies import a_request, policies
from tests.routing.test_patterns import SLOW, SLOW_TEXT

RANDOM = st.randoms(use_true_random=True)


class AgreementTests(SynchronousTestCase):
    """Policies and requests at random."""

    @given(RANDOM)
    @settings(max_examples=300, deadline=None)
    def test_taker(self, random: object) -> None:
        """Whoever is told to take a request is who takes it, looked up in an index."""
        some = policies(random)  # type: ignore[arg-type]
        for least in (1, 1_000_000):
            made = routes(*some, least_indexed=least, encoded_slash=EncodedSlash.KEEP)
            for _ in range(6):
                asked = a_request(random)  # type: ignore[arg-type]
                found = explain(made, asked)
                if asked.other != b"" and found.decision.reason != "bad_request":
                    self.assertEqual(taker(found.policies), found.decision.policy_id)
                self.assertEqual(len(found.policies) + found.later, len(made.policies))


class ToldTests(SynchronousTestCase):
    """What is told."""

    def test_rules(self) -> None:
        """Every rule up to the policy that takes it, with what it was compared with."""
        made = routes(
            policy("a", path_rule("/a", id="a1")),
            policy("b", rule(RuleType.HEADER, CompareType.EQUAL_TO, "1", key="X-A", id="b1")),
            policy("c", path_rule("/", id="c1")),
        )
        found = explain(made, request(b"/b", b"example.org", b"X-A: 2", b"x-a: 1"))
        steps = [
            (p.id, p.outcome, [(r.compared, r.outcome) for r in p.rules]) for p in found.policies
        ]
        self.assertEqual(
            steps,
            [
                ("a", "not", [((b"/b",), "not")]),
                ("b", "matched", [((b"2", b"1"), "matched")]),
            ],
        )
        self.assertEqual(found.later, 1)
        self.assertEqual(found.decision.policy_id, "b")

    def test_undecided(self) -> None:
        """It matches where the policy rejects, and nowhere else."""
        slow = path_rule(SLOW, CompareType.REGEX, id="s")
        for action, wanted, outcome in (
            (PolicyAction.REDIRECT_TO_POOL, None, "undecided"),
            (PolicyAction.REJECT, "p", "matched"),
        ):
            made = routes(policy("p", slow, action=action), engine=lambda: None)
            found = explain(made, request(SLOW_TEXT))
            self.assertEqual((taker(found.policies), found.policies[0].outcome), (wanted, outcome))

    def test_readings(self) -> None:
        """A path with two readings is told of in both, and stays as it was."""
        made = routes(policy("p", path_rule("/a/b")))
        asked = request(b"/a%2Fb")
        before = asked.path
        found = explain(made, asked)
        self.assertIs(found.decision, AMBIGUOUS_PATH)
        self.assertNotEqual(taker(found.policies), taker(found.second))
        self.assertEqual(asked.path, before)
