"""Which API is here."""

from __future__ import annotations

from fiberlb.api.octavia.discovery import LATEST
from tests.api.octavia.asking import OctaviaCase


class DiscoveryTests(OctaviaCase):
    """Documents without a token."""

    def test_versions(self) -> None:
        """One of them is current: the last."""
        found = self.get("/").document["versions"]
        current = [one["id"] for one in found if one["status"] == "CURRENT"]
        self.assertEqual(current, [f"v2.{LATEST}"])
        self.assertTrue(found[0]["links"][0]["href"].endswith("9876/v2"))

    def test_endpoints(self) -> None:
        """Each prefix can be an endpoint."""
        for path in ("/v2", "/v2/", "/v2.0", "/v2/lbaas", "/v2.0/lbaas/"):
            found = self.get(path).document["version"]
            self.assertEqual((found["id"], found["status"]), ("v2.0", "CURRENT"))
