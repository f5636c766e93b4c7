"""Tests of fiberlb.commands.editing."""

from __future__ import annotations

import json
import tempfile

from click.testing import CliRunner, Result

from fiberlb.cli import main
from fiberlb.commands.exits import REFUSED, STALE
from tests.commands.answering import Answering


class EditTests(Answering):
    """C{fiberlb edit}."""

    def edit(self, change: str, answer: object = None, status: int = 200) -> Result:
        """What it says with an editor that changes the text by C{sed}, and this answer."""
        body = json.dumps({"name": "web", "slow_start": "0s"}).encode()
        head = b'HTTP/1.1 200 X\r\nETag: "7"\r\nContent-Length: %d\r\n\r\n' % len(body)
        self.serve_raw(head + body)
        if answer is not None:
            self.serve(answer, status)
        environ = {
            "EDITOR": f"sed -i -e {change}",
            "VISUAL": "",
            "FIBERLB_URL": f"unix:{self.directory}/s",
        }
        directory, tempfile.tempdir = tempfile.tempdir, str(self.directory)
        try:
            return CliRunner(env=environ).invoke(main, ["edit", "pool", "web"])
        finally:
            tempfile.tempdir = directory

    def test_changed(self) -> None:
        """What was saved replaces it, if it still is what was opened."""
        found = self.edit("s/0s/5s/", {"name": "web", "revision": 8})
        self.assertEqual((found.exit_code, found.output), (0, "Updated pool web (revision 8)\n"))
        head, _, body = self.requests[1].partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"PUT /v1/pools/web "))
        self.assertIn(b'If-Match: "7"', head)
        self.assertEqual(json.loads(body), {"name": "web", "slow_start": "5s"})
        self.assertEqual(list(self.directory.glob("fiberlb-*")), [])

    def test_unchanged(self) -> None:
        """What was left as it is is not sent."""
        found = self.edit("s/none/such/")
        self.assertEqual((found.exit_code, found.output), (0, "Nothing was changed\n"))
        self.assertEqual(len(self.requests), 1)

    def test_stale(self) -> None:
        """Somebody else was faster, and what was written is not lost."""
        found = self.edit("s/0s/5s/", {"detail": "its tag is '8'"}, 412)
        self.assertEqual(found.exit_code, STALE)
        (kept,) = self.directory.glob("fiberlb-*")
        self.assertIn(f"fiberlb update pool web -f {kept}", found.output)
        self.assertIn("5s", kept.read_text())

    def test_wrong(self) -> None:
        """Nor is it after a mistake."""
        found = self.edit("s/name:/name/")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertEqual(len(list(self.directory.glob("fiberlb-*"))), 1)
