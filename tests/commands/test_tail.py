"""Tests of fiberlb.commands.tail."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import main
from fiberlb.commands.exits import REFUSED, UNREACHABLE
from fiberlb.commands.tail import followed


class FollowedTests(SynchronousTestCase):
    """A file that grows."""

    def setUp(self) -> None:
        """It has four lines and a piece of one."""
        self.path = Path(self.mktemp())
        self.path.write_bytes(b"1 a\n2 b\n3 a\n4 a\n5")

    def follow(self, *steps: Callable[[], object], words: tuple[bytes, ...] = ()) -> list[bytes]:
        """The lines, with something that happens at each pause, and the end after the last."""
        waiting = list(steps)

        class _Over(Exception):
            pass

        def pause() -> None:
            if not waiting:
                raise _Over
            waiting.pop(0)()

        found = []
        try:
            for line in followed(str(self.path), 2, list(words), pause):
                found.append(line)
        except _Over:
            pass
        return found

    def append(self, data: bytes) -> None:
        """More."""
        with self.path.open("ab") as file:
            file.write(data)

    def rotate(self) -> None:
        """Another file in its place."""
        self.append(b" late\n")
        os.rename(self.path, f"{self.path}.1")
        self.path.write_bytes(b"new\n")

    def test_end(self) -> None:
        """The last lines; a line that has not ended yet is not shown."""
        self.assertEqual(list(followed(str(self.path), 2, [], None)), [b"3 a\n", b"4 a\n"])
        self.assertEqual(list(followed(str(self.path), 2, [b"b"], None)), [b"2 b\n"])

    def test_follow(self) -> None:
        """What comes, line by line."""
        found = self.follow(lambda: self.append(b" x\n"), lambda: self.append(b"6 a\n7 b\n"))
        self.assertEqual(found[2:], [b"5 x\n", b"6 a\n", b"7 b\n"])
        self.assertEqual(
            self.follow(lambda: self.append(b"8 b\n9 a\n"), words=(b"b",))[-1], b"8 b\n"
        )

    def test_rotated(self) -> None:
        """What stood in the old file at last, then the new one; one that is gone is waited for."""
        found = self.follow(self.rotate, lambda: None)
        self.assertEqual(found[2:], [b"5 late\n", b"new\n"])

        def gone() -> None:
            self.path.unlink()

        found = self.follow(gone, lambda: self.path.write_bytes(b"again\n"), lambda: None)
        self.assertEqual(found[-1], b"again\n")

    def test_cut(self) -> None:
        """A file that was cut is read from its beginning."""
        found = self.follow(lambda: self.path.write_bytes(b"x\n"), lambda: None)
        self.assertEqual(found[2:], [b"x\n"])


class TailTests(SynchronousTestCase):
    """C{fiberlb tail}."""

    def run_command(self, log: str, *words: str) -> Result:
        """What it says of a file with such a log."""
        path = Path(self.mktemp())
        path.write_text(f"version: 1\naccess_log: {log}\n")
        return CliRunner().invoke(main, ["tail", "-c", str(path), *words])

    def test_shown(self) -> None:
        """The end of the log that the file names."""
        log = Path(self.mktemp()).absolute()
        log.write_text("a\nb\n")
        found = self.run_command(f"{{path: {log}}}", "--no-follow", "-n", "1")
        self.assertEqual((found.exit_code, found.output), (0, "b\n"))

    def test_refused(self) -> None:
        """A log that is off, goes elsewhere, or is not there."""
        for log, code, said in (
            ("off", REFUSED, "is off"),
            ("combined", REFUSED, "stdout"),
            ("{path: /no/such/log}", UNREACHABLE, "/no/such/log"),
        ):
            found = self.run_command(log, "--no-follow")
            self.assertEqual(found.exit_code, code, found.output)
            self.assertIn(said, found.output)
