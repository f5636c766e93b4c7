"""Addresses beside the resources."""

from __future__ import annotations

from tests.api.octavia.asking import OctaviaCase


class ServiceTests(OctaviaCase):
    """Providers, and what is not there."""

    def test_providers(self) -> None:
        """One provider under several names."""
        names = [one["name"] for one in self.look("providers")["providers"]]
        self.assertEqual(names[0], "fiberlb")
        found = self.look("providers/fiberlb/flavor_capabilities?fields=name")
        self.assertEqual([set(one) for one in found["flavor_capabilities"]], [{"name"}])
        self.fault("GET", "providers/x/flavor_capabilities", None, 400, "not enabled")

    def test_methods(self) -> None:
        """405, where there is no such method."""
        for method, path in (
            ("POST", "quotas"),
            ("PUT", "quotas/defaults"),
            ("DELETE", "quotas/x/default"),
            ("DELETE", "providers"),
            ("PUT", "flavors"),
            ("POST", "flavors/x"),
        ):
            self.fault(method, path, {}, 405, "not allowed")

    def test_nothing(self) -> None:
        """404 in the shape of all faults."""
        for path in ("x", "providers/fiberlb/x", "quotas/a/b", "flavors/a/b", "pools/a/b/c/d"):
            self.fault("GET", path, None, 404, "")
        self.assertEqual(self.get("/v2/octavia/amphorae").document["amphorae"], [])
