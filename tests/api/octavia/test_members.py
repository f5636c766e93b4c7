"""Members."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import SUBNET, OctaviaCase


class MemberTests(OctaviaCase):
    """Their life, one by one and all at once."""

    def setUp(self) -> None:
        """A pool."""
        super().setUp()
        self.home = self.pool(loadbalancer_id=self.balancer())
        self.path = f"pools/{self.home}/members"

    def places(self) -> dict[str, dict[str, Any]]:
        """The members by their addresses."""
        return {one["address"]: one for one in self.look(self.path)["members"]}

    def test_life(self) -> None:
        """Without a monitor nothing is known; weight 0 drains; null resets."""
        made = self.make(self.path, name="m", address="10.0.0.1", protocol_port="80", weight=2)
        self.assertEqual((made["operating_status"], made["weight"]), ("NO_MONITOR", 2))
        path = f"{self.path}/{made['id']}"
        self.assertEqual(self.change(path, weight=0)["operating_status"], "DRAINING")
        self.assertEqual(self.change(path, weight=None, backup=None)["weight"], 1)
        self.assertEqual(self.change(path, admin_state_up=False)["operating_status"], "OFFLINE")
        self.assertEqual(self.call("DELETE", path).status, 204)
        self.fault("GET", path, None, 404, "Member")

    def test_name(self) -> None:
        """One without a name has none here, and its place in the native API."""
        made = self.make(self.path, address="10.0.0.1", protocol_port=80)
        self.assertEqual(made["name"], "")
        native = self.get(f"/v1/members/{made['id']}").document
        self.assertEqual(native["name"], "10.0.0.1:80")
        self.assertEqual(self.change(f"{self.path}/{made['id']}", name="x")["name"], "x")
        self.assertEqual(self.change(f"{self.path}/{made['id']}", name=None)["name"], "")

    def test_as_sent(self) -> None:
        """Addresses are shown as they were sent."""
        long = "2001:db8:0:0:0:0:0:1"
        made = self.make(self.path, address=long, protocol_port=1, monitor_address=long)
        self.assertEqual((made["address"], made["monitor_address"]), (long, long))
        mapped = "::ffff:10.0.0.9"
        made = self.make(self.path, address=mapped, protocol_port=1)
        self.assertEqual((made["name"], made["address"]), ("", mapped))

    def test_refused(self) -> None:
        """Twice the same place, one that nobody should reach, and a foreign pool."""
        made = self.make(self.path, address="10.0.0.1", protocol_port=80)
        text = "Another member on this pool is already using ip 10.0.0.1 on protocol_port 80"
        self.refused(self.path, 409, text, address="10.0.0.1", protocol_port=80)
        for same in ("::ffff:10.0.0.1", "::ffff:a00:1"):
            self.refused(self.path, 409, text, address=same, protocol_port=80)
        for reserved in ("169.254.169.254", "::ffff:169.254.169.254"):
            self.refused(self.path, 400, "reserved", address=reserved, protocol_port=80)
        other = self.pool(loadbalancer_id=self.balancer())
        self.fault("GET", f"pools/{other}/members/{made['id']}", None, 404, "Member")
        self.fault("GET", f"pools/{SUBNET}/members", None, 404, "Pool")

    def test_batch(self) -> None:
        """Those at the same place keep their ids; others come and go."""
        first = self.make(self.path, name="a", address="10.0.0.1", protocol_port=1, weight=9)
        self.make(self.path, address="10.0.0.2", protocol_port=1)
        several = [
            {"address": "10.0.0.1", "protocol_port": 1},
            {"address": "10.0.0.3", "protocol_port": 1},
        ]
        self.assertEqual(self.call("PUT", self.path, {"members": several}).status, 202)
        found = self.places()
        self.assertEqual(set(found), {"10.0.0.1", "10.0.0.3"})
        kept = found["10.0.0.1"]
        self.assertEqual((kept["id"], kept["weight"], kept["name"]), (first["id"], 1, "a"))
        more = {"members": [{"address": "10.0.0.4", "protocol_port": 1}]}
        self.call("PUT", f"{self.path}?additive_only=true", more)
        self.assertEqual(len(self.places()), 3)
        self.call("PUT", self.path, {"members": []})
        self.assertEqual(self.places(), {})

    def test_batch_refused(self) -> None:
        """All or nothing."""
        self.make(self.path, address="10.0.0.1", protocol_port=1)
        one = {"address": "10.0.0.1", "protocol_port": 1}
        new = {"address": "10.0.0.2", "protocol_port": 1}
        both = ([one, one], 400), ([new, new], 409)
        for several, status in (*both, ([new, {}], 400), (None, 400)):
            self.assertEqual(self.call("PUT", self.path, {"members": several}).status, status)
        self.assertEqual(set(self.places()), {"10.0.0.1"})
