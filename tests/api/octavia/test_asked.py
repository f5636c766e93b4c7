"""What a request asks for."""

from __future__ import annotations

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

    def test_encoded(self) -> None:
        """Segments are decoded."""
        self.fault("GET", "pools/a%20b", None, 404, "Pool a b not found.")
