"""Tests of fiberlb.commands.keys."""

from __future__ import annotations

from fiberlb.commands.exits import REFUSED
from tests.commands.answering import Answering


class KeysTests(Answering):
    """C{fiberlb keys}."""

    def test_ls(self) -> None:
        """Which key seals, and which is missing."""
        items = [
            {"id": "aa", "sealed": 3, "present": True},
            {"id": "bb", "sealed": 1, "present": False},
        ]
        self.serve({"items": items})
        lines = self.run_command("keys", "ls").output.splitlines()
        self.assertEqual(
            [line.split() for line in lines[1:]], [["aa", "3", "seals"], ["bb", "1", "MISSING"]]
        )

    def test_changes(self) -> None:
        """Each says what became of it."""
        done = {"key_id": "aa", "resealed": 3, "removed": ["bb"], "revision": 7}
        for word, said in (
            ("rotate", "Key aa seals from now on, 3 secrets were sealed anew (revision 7)"),
            ("reseal", "Key aa seals, 3 secrets were sealed anew (revision 7)"),
            ("prune", "Removed: bb; key aa stays"),
        ):
            self.answers.clear()
            self.serve(done)
            found = self.run_command("keys", word, "--reason", "yearly")
            self.assertEqual((found.exit_code, found.output.splitlines()[0]), (0, said))
            self.assertEqual(self.targets[-1], f"/v1/keys/{word}")
            self.assertIn(b"FiberLB-Reason: yearly", self.requests[-1])

    def test_dry_run(self) -> None:
        """What would be sealed anew, and which keys would go."""
        result = {"key_id": "aa", "resealed": 3, "removed": ["bb"], "revision": 7}
        for key, said in (("aa", "key aa"), ("", "a new key")):
            self.answers.clear()
            self.serve({"dry_run": True, "result": {**result, "key_id": key}})
            found = self.run_command("keys", "prune", "--dry-run")
            told = f"Nothing was done. Secrets to seal anew with {said}: 3; removed: bb\n"
            self.assertEqual(found.output, told)
            self.assertEqual(self.targets[-1], "/v1/keys/prune?dry_run=true")

    def test_cookies(self) -> None:
        """Signed with a new key, or what would come of it; a reason is sent."""
        self.serve({"dry_run": True, "result": {"keys": 2}})
        self.serve({"keys": 2})
        told = "Nothing was done. Keys that would be believed: 2\n"
        self.assertEqual(self.run_command("keys", "rotate-cookies", "--dry-run").output, told)
        self.assertEqual(self.targets[-1], "/v1/cookie_keys/rotate?dry_run=true")
        found = self.run_command("keys", "rotate-cookies", "--reason", "yearly")
        self.assertIn("are signed with a new key", found.output)
        self.assertIn(b"FiberLB-Reason: yearly", self.requests[-1])

    def test_refused(self) -> None:
        """The API's words, and exit code 1."""
        self.serve({"detail": "cannot be changed"}, 409)
        found = self.run_command("keys", "rotate")
        self.assertEqual((found.exit_code, found.output), (REFUSED, "cannot be changed\n"))
