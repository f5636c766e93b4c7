"""Tests of fiberlb.commands.backups."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import main
from fiberlb.commands.exits import REFUSED
from fiberlb.store.database import Database
from fiberlb.store.lock import hold


class BackupTests(SynchronousTestCase):
    """C{fiberlb backup}, C{fiberlb restore}."""

    def setUp(self) -> None:
        """A file, and a store with something in it."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(mode=0o700)
        self.path = self.directory / "f.yaml"
        self.write("")
        self.copy = self.directory / "copy.db"
        self.put(b"one")

    def write(self, store: str) -> None:
        """The file."""
        self.path.write_text(
            f"version: 1\nstate_directory: {self.directory}\nworkers: 0\n{store}\n"
        )

    def put(self, value: bytes) -> None:
        """Something in the store."""
        store = Database(str(self.directory / "fiberlb.db"))
        store.commit({}, {b"key": value}, 0.0)
        store.close()

    def value(self, name: str = "fiberlb.db") -> bytes:
        """What is there."""
        store = Database(str(self.directory / name))
        found = store.load(b"key")[1][b"key"][0]
        store.close()
        return found

    def run_command(self, *words: str) -> Result:
        """What a command says."""
        return CliRunner().invoke(main, [*words, "-c", str(self.path)])

    def test_there_and_back(self) -> None:
        """What was copied is there again; what was there meanwhile is kept."""
        found = self.run_command("backup", str(self.copy))
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertIn("1 entries", found.output)
        self.assertEqual(stat.S_IMODE(self.copy.stat().st_mode), 0o600)
        self.put(b"two")
        found = self.run_command("restore", str(self.copy), "--yes")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual((self.value(), self.value("fiberlb.db.before-restore")), (b"one", b"two"))
        self.assertEqual(self.run_command("restore", str(self.copy), "--yes").exit_code, 0)
        self.assertEqual(self.value("fiberlb.db.before-restore-2"), b"one")

    def test_lost(self) -> None:
        """A store that is gone altogether comes back."""
        self.run_command("backup", str(self.copy))
        (self.directory / "fiberlb.db").unlink()
        found = self.run_command("restore", str(self.copy), "--yes")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual(self.value(), b"one")

    def test_unconfirmed(self) -> None:
        """Without a word nothing is replaced; nor by a dry run."""
        self.run_command("backup", str(self.copy))
        self.put(b"two")
        found = self.run_command("restore", str(self.copy))
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("--yes", found.output)
        self.assertEqual(self.run_command("restore", str(self.copy), "--dry-run").exit_code, 0)
        self.assertEqual(self.value(), b"two")

    def test_running(self) -> None:
        """A store in use is copied, and not replaced."""
        lock = hold(str(self.directory), os.getpid())
        self.addCleanup(lock.release)
        self.assertEqual(self.run_command("backup", str(self.copy)).exit_code, 0)
        found = self.run_command("restore", str(self.copy), "--yes")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("stop it first", found.output)
        self.assertIn("fiberlb import FILE", found.output)

    def test_refused(self) -> None:
        """A file that is there, no store, another store, and what is no copy."""
        self.run_command("backup", str(self.copy))
        found = self.run_command("backup", str(self.copy))
        self.assertEqual((found.exit_code, "there already" in found.output), (REFUSED, True))
        self.assertEqual(self.run_command("restore", str(self.path), "--yes").exit_code, REFUSED)
        self.assertEqual(self.value(), b"one")
        self.write("store: 'memory:'")
        found = self.run_command("backup", str(self.directory / "other"))
        self.assertEqual((found.exit_code, "memory" in found.output), (REFUSED, True))
        self.write("store: 'sqlite:other.db'")
        found = self.run_command("backup", str(self.directory / "other"))
        self.assertEqual((found.exit_code, "no store" in found.output), (REFUSED, True))
