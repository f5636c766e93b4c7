"""How answers are written."""

from __future__ import annotations

from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import LONG, encoded, of_problem
from tests.api.rest.asking import Asking


class ReplyTests(Asking):
    """What is on every answer."""

    def test_fields(self) -> None:
        """Nothing is kept, guessed, framed or told about the server's making."""
        for found in (
            self.get("/v1/pools"),
            self.ask("GET", "/nothing"),
            self.ask("POST", "/v1/pools", {}),
            self.ask("DELETE", "/v1/pools/x"),
            self.ask("GET", "/v1/pools", host="evil.example"),
            self.get("/healthz"),
        ):
            self.assertEqual(found.headers["x-content-type-options"], "nosniff")
            self.assertEqual(found.headers["cache-control"], "no-store")
            self.assertIn("frame-ancestors 'none'", found.headers["content-security-policy"])
            self.assertEqual(found.headers["server"], "FiberLB")
            self.assertIn("fiberlb-revision", found.headers)

    def test_encoded(self) -> None:
        """A person can read it; every script is itself."""
        self.assertEqual(encoded({"a": "ß"}), '{\n  "a": "ß"\n}\n'.encode())

    def test_long(self) -> None:
        """What tells of very many objects is not laid out for people."""
        self.assertEqual(encoded({"a": [1, 2]}, LONG), b'{"a": [1, 2]}\n')

    def test_problem(self) -> None:
        """A problem has its own media type and fields."""
        reply = of_problem(Refused(405, "x", "y", headers={"Allow": "GET"}))
        self.assertEqual(reply.content_type, "application/problem+json")
        self.assertEqual((reply.status, reply.headers), (405, {"Allow": "GET"}))
