"""C{fiberlb history}, C{rollback}, C{export} and C{import}."""

from __future__ import annotations

import json
from typing import Any

import yaml

from fiberlb.commands.exits import REFUSED
from tests.commands.answering import Answering
from tests.commands.test_applying import CHANGE, changed

ENTRY: dict[str, Any] = {
    "revision": 3,
    "at": "then",
    "author": "ann",
    "source": "rest",
    "reason": "why",
    "changes": [CHANGE] * 5,
}


class HistoryTests(Answering):
    """What happened."""

    def test_list(self) -> None:
        """A line each."""
        self.serve({"items": [ENTRY], "next": None, "revision": 3})
        found = self.run_command("history", "--object", "web", "--author", "ann")
        head, line = found.output.splitlines()
        self.assertEqual(head.split()[0], "REVISION")
        self.assertIn("delete web, delete web, delete web, +2", line)
        self.assertEqual(self.targets, ["/v1/revisions?object=web&author=ann&limit=20"])

    def test_one(self) -> None:
        """Field by field, as far as that is kept."""
        self.serve({**ENTRY, "changes": [CHANGE], "names": {}, "kept": True})
        self.serve({**ENTRY, "names": {}, "kept": False})
        self.serve({**ENTRY, "names": {}, "kept": True})
        found = self.run_command("history", "3")
        self.assertEqual(found.output, "Revision 3, then, by ann (rest): why\n- pool web\n")
        self.assertIn("not kept any more", self.run_command("history", "3").output)
        found = self.run_command("history", "3", "-o", "json")
        self.assertEqual(json.loads(found.output)["at"], "then")


class RollbackTests(Answering):
    """Going back."""

    def test_done(self) -> None:
        """Shown first, then done."""
        self.serve(changed(CHANGE))
        self.serve(changed(CHANGE))
        found = self.run_command("rollback", "2", "--yes", "--old-keys", "--reason", "bad")
        self.assertIn("Done: revision 3", found.output)
        target = "/v1/revisions/2/rollback?keys=then"
        self.assertEqual(self.targets, [f"{target}&dry_run=true", target])
        self.assertIn(b"FiberLB-Reason: bad", self.requests[1])

    def test_not_done(self) -> None:
        """Nobody to ask, a dry run, one that is gone."""
        self.serve(changed(CHANGE))
        self.serve(changed(CHANGE))
        self.serve({"detail": "not kept any more", "code": "revision_gone"}, 410)
        self.assertEqual(self.run_command("rollback", "2").exit_code, REFUSED)
        self.assertEqual(self.run_command("rollback", "2", "--dry-run").exit_code, 0)
        self.assertEqual(self.run_command("rollback", "2", "--yes").exit_code, REFUSED)
        self.assertEqual(len(self.targets), 3)


class ExportTests(Answering):
    """All of it, out and in."""

    def test_export(self) -> None:
        """In both forms, of any revision."""
        document = {"pools": [{"name": "off"}]}
        self.serve(document)
        self.serve(document)
        found = self.run_command("export")
        self.assertEqual(yaml.safe_load(found.output), document)
        found = self.run_command("export", "-o", "json", "--revision", "2")
        self.assertEqual(json.loads(found.output), document)
        targets = ["/v1/config?names=true", "/v1/config?revision=2&names=true"]
        self.assertEqual(self.targets, targets)

    def test_ids(self) -> None:
        """As the API has it."""
        self.serve({"pools": []})
        self.run_command("export", "--ids")
        self.assertEqual(self.targets, ["/v1/config"])

    def test_import(self) -> None:
        """As it is, by the kind of the file."""
        for _ in range(4):
            self.serve(changed(CHANGE))
        for name, media in (("s.yaml", b"application/yaml"), ("s.json", b"application/json")):
            path = self.directory / name
            path.write_text('{"pools": []}')
            found = self.run_command("import", str(path), "--yes")
            self.assertIn("Done: revision 3", found.output)
            self.assertTrue(self.requests[-1].startswith(b"PUT /v1/config "))
            self.assertIn(b"Content-Type: " + media, self.requests[-1])
            self.assertTrue(self.requests[-1].endswith(b'{"pools": []}'))
