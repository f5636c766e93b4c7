"""GET /v1/config: what the API wrote, as one document."""

from __future__ import annotations

from tests.api.rest.asking import Asking


class ConfigTests(Asking):
    """GET /v1/config."""

    FILE = """\
pools: [{name: f}]
listeners: [{name: fl, port: 99, protocol: http}]
"""

    def test_empty(self) -> None:
        """Objects of the file are no part of it."""
        self.assertEqual(
            self.get("/v1/config").document,
            {"load_balancers": [], "certificates": [], "pools": [], "listeners": []},
        )

    def test_tag(self) -> None:
        """Its tag is that of all lists."""
        self.assertEqual(self.get("/v1/config").tag, self.get("/v1/pools").tag)
