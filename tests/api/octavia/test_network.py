"""As much of a network service as clients look for."""

from __future__ import annotations

from tests.api.octavia.asking import NETWORK, SUBNET, OctaviaCase


class NetworkTests(OctaviaCase):
    """Subnets and networks."""

    def test_subnets(self) -> None:
        """By name and id; an id that is not known is answered as if it were."""
        found = self.get("/v2.0/subnets?name=front").document["subnets"]
        self.assertEqual([(one["id"], one["network_id"]) for one in found], [(SUBNET, NETWORK)])
        other = "33333333-3333-3333-3333-333333333333"
        [made_up] = self.get(f"/v2/subnets?id={other}").document["subnets"]
        self.assertEqual((made_up["id"], made_up["cidr"]), (other, "127.77.0.0/16"))
        self.assertEqual(self.get(f"/v2.0/subnets/{other}").document["subnet"], made_up)
        self.assertEqual(self.get("/v2.0/subnets?name=x").document["subnets"], [])
        self.assertEqual(self.ask("GET", "/v2.0/subnets/x").status, 404)

    def test_others(self) -> None:
        """Networks, ports, security groups."""
        [network] = self.get("/v2.0/networks").document["networks"]
        self.assertEqual((network["id"], network["subnets"]), (NETWORK, [SUBNET]))
        self.assertEqual(self.get("/v2.0/ports").document, {"ports": []})
        self.assertEqual(self.get("/v2.0/security-groups").document, {"security_groups": []})
        self.assertEqual(self.ask("POST", "/v2.0/ports", {}).status, 405)
