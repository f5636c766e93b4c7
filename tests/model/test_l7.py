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
        for key in sorted(L7Policy.LATER - {"redirect_pools", "response"}):
            self.assertEqual(
                problems(L7Policy, {"action": "reject", key: None}), [f"{key}: {LATER}"]
            )
        for key in ("redirect_pools", "response"):
            self.assertEqual(problems(L7Policy, {key: []}), [f"{key}: {LATER}"])
        self.assertEqual(
            problems(L7Policy, {"action": "FIXED_RESPONSE"}), [f"action: fixed_response: {LATER}"]
        )
