"""Tests of fiberlb.commands.tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.tokens import moment
from tests.commands.answering import Answering

_MADE = {
    "id": "aa",
    "name": "ci",
    "role": "write",
    "project": None,
    "managed_by": "api",
    "expires_at": None,
    "expired": False,
    "last_used_at": None,
    "old_until": None,
}


class TokensTests(Answering):
    """C{fiberlb token}."""

    def test_ls(self) -> None:
        """Those of the file, and the others."""
        filed = {**_MADE, "managed_by": "file", "expires_at": "2027-01-31T08:00:00Z"}
        self.serve({"items": [filed, {**_MADE, "expired": True}]})
        lines = self.run_command("token", "ls").output.splitlines()
        self.assertEqual(
            [line.split() for line in lines[1:]],
            [
                ["ci", "write", "-", "2027-01-31T08:00:00Z", "-", "file"],
                ["ci", "write", "-", "EXPIRED", "-", "api"],
            ],
        )

    def test_create(self) -> None:
        """The token is a line of its own."""
        self.serve({**_MADE, "token": "fiberlb_aa_bb"}, 201)
        found = self.run_command("token", "create", "ci", "--role", "write", "--expires", "30d")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual(found.stdout, "fiberlb_aa_bb\n")
        self.assertIn("Token ci, role write: it is not told again", found.stderr)
        self.assertEqual(self.targets, ["/v1/tokens"])

    def test_rotate(self) -> None:
        """Until when the old one is good is told."""
        until = "2027-01-31T08:00:00Z"
        self.serve({**_MADE, "token": "fiberlb_aa_cc", "old_until": until})
        found = self.run_command("token", "rotate", "ci", "--grace", "1h")
        self.assertEqual(found.stdout, "fiberlb_aa_cc\n")
        self.assertIn(f"the old one is good until {until}", found.stderr)
        self.assertEqual(self.targets, ["/v1/tokens/ci/rotate"])

    def test_dry_run(self) -> None:
        """Nothing is done, and the reason is sent."""
        for words in (("create", "ci", "--role", "write"), ("rotate", "ci"), ("delete", "ci")):
            self.answers.clear()
            self.serve({"dry_run": True, "result": {**_MADE}})
            found = self.run_command("token", *words, "--dry-run", "--reason", "to see")
            self.assertTrue(found.output.startswith("Nothing was done. "), found.output)
            self.assertTrue(self.targets[-1].endswith("?dry_run=true"), self.targets)
            self.assertIn(b"FiberLB-Reason: to see", self.requests[-1])

    def test_delete(self) -> None:
        """It says what became of it."""
        self.serve({})
        found = self.run_command("token", "delete", "ci")
        self.assertEqual(found.output, "ci is good for nothing any more\n")
        self.assertEqual(self.targets, ["/v1/tokens/ci"])


class MomentTests(SynchronousTestCase):
    """Times as people write them."""

    def test_moment(self) -> None:
        """A duration is from now on, a time is itself."""
        now = datetime(2027, 1, 1, tzinfo=UTC)
        self.assertEqual(moment("30d", now), "2027-01-31T00:00:00Z")
        self.assertEqual(moment("2027-01-31T08:00:00Z", now), "2027-01-31T08:00:00Z")
