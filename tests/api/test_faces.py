"""Dialects side by side."""

from __future__ import annotations

from fiberlb.api.octavia.app import spoken
from tests.api.rest.asking import Asking


class FaceTests(Asking):
    """Told apart by their addresses."""

    def test_addresses(self) -> None:
        """The native API has all but those of Octavia."""
        for path, ours in (
            (b"/", True),
            (b"", True),
            (b"/v2", True),
            (b"/v2.0/lbaas/pools", True),
            (b"/v1/pools", False),
            (b"/v20", False),
            (b"/metrics", False),
        ):
            self.assertEqual(spoken(path), ours, path)
        self.assertEqual(self.get("/v1/pools").document["items"], [])
        self.assertEqual(self.get("/v2/lbaas/pools").document["pools"], [])
