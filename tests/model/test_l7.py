"""L7 policies and rules."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import L7Policy, PolicyAction
from tests.model.documents import made, problems, short

LATER = "known, not supported by this version"


class PolicyTests(SynchronousTestCase):
    """Policies."""

    def test_actions(self) -> None:
        """An action with its target, in any case."""
        for action, target in (
            ("REDIRECT_TO_POOL", {"redirect_pool_id": "p"}),
            ("redirect_to_url", {"redirect_url": "https://x/"}),
            ("Redirect-Prefix", {"redirect_prefix": "https://x"}),
            ("reject", {}),
        ):
            found = made(L7Policy, action=action, **target)
            assert found.action is not None
            self.assertEqual(found.action.value, action.lower().replace("-", "_"))

    def test_implied(self) -> None:
        """One target says what the action is."""
        for target, action in (
            ({"redirect_pool_id": "p"}, PolicyAction.REDIRECT_TO_POOL),
            ({"redirect_url": "/x"}, PolicyAction.REDIRECT_TO_URL),
            ({"redirect_prefix": "/x", "redirect_url": None}, PolicyAction.REDIRECT_PREFIX),
        ):
            assert isinstance(target, dict)
            self.assertIs(short(L7Policy, target).action, action)
            self.assertIs(short(L7Policy, {**target, "action": None}).action, action)

    def test_statuses(self) -> None:
        """Statuses of redirects and of rejections."""
        for status in (301, 302, 303, 307, 308):
            made(L7Policy, redirect_url="/", redirect_http_status_code=status)
            made(L7Policy, redirect_prefix="/", redirect_http_status_code=str(status))
        for status in (400, 404, 599):
            made(L7Policy, action="reject", redirect_http_status_code=status)

    def test_refused(self) -> None:
        """Targets that do not go with the action, and statuses that do not."""
        status = "redirect_http_status_code"
        cases: tuple[tuple[dict[str, Any], list[str]], ...] = (
            ({}, ["action: is needed"]),
            (
                {"redirect_pool_id": "p", "redirect_url": "/"},
                ["action: is needed: redirect_pool_id and redirect_url are both given"],
            ),
            (
                {"action": "redirect_to_pool"},
                ["redirect_pool_id: is needed by redirect_to_pool"],
            ),
            (
                {"action": "reject", "redirect_url": "/"},
                ["redirect_url: does not go with reject"],
            ),
            (
                {"redirect_url": "/", status: 304},
                [f"{status}: must be one of 301, 302, 303, 307, 308"],
            ),
            (
                {"redirect_url": "/", status: 404},
                [f"{status}: must be one of 301, 302, 303, 307, 308"],
            ),
            ({"action": "reject", status: 302}, [f"{status}: must be from 400 to 599 with reject"]),
            (
                {"redirect_pool_id": "p", status: 302},
                [f"{status}: does not go with redirect_to_pool"],
            ),
            ({"action": "reject", "position": -1}, ["position: must be from 0 to 2147483647"]),
            (
                {"action": "reject", "timeouts": {"keep_alive": "1s"}},
                ["timeouts.keep_alive: keep_alive cannot be set here"],
            ),
        )
        for document, wanted in cases:
            self.assertEqual(problems(L7Policy, document), wanted)

    def test_later(self) -> None:
        """Keys and actions of later versions, without further complaints about them."""
        for key in sorted(L7Policy.LATER):
            self.assertEqual(
                problems(L7Policy, {"action": "reject", key: None}), [f"{key}: {LATER}"]
            )

    def test_pools(self) -> None:
        """Several pools with weights, one that stands in, and what keeps clients."""
        pools = [{"pool_id": "a", "weight": 9}, {"pool_id": "b"}]
        found = made(L7Policy, redirect_pools=pools, failover_pool_id="c", split_persistence={})
        assert found.redirect_pools is not None and found.split_persistence is not None
        self.assertIs(found.action, PolicyAction.REDIRECT_TO_POOL)
        self.assertEqual([one.weight for one in found.redirect_pools], [9, 1])
        self.assertEqual(found.split_persistence.cookie_name, "FIBERLB_SPLIT")
        made(L7Policy, redirect_pool_id="a", failover_pool_id="b")
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            (
                {"action": "redirect_to_pool", "redirect_pool_id": "a", "redirect_pools": pools},
                "redirect_pools: redirect_pool_id and redirect_pools exclude each other",
            ),
            ({"redirect_pools": []}, "redirect_pools: must name a pool"),
            (
                {"redirect_pools": [{"pool_id": "a", "weight": 0}]},
                "redirect_pools: needs a pool with a weight above 0",
            ),
            (
                {"redirect_pools": [*pools, {"pool_id": "a"}]},
                "redirect_pools[2].pool_id: a is named twice; add the weights up",
            ),
            (
                {"redirect_pools": [{"pool_id": "a", "weight": -1}]},
                "redirect_pools[0].weight: must be from 0 to 1000000",
            ),
            ({"redirect_pools": [{"weight": 1}]}, "redirect_pools[0].pool_id: is needed"),
            (
                {"action": "reject", "failover_pool_id": "a"},
                "failover_pool_id: does not go with reject",
            ),
            (
                {"redirect_pool_id": "a", "split_persistence": {}},
                "split_persistence: does nothing without redirect_pools",
            ),
            (
                {"redirect_pool_id": "p", "redirect_url": "/", "response": {}},
                "action: is needed: redirect_pool_id, redirect_url and response are given together",
            ),
        )
        for document, wanted in cases:
            self.assertEqual(problems(L7Policy, document), [wanted])

    def test_response(self) -> None:
        """A response is an action of its own; its status is its own, too."""
        found = made(L7Policy, response={"status": 503, "body": "later"})
        self.assertIs(found.action, PolicyAction.FIXED_RESPONSE)
        for document, wanted in (
            ({"action": "fixed_response"}, "response: is needed by fixed_response"),
            (
                {"response": {}, "redirect_http_status_code": 302},
                "redirect_http_status_code: does not go with fixed_response; response has a status",
            ),
            ({"action": "reject", "response": {}}, "response: does not go with reject"),
        ):
            assert isinstance(document, dict)
            self.assertEqual(problems(L7Policy, document), [wanted])
