"""Load balancers with all that they have, in one call."""

from __future__ import annotations

import copy
from typing import Any

from tests.api.octavia.asking import SUBNET, OctaviaCase

MEMBER = {"address": "10.0.0.1", "protocol_port": 1}
#: A whole one.
WHOLE: dict[str, Any] = {
    "name": "whole",
    "vip_subnet_id": SUBNET,
    "listeners": [
        {
            "name": "l",
            "protocol": "HTTP",
            "protocol_port": 80,
            "default_pool": {"name": "p"},
            "l7policies": [
                {"action": "REJECT", "name": "second"},
                {
                    "action": "REDIRECT_TO_POOL",
                    "name": "first",
                    "position": 1,
                    "redirect_pool": {
                        "name": "q",
                        "protocol": "PROXY",
                        "lb_algorithm": "SOURCE_IP",
                    },
                    "rules": [{"type": "PATH", "compare_type": "EQUAL_TO", "value": "/x"}],
                },
            ],
        },
        {"protocol": "TCP", "protocol_port": 81, "default_pool": {"name": "p"}},
    ],
    "pools": [
        {
            "name": "p",
            "protocol": "HTTP",
            "lb_algorithm": "ROUND_ROBIN",
            "members": [{"address": "10.0.0.1", "protocol_port": 80}],
            "healthmonitor": {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2},
        }
    ],
}


class TreeTests(OctaviaCase):
    """All or nothing."""

    def whole(self, **changes: Any) -> dict[str, Any]:
        """A whole one, without what makes no sense for HTTP pools behind TCP."""
        body = copy.deepcopy(WHOLE)
        del body["listeners"][1]
        body.update(changes)
        return body

    def test_made(self) -> None:
        """The answer is the whole tree; it is one revision."""
        made = self.make("loadbalancers", **self.whole())
        [listener] = made["listeners"]
        self.assertEqual([one["name"] for one in listener["l7policies"]], ["first", "second"])
        self.assertEqual(listener["default_pool"]["members"][0]["address"], "10.0.0.1")
        self.assertEqual(listener["l7policies"][0]["rules"][0]["value"], "/x")
        self.assertEqual({one["name"] for one in made["pools"]}, {"p", "q"})
        self.assertEqual(made["pools"][0]["healthmonitor"]["type"], "HTTP")
        self.assertEqual(self.stage.control.revision, 1)

    def test_refused(self) -> None:
        """Each mistake with Octavia's text; nothing is left."""
        bare = {"protocol": "HTTP", "protocol_port": 1}
        pool = {"name": "p", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
        rule = {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/"}
        for status, text, changes in (
            (400, "Pools must be named", {"pools": [{"protocol": "HTTP"}]}),
            (400, "Pools must be named", {"pools": [None]}),
            (400, "must be unique", {"pools": [pool, pool]}),
            (400, "no full definition", {"listeners": [{**bare, "default_pool": {"name": "x"}}]}),
            (400, "missing required attribute: protocol", {"pools": [{"name": "p", "tags": []}]}),
            (409, "already using", {"listeners": [bare, bare]}),
            (400, "Unknown attribute", {"listeners": [{**bare, "x": 1}]}),
            (409, "already using ip", {"pools": [{**pool, "members": [MEMBER, MEMBER]}]}),
            (
                409,
                "Too many rules",
                {
                    "listeners": [
                        {**bare, "l7policies": [{"action": "REJECT", "rules": [rule] * 51}]}
                    ]
                },
            ),
        ):
            body = {"vip_subnet_id": SUBNET, **changes}
            self.refused("loadbalancers", status, text, **body)
        self.assertEqual(self.look("loadbalancers")["loadbalancers"], [])
