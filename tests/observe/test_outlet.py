"""Tests of L{fiberlb.observe.outlet}: real files and pipes."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.outlet import MODE, Outlet, open_log, try_log
from fiberlb.observe.turn import Turn


def never() -> bool:
    """Goes on waiting."""
    return False


class OpeningTests(SynchronousTestCase):
    """What is opened, and how."""

    def setUp(self) -> None:
        """A path of no file yet."""
        self.path = Path(self.mktemp())

    def test_mode(self) -> None:
        """A file that is made has its mode whatever the mask; one that is there keeps its own."""
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        os.close(open_log(str(self.path)))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), MODE)
        self.path.chmod(0o600)
        os.close(open_log(str(self.path)))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_link(self) -> None:
        """A link to a file that is missing yet."""
        self.path.symlink_to(self.path.name + ".real")
        os.close(open_log(str(self.path)))
        self.assertTrue(self.path.exists())

    def test_try(self) -> None:
        """A pipe that nobody reads yet can be a log, a missing directory cannot hold one."""
        os.mkfifo(self.path)
        try_log(str(self.path))
        with self.assertRaises(NotADirectoryError):
            try_log(str(self.path / "x"))

    def test_reopen(self) -> None:
        """What cannot be opened leaves what is open as it is."""
        outlet = Outlet(str(self.path / "log"))
        self.path.mkdir()
        outlet.open()
        self.addCleanup(outlet.close)
        os.rename(self.path, str(self.path) + ".1")
        self.assertRaises(FileNotFoundError, outlet.open)
        self.assertEqual(outlet.write(b"a\n", never), (2, None))
        self.assertEqual(Path(str(self.path) + ".1", "log").read_bytes(), b"a\n")


class FileTests(SynchronousTestCase):
    """Lines in files."""

    def setUp(self) -> None:
        """A file that takes no more when it is told so."""
        self.path = Path(self.mktemp())
        self.room = 1000
        self.outlet = Outlet(str(self.path), write=self.write)
        self.outlet.open()
        self.addCleanup(self.outlet.close)

    def write(self, fd: int, data: bytes) -> int:
        """As C{os.write} on a disk that becomes full."""
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = os.write(fd, data[: self.room])
        self.room -= count
        return count

    def test_full(self) -> None:
        """A part of a line is taken back; what is whole stays."""
        self.room = 6
        done, why = self.outlet.write(b"one\ntwo\n", never)
        self.assertEqual((done, why and why.errno), (4, errno.ENOSPC))
        self.assertEqual(self.path.read_bytes(), b"one\n")
        self.room = 1000
        self.outlet.write(b"three\n", never)
        self.assertEqual(self.path.read_bytes(), b"one\nthree\n")

    def test_others(self) -> None:
        """After a line of somebody who was ended within it, a new one begins."""
        self.path.write_bytes(b"one\ntw")
        self.outlet.write(b"three\n", never)
        self.assertEqual(self.path.read_bytes(), b"one\ntw\nthree\n")

    def test_not_readable(self) -> None:
        """Where one may only append, that is all that is done."""
        outlet = Outlet("/dev/null")
        outlet.open()
        self.assertEqual(outlet.write(b"one\n", never), (4, None))
        outlet.close()


class PipeTests(SynchronousTestCase):
    """Lines in named pipes."""

    def setUp(self) -> None:
        """A pipe with a reader, and two that write to it."""
        self.path = self.mktemp()
        os.mkfifo(self.path)
        self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(lambda: os.close(self.reader))
        self.outlets = [Outlet(self.path, Turn(self.path + ".lock")) for _ in range(2)]
        for outlet in self.outlets:
            outlet.open()
            self.addCleanup(outlet.close)

    def test_long_lines(self) -> None:
        """Lines longer than a pipe takes at once, of two that write at the same time, are whole."""
        lines = [bytes([65 + which]) * 9000 + b"\n" for which in range(2)]
        writing = [
            threading.Thread(
                target=lambda o=o, line=line: [o.write(line, never) for _ in range(40)]
            )
            for o, line in zip(self.outlets, lines, strict=True)
        ]
        os.set_blocking(self.reader, True)
        for thread in writing:
            thread.start()
        found = b""
        while found.count(b"\n") < 80:
            found += os.read(self.reader, 65536)
        for thread in writing:
            thread.join()
        self.assertEqual(sorted(set(found.splitlines(keepends=True))), sorted(lines))

    def test_full(self) -> None:
        """A pipe that is full holds up who writes until that is given up; later all is well."""
        outlet = self.outlets[0]
        done = count = 0
        while done == count:
            count = 90000
            done, why = outlet.write(b"x" * (count - 1) + b"\n", lambda: True)
        self.assertEqual((done, why and str(why.strerror)), (0, "nobody reads it"))
        found = os.read(self.reader, 1 << 20)
        self.assertEqual(self.outlets[1].write(b"next\n", never), (5, None))
        found += os.read(self.reader, 1 << 20)
        self.assertTrue(found.endswith(b"x\nnext\n"), found[-20:])

    def test_no_reader(self) -> None:
        """A reader that is gone is told from other troubles."""
        os.close(self.reader)
        self.reader = os.open("/dev/null", os.O_RDONLY)
        done, why = self.outlets[0].write(b"a\n", never)
        assert why is not None
        self.assertEqual((done, why.errno), (0, errno.EPIPE))
        self.assertTrue(self.outlets[0].waits_for_reader(why))
        self.assertFalse(Outlet("stdout").waits_for_reader(why))
