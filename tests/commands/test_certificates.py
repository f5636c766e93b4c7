"""Tests of fiberlb.commands.certificates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from fiberlb.commands.certificates import remaining
from fiberlb.commands.exits import REFUSED, UNREACHABLE
from tests.commands.answering import Answering


def item(name: str, expires_at: str | None, **more: Any) -> dict[str, Any]:
    """A certificate as the API shows it."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "managed_by": "api",
        "certificate": "PEM",
        "cert_type": "server",
        "key_type": "EC P-256",
        "names": [f"{name}.test"],
        "expires_at": expires_at,
        "used_by": [{"collection": "listeners", "id": "i", "name": "front"}],
        "warnings": ["is odd"],
        **more,
    }


class CertificateTests(Answering):
    """C{fiberlb cert}."""

    def test_ls(self) -> None:
        """A table, what ends first on top."""
        many = [f"n{number}.test" for number in range(5)]
        later = item("later", "2999-01-01T00:00:00Z", names=many, used_by=[])
        self.serve({"items": [later, item("old", "2020-01-01T00:00:00Z")], "next": None})
        found = self.run_command("cert", "ls")
        self.assertEqual(found.exit_code, 0)
        head, first, second = found.output.splitlines()
        self.assertEqual(head.split()[:2], ["NAME", "NAMES"])
        self.assertRegex(first, r"^old +old\.test +server +EC P-256 +EXPIRED +front +api$")
        self.assertRegex(second, r"^later +n0.test, n1.test, n2.test, \+2 +.* days +- +api$")

    def test_json(self) -> None:
        """The documents, for programs."""
        self.serve({"items": [item("a", None)], "next": None})
        found = self.run_command("cert", "ls", "--json")
        self.assertEqual(json.loads(found.output), [item("a", None)])

    def test_show(self) -> None:
        """Everything of one, its name percent-encoded in the address."""
        self.serve(item("a/b", "2999-01-01T00:00:00Z"))
        found = self.run_command("cert", "show", "a/b")
        self.assertEqual(self.targets, ["/v1/certificates/a%2Fb"])
        self.assertRegex(found.output, r"used_by +front\n")
        self.assertIn("warning: is odd\n", found.output)

    def test_ocsp(self) -> None:
        """How its OCSP response stands, on one line and without the response."""
        ocsp = {"source": "given", "response": "PEM", "status": "good", "last_error": None}
        self.serve(item("a", None, ocsp=ocsp))
        found = self.run_command("cert", "show", "a")
        self.assertRegex(found.output, r"ocsp +source given; status good\n")

    def test_failures(self) -> None:
        """What is refused, and nobody there, have their exit codes."""
        self.serve({"detail": "there is nothing called 'x'"}, 404)
        found = self.run_command("cert", "show", "x")
        self.assertEqual(
            (found.exit_code, found.output), (REFUSED, "there is nothing called 'x'\n")
        )
        self.socket.close()
        self.assertEqual(self.run_command("cert", "ls").exit_code, UNREACHABLE)

    def test_remaining(self) -> None:
        """Time as a person thinks of it."""
        now = datetime(2026, 1, 1, tzinfo=UTC)
        self.assertEqual(remaining("2026-01-03T01:00:00Z", now), "2 days")
        self.assertEqual(remaining("2025-01-03T01:00:00Z", now), "EXPIRED")
        self.assertEqual(remaining(None, now), "unknown")
