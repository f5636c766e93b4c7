"""Tests of C{fiberlb.observe.writer}: its thread, real files, and writes that are held up."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from threading import Event

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.outlet import open_log
from fiberlb.observe.writer import STDOUT, LogWriter

#: Seconds that a thread may take for what it does at once.
PATIENCE = 20.0


class Disk:
    """
    Writes that the test lets through, shortens or refuses.

    @ivar written: what was written.
    @ivar most: octets taken at once, C{None} for all.
    @ivar answers: for each of the next writes an error, or C{None} to let it through.
    """

    def __init__(self) -> None:
        self.written = b""
        self.most: int | None = None
        self.answers: list[OSError | None] = []
        self.entered = Event()
        self.go = Event()
        self.go.set()

    def write(self, fd: int, data: bytes) -> int:
        """As C{os.write}."""
        self.entered.set()
        self.go.wait(PATIENCE)
        error = self.answers.pop(0) if self.answers else None
        if error is not None:
            raise error
        taken = data[: self.most]
        self.written += taken
        return len(taken)


class WriterCase(SynchronousTestCase):
    """A path, and writers that end with the test."""

    def setUp(self) -> None:
        """A path of no file yet."""
        self.path = Path(self.mktemp())
        self.disk = Disk()

    def writer(self, *, bound: int = 1000, real: bool = False) -> LogWriter:
        """A writer that has started."""
        write = os.write if real else self.disk.write
        writer = LogWriter(str(self.path), bound=bound, write=write)
        writer.start()
        self.addCleanup(writer.stop, PATIENCE)
        return writer


class FileTests(WriterCase):
    """Real files."""

    def test_lines(self) -> None:
        """Batches stand in the file in their order, after what was there."""
        self.path.write_bytes(b"before\n")
        writer = self.writer(real=True)
        for number in range(50):
            writer.put(b"%d\n" % number, 1)
        self.assertTrue(writer.stop(PATIENCE))
        expected = b"before\n" + b"".join(b"%d\n" % number for number in range(50))
        self.assertEqual(self.path.read_bytes(), expected)
        self.assertEqual(writer.state(), (0, None))

    def test_mode(self) -> None:
        """The file is made for its owner to write and its group to read."""
        self.writer(real=True).stop(PATIENCE)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode) & 0o137, 0)

    def test_cannot_be_opened(self) -> None:
        """A path that cannot be opened is told at the start."""
        writer = LogWriter(str(self.path / "missing" / "log"))
        self.assertRaises(OSError, writer.start)
        self.assertTrue(writer.stop(0))

    def test_pipe_without_reader(self) -> None:
        """A named pipe that nobody reads is refused rather than waited for."""
        os.mkfifo(self.path)
        self.assertEqual(self.assertRaises(OSError, open_log, str(self.path)).errno, errno.ENXIO)

    def test_full_disk(self) -> None:
        """Lines that a full disk does not take are counted, with the reason."""
        self.path = Path("/dev/full")
        writer = self.writer(real=True)
        writer.put(b"a\nb\n", 2)
        self.assertTrue(writer.stop(PATIENCE))
        self.assertEqual(writer.state(), (2, "No space left on device"))

    def test_descriptors(self) -> None:
        """Opening again and stopping leave no descriptor open; what is open blocks the thread."""
        before = len(os.listdir("/proc/self/fd"))
        writer = self.writer(real=True)
        writer.reopen()
        writer.stop(PATIENCE)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        fd = open_log(str(self.path))
        self.addCleanup(os.close, fd)
        self.assertTrue(os.get_blocking(fd))

    def test_reopen(self) -> None:
        """What was put before goes to the file that was moved away, the rest to a new one."""
        writer = self.writer(real=True)
        writer.put(b"old\n", 1)
        moved = self.path.with_suffix(".1")
        self.path.rename(moved)
        writer.put(b"still old\n", 1)
        writer.reopen()
        writer.put(b"new\n", 1)
        writer.stop(PATIENCE)
        self.assertEqual(moved.read_bytes(), b"old\nstill old\n")
        self.assertEqual(self.path.read_bytes(), b"new\n")

    def test_cannot_be_reopened(self) -> None:
        """Where the file cannot be opened again the old one is kept, and it is told."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = folder / "log"
        writer = self.writer(real=True)
        writer.put(b"a\n", 1)
        folder.rename(moved := Path(self.mktemp()))
        writer.reopen()
        writer.put(b"b\n", 1)
        writer.stop(PATIENCE)
        self.assertEqual((moved / "log").read_bytes(), b"a\nb\n")
        self.assertEqual(writer.state(), (0, "cannot be opened again: No such file or directory"))

    def test_stdout(self) -> None:
        """The standard output is descriptor 1, and stays open."""
        used: list[int] = []

        def write(fd: int, data: bytes) -> int:
            used.append(fd)
            return len(data)

        writer = LogWriter(STDOUT, write=write)
        writer.start()
        writer.put(b"a\n", 1)
        writer.reopen()
        writer.stop(PATIENCE)
        self.assertEqual(used, [1])
        os.fstat(1)


class TroubleTests(WriterCase):
    """Writes that do not go as they should."""

    def test_short_writes(self) -> None:
        """A line that is taken in pieces is whole in the end."""
        self.disk.most = 3
        writer = self.writer()
        writer.put(b"one line\nanother\n", 2)
        writer.stop(PATIENCE)
        self.assertEqual(self.disk.written, b"one line\nanother\n")

    def test_slow_disk(self) -> None:
        """What comes while too much waits is dropped and counted; nobody waits for it."""
        self.disk.go.clear()
        writer = self.writer(bound=10)
        writer.put(b"a" * 11 + b"\n", 1)
        self.assertTrue(self.disk.entered.wait(PATIENCE))
        writer.put(b"lost\nlost\n", 2)
        self.assertEqual(writer.state(), (2, "lines come faster than they are written"))
        self.disk.go.set()
        self.assertTrue(writer.stop(PATIENCE))
        self.assertEqual(self.disk.written, b"a" * 11 + b"\n")
        self.assertEqual(writer.state(), (2, None))

    def test_written_makes_room(self) -> None:
        """What is written does not count as waiting any more."""
        writer = self.writer(bound=20)
        for _ in range(10):
            self.disk.go.clear()
            writer.put(b"1234567\n", 1)
            # The write of one batch begins when the one before is accounted for.
            self.assertTrue(self.disk.entered.wait(PATIENCE))
            self.disk.entered.clear()
            self.disk.go.set()
        writer.stop(PATIENCE)
        self.assertEqual((self.disk.written, writer.state()), (b"1234567\n" * 10, (0, None)))

    def test_error_passes(self) -> None:
        """A failed batch is lost; the next one is written, and nothing is wrong any more."""
        self.disk.answers.append(OSError(errno.EIO, "Input/output error"))
        writer = self.writer()
        writer.put(b"a\nb\n", 2)
        writer.put(b"c\n", 1)
        writer.stop(PATIENCE)
        self.assertEqual(self.disk.written, b"c\n")
        self.assertEqual(writer.state(), (2, None))

    def test_torn_line(self) -> None:
        """After a line that was cut off, the next one begins on a new line."""
        self.disk.most = 4
        self.disk.answers = [None, OSError(errno.ENOSPC, "No space left on device")]
        writer = self.writer()
        writer.put(b"a\nbcd\ne\n", 3)
        writer.put(b"f\n", 1)
        writer.stop(PATIENCE)
        self.assertEqual(self.disk.written, b"a\nbc\nf\n")
        self.assertEqual(writer.state(), (2, None))

    def test_torn_line_of_another_file(self) -> None:
        """A new file does not begin with an empty line."""
        self.disk.most = 3
        self.disk.answers = [None, OSError(errno.ENOSPC, "No space left on device")]
        writer = self.writer()
        writer.put(b"abcd\n", 1)
        writer.reopen()
        writer.put(b"e\n", 1)
        writer.stop(PATIENCE)
        self.assertEqual(self.disk.written, b"abce\n")

    def test_still_torn(self) -> None:
        """A line feed that could not be written either is not forgotten."""
        full = OSError(errno.ENOSPC, "No space left on device")
        self.disk.most = 2
        self.disk.answers = [None, full, full]
        writer = self.writer()
        for batch in (b"abc\n", b"d\n", b"e\n"):
            writer.put(batch, 1)
        writer.stop(PATIENCE)
        self.assertEqual(self.disk.written, b"ab\ne\n")
        self.assertEqual(writer.state(), (2, None))

    def test_nobody_reads(self) -> None:
        """A pipe that is full and non-blocking holds up the thread, not the end."""
        reader, end = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, end)
        os.set_blocking(end, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(end, bytes(65536))
        writer = LogWriter(STDOUT, write=lambda fd, data: os.write(end, data))
        writer.start()
        writer.put(b"a\n", 1)
        writer.put(b"b\n", 1)
        writer.stop(0.01)
        self.assertTrue(writer.stop(PATIENCE))
        self.assertEqual(writer.state()[0], 2)
