"""L7 policies."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import SUBNET, OctaviaCase


class PolicyTests(OctaviaCase):
    """Their life, and what they refuse."""

    def setUp(self) -> None:
        """A listener and a pool."""
        super().setUp()
        self.lb = self.balancer()
        self.front = self.listener(self.lb)
        self.home = self.pool(loadbalancer_id=self.lb)

    def made(self, **given: Any) -> dict[str, Any]:
        """A policy of the listener."""
        return self.make("l7policies", listener_id=self.front, **given)

    def test_actions(self) -> None:
        """Each needs its target; others' are cleared."""
        made = self.made(action="REJECT", redirect_url="http://x/")
        self.assertEqual((made["redirect_url"], made["redirect_http_code"]), (None, None))
        made = self.made(action="REDIRECT_TO_URL", redirect_url="http://x/")
        self.assertEqual(made["redirect_http_code"], 302)
        made = self.made(
            action="REDIRECT_PREFIX", redirect_prefix="https://x", redirect_http_code="308"
        )
        self.assertEqual(made["redirect_http_code"], 308)
        made = self.made(action="REDIRECT_TO_POOL", redirect_pool_id=self.home)
        self.assertEqual(made["redirect_pool_id"], self.home)
        nested: dict[str, Any]
        for nested in ({"rules": [{}]}, {"redirect_pool": {"name": "p"}}):
            text = "are created with all that they have"
            self.refused("l7policies", 400, text, listener_id=self.front, action="REJECT", **nested)
        for action in ("REDIRECT_TO_URL", "REDIRECT_PREFIX", "REDIRECT_TO_POOL"):
            self.refused(
                "l7policies", 400, "must not be None", listener_id=self.front, action=action
            )

    def test_refused(self) -> None:
        """What is not there, and listeners that read no requests."""
        tcp = self.listener(self.lb, 81, protocol="TCP")
        for status, given in (
            (404, {"listener_id": SUBNET, "action": "REJECT"}),
            (400, {"listener_id": tcp, "action": "REJECT"}),
            (404, {"action": "REDIRECT_TO_POOL", "redirect_pool_id": SUBNET}),
            (400, {"action": "REDIRECT_TO_URL", "redirect_url": "http://x:99999/"}),
            (400, {"action": "REJECT", "redirect_http_code": 304}),
            (400, {"action": "JUMP"}),
        ):
            self.refused("l7policies", status, "", **{"listener_id": self.front, **given})

    def test_update(self) -> None:
        """A target alone changes the action; nothing at all is refused."""
        path = f"l7policies/{self.made(action='REJECT')['id']}"
        changed = self.change(path, redirect_url="http://y/")
        self.assertEqual(changed["action"], "REDIRECT_TO_URL")
        changed = self.change(path, redirect_pool_id=self.home)
        self.assertEqual((changed["action"], changed["redirect_url"]), ("REDIRECT_TO_POOL", None))
        self.assertEqual(self.change(path, name="n", admin_state_up=False)["name"], "n")
        self.assertIsNone(self.change(path, action="REJECT")["redirect_pool_id"])
        self.fault("PUT", path, {"l7policy": {}}, 400, "Invalid update options")

    def test_unnamed(self) -> None:
        """Nobody named it, nor does its place."""
        first = self.made(action="REJECT")
        self.assertEqual((first["name"], self.made(action="REJECT", position=1)["name"]), ("", ""))
        self.assertEqual(self.made(action="REJECT", name="policy-10")["name"], "policy-10")
        path = f"l7policies/{first['id']}"
        self.assertEqual(self.change(path, name="mine")["name"], "mine")
        self.assertEqual(self.change(path, name=None)["name"], "")

    def test_gone(self) -> None:
        """Those after a deleted one move up."""
        first, second = (self.made(action="REJECT")["id"] for _ in range(2))
        self.assertEqual(self.call("DELETE", f"l7policies/{first}").status, 204)
        self.assertEqual(self.look(f"l7policies/{second}")["l7policy"]["position"], 1)
