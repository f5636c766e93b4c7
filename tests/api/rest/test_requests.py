"""GET /v1/requests/ID."""

from __future__ import annotations

from tests.api.rest.asking import Asking


class RequestsTests(Asking):
    """What is told of answers."""

    def test_found(self) -> None:
        """As the plane tells it, the time in words."""
        self.stage.plane.answers["a1"] = {"id": "a1", "at": 0.5, "reason": "no_members"}
        found = self.get("/v1/requests/a1").document
        self.assertEqual(found["reason"], "no_members")
        self.assertTrue(found["at"].startswith("1970-01-01T00:00:00"))

    def test_unknown(self) -> None:
        """404, whatever it is."""
        for ident in ("b", "%20", "%C3%A9", "x" * 300):
            self.refusal(self.ask("GET", f"/v1/requests/{ident}"), 404, "not_found")
