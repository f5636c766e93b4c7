"""GET /v1/requests/ID."""

from __future__ import annotations

from fiberlb.observe.kept import Sought
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


class RecentTests(Asking):
    """The last ones."""

    def test_listed(self) -> None:
        """The last one first, as many as are asked for, with times in words."""
        for ident in ("a", "b", "c"):
            self.stage.plane.answers[ident] = {"id": ident, "at": 0.5, "reason": "no_members"}
        items = self.get("/v1/requests?limit=2").document["items"]
        self.assertEqual([one["id"] for one in items], ["c", "b"])
        self.assertTrue(items[0]["at"].startswith("1970-01-01T00:00:00"))
        self.assertEqual(self.stage.plane.sought, Sought())

    def test_sought(self) -> None:
        """What is asked for; a listener by its id, too."""
        body = {"name": "front", "protocol": "http", "address": "127.0.0.1", "port": 1}
        ident = self.post("/v1/listeners", body).document["id"]
        query = "client=[2001:db8::1]&status=5xx&reason=no_members&since=1970-01-01T00:01:00Z"
        for word in ("front", ident):
            self.get(f"/v1/requests?listener={word}&{query}")
            wanted = Sought("front", "2001:db8::1", "5xx", "no_members", 60.0)
            self.assertEqual(self.stage.plane.sought, wanted)

    def test_refused(self) -> None:
        """What cannot be sought."""
        for query in ("status=teapot", "status=6xx", "reason=no", "since=then", "limit=0", "x=1"):
            self.refusal(self.ask("GET", f"/v1/requests?{query}"), 400, "invalid")
