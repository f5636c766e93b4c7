"""Tokens over the API."""

from __future__ import annotations

import itertools
from typing import Any

from treq.testing import StubTreq

from fiberlb.model.admin import AdminListen
from tests.api.rest.asking import Answer, Asking, resource
from tests.control.stage import Stage

BOSS = "boss-boss-boss-boss"


class TokensTests(Asking):
    """Who makes them is on loopback, until there is one."""

    def setUp(self) -> None:
        """A node whose chance is not always the same."""
        super().setUp()
        numbers = itertools.count(1)
        tokens = self.stage.control.operating.tokens
        tokens._randomness = lambda size: bytes([next(numbers)]) * size

    def bearing(self, token: str, method: str, path: str, body: Any = None) -> Answer:
        """A request with a token."""
        return self.ask(method, path, body, Authorization=f"Bearer {token}")

    def make(self, name: str = "boss", role: str = "admin", by: str = "", **more: Any) -> Any:
        """A token that is made; its document."""
        body = {"name": name, "role": role, **more}
        found = self.bearing(by, "POST", "/v1/tokens", body) if by else None
        return (found or self.ask("POST", "/v1/tokens", body)).document

    def test_life(self) -> None:
        """Its text is told once; it works, is listed, and is gone when it is deleted."""
        found = self.ask("POST", "/v1/tokens", {"name": "boss", "role": "admin"})
        self.assertEqual(found.status, 201)
        made = found.document
        text = made.pop("token")
        self.assertEqual(found.headers["location"], f"/v1/tokens/{made['id']}")
        self.assertEqual((made["created_by"], made["expired"]), ("local", False))
        self.refusal(self.ask("GET", "/v1/tokens"), 401, "unauthorized")
        ci = self.make("ci", "write", text, project="p")
        self.assertEqual(ci["created_by"], "boss")
        listed = self.bearing(text, "GET", "/v1/tokens")
        self.assertEqual([one["name"] for one in listed.document["items"]], ["boss", "ci"])
        self.assertNotIn(text.encode(), listed.body)
        self.assertNotIn(ci["token"].encode(), listed.body)
        self.assertNotIn(b"sha256", listed.body)
        self.assertEqual(self.bearing(ci["token"], "GET", "/v1/pools").status, 200)
        self.refusal(self.bearing(ci["token"], "GET", "/v1/tokens"), 403, "forbidden")
        one = self.bearing(text, "GET", "/v1/tokens/ci").document
        self.assertEqual((one["project"], one["id"]), ("p", ci["id"]))
        self.assertIsNotNone(one["last_used_at"])
        self.assertEqual(self.bearing(text, "DELETE", "/v1/tokens/ci").status, 204)
        self.assertEqual(self.bearing(ci["token"], "GET", "/v1/pools").status, 401)
        self.refusal(self.bearing(text, "GET", "/v1/tokens/ci"), 404, "not_found")

    def test_rotate(self) -> None:
        """The old one is good for its grace."""
        old = self.make()["token"]
        found = self.bearing(old, "POST", "/v1/tokens/boss/rotate", {"grace": "1m"}).document
        new = found["token"]
        self.assertNotEqual((old, None), (new, found["old_until"]))
        for text in (old, new):
            self.assertEqual(self.bearing(text, "GET", "/v1/tokens").status, 200)
        self.stage.wall += 60
        self.assertEqual(self.bearing(old, "GET", "/v1/tokens").status, 401)
        one = self.bearing(new, "GET", "/v1/tokens/boss").document
        self.assertIsNone(one["old_until"])

    def test_expiry(self) -> None:
        """It has its time, which is not over when it is made."""
        body = {"name": "x", "role": "read", "expires_at": "1999-01-01T00:00:00Z"}
        self.refusal(self.ask("POST", "/v1/tokens", body), 400, "invalid")
        boss = self.make()["token"]
        self.stage.wall = 1_800_000_000.0
        ci = self.make("ci", "read", boss, expires_at="2027-01-15T08:00:10Z")["token"]
        self.assertEqual(self.bearing(ci, "GET", "/v1/pools").status, 200)
        self.stage.wall += 10
        self.assertEqual(self.bearing(ci, "GET", "/v1/pools").status, 401)
        self.assertTrue(self.bearing(boss, "GET", "/v1/tokens/ci").document["expired"])

    def test_dry_run(self) -> None:
        """Nothing changes, no text is told; what would be refused is."""
        body = {"name": "boss", "role": "admin"}
        found = self.ask("POST", "/v1/tokens?dry_run=true", body)
        self.assertEqual((found.status, found.document["dry_run"]), (200, True))
        self.assertEqual(found.document["result"]["name"], "boss")
        self.assertNotIn("token", found.document["result"])
        self.assertEqual(self.get("/v1/tokens").document["items"], [])
        boss = self.make()["token"]
        for method, path, sent in (
            ("POST", "/v1/tokens/boss/rotate?dry_run=true", {}),
            ("DELETE", "/v1/tokens/boss?dry_run=true", None),
        ):
            self.assertEqual(self.bearing(boss, method, path, sent).status, 200)
        self.assertEqual(self.bearing(boss, "GET", "/v1/tokens/boss").status, 200)
        found = self.bearing(boss, "POST", "/v1/tokens?dry_run=true", body)
        self.refusal(found, 409, "exists")

    def test_lock_out(self) -> None:
        """Nobody saws off the branch that they sit on."""
        body = {"name": "ci", "role": "read"}
        self.refusal(self.ask("POST", "/v1/tokens", body), 409, "would_lock_out")
        boss = self.make()["token"]
        self.make("ci", "read", boss)
        found = self.bearing(boss, "DELETE", "/v1/tokens/boss")
        self.refusal(found, 409, "would_lock_out")
        self.assertEqual(self.bearing(boss, "DELETE", "/v1/tokens/ci").status, 204)
        self.assertEqual(self.bearing(boss, "DELETE", "/v1/tokens/boss").status, 204)
        self.assertEqual(self.ask("GET", "/v1/tokens").status, 200)

    def test_refused(self) -> None:
        """What is wrong with a body is told; names are unique."""
        found = self.ask("POST", "/v1/tokens", {"name": "a b", "role": "root", "token": "x"})
        document = self.refusal(found, 400, "invalid")
        self.assertEqual({e["path"] for e in document["errors"]}, {"/name", "/role", "/token"})
        boss = self.make()["token"]
        again = self.bearing(boss, "POST", "/v1/tokens", {"name": "boss", "role": "read"})
        self.refusal(again, 409, "exists")


class FiledTests(Asking):
    """Beside those of the file."""

    FILE = f"admin: {{listen: 'unix:/a', tokens: [{{name: boss, token: {BOSS}}}]}}"

    def test_listed(self) -> None:
        """They are listed, and their names are taken; a unix socket locks nobody out."""
        self.treq = StubTreq(resource(self.stage, AdminListen(address="unix:/a")))
        (one,) = self.get("/v1/tokens").document["items"]
        self.assertEqual((one["name"], one["managed_by"]), ("boss", "file"))
        found = self.ask("POST", "/v1/tokens", {"name": "boss", "role": "read"})
        self.refusal(found, 409, "exists")
        self.assertEqual(self.post("/v1/tokens", {"name": "ci", "role": "read"}).status, 201)

    def test_filed(self) -> None:
        """They are shown, and changed where they stand only."""
        self.treq = StubTreq(resource(self.stage, AdminListen(address="unix:/a")))
        self.assertEqual(self.get("/v1/tokens/boss").document["managed_by"], "file")
        for method, path, body in (
            ("DELETE", "boss", None),
            ("POST", "boss/rotate", {}),
        ):
            self.refusal(self.ask(method, f"/v1/tokens/{path}", body), 409, "owned_by_file")
        for method, path, body in (
            ("GET", "nobody", None),
            ("DELETE", "nobody", None),
            ("POST", "nobody/rotate", {}),
        ):
            self.refusal(self.ask(method, f"/v1/tokens/{path}", body), 404, "not_found")

    def test_other_node(self) -> None:
        """A node with the same store knows them."""
        self.treq = StubTreq(resource(self.stage, AdminListen(address="unix:/a")))
        text = self.post("/v1/tokens", {"name": "ci", "role": "read"}).document["token"]
        self.stage = Stage(self, store=self.stage.store, clock=self.stage.clock, node=1)
        self.treq = StubTreq(resource(self.stage))
        found = self.ask("GET", "/v1/pools", Authorization=f"Bearer {text}")
        self.assertEqual(found.status, 200)
