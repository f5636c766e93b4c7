"""What a request asks for."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import OctaviaCase


class AskedTests(OctaviaCase):
    """Parameters."""

    def test_flags(self) -> None:
        """Several words say yes."""
        for word in ("true", "True", "1"):
            ident = self.balancer()
            self.listener(ident)
            found = self.call("DELETE", f"loadbalancers/{ident}?cascade={word}")
            self.assertEqual(found.status, 204)

    def test_neither(self) -> None:
        """What says neither yes nor no is refused, for it may mean that members go."""
        pool = self.pool(loadbalancer_id=self.balancer())
        self.make(f"pools/{pool}/members", address="10.0.0.1", protocol_port=1)
        body: dict[str, Any] = {"members": []}
        path = f"pools/{pool}/members?additive_only"
        self.fault("PUT", f"{path}=maybe", body, 400, "Value not an unambiguous boolean")
        self.assertEqual(self.call("PUT", f"{path}=TRUE", body).status, 202)
        self.assertEqual(len(self.look(f"pools/{pool}/members")["members"]), 1)

    def test_encoded(self) -> None:
        """Segments are decoded."""
        self.fault("GET", "pools/a%20b", None, 404, "Pool a b not found.")
