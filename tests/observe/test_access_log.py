"""Tests of C{fiberlb.observe.access_log}."""

from __future__ import annotations

import errno
import json
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import AccessLog as Settings
from fiberlb.model.settings import AccessLogFormat
from fiberlb.observe.access_log import CHUNK, MOST, OWN_LINES, PERIOD, AccessLog
from fiberlb.observe.writer import LogWriter
from tests.health.scripted import LogLines
from tests.observe.rows import entry


class StillWriter(LogWriter):
    """
    A writer without a thread.

    @ivar put_so_far: the batches.
    @ivar says: what L{state} says.
    """

    def __init__(self) -> None:
        super().__init__("/var/log/access")
        self.put_so_far: list[tuple[bytes, int]] = []
        self.says: tuple[int, str | None] = (0, None)
        self.reopened = 0
        self.ends = True

    def start(self, *, later: bool = False) -> None:
        pass

    def put(self, batch: bytes, lines: int) -> None:
        self.put_so_far.append((batch, lines))

    def reopen(self) -> None:
        self.reopened = len(self.put_so_far)

    def state(self) -> tuple[int, str | None]:
        return self.says

    def stop(self, within: float) -> bool:
        return self.ends


class Turns(Clock):
    """A clock that is like a reactor: what is due at once waits for the next turn."""

    def advance(self, amount: float) -> None:
        self.rightNow += amount
        for call in [call for call in self.calls if call.getTime() <= self.rightNow]:
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


class AccessLogCase(SynchronousTestCase):
    """A log on a clock, with a writer that writes nothing."""

    def setUp(self) -> None:
        """A log that has started, in the combined format."""
        self.clock = Turns()
        self.logged = LogLines()
        self.writer = StillWriter()
        self.log = self.make(AccessLogFormat.COMBINED)

    def make(self, form: AccessLogFormat) -> AccessLog:
        """A log that has started."""
        settings = Settings(format=form, path="/var/log/access")
        log = AccessLog(settings, self.clock, self.logged.log, writer=self.writer)
        log.start()
        self.addCleanup(log.stop)
        return log


class LinesTests(AccessLogCase):
    """From entries to lines."""

    def test_batch(self) -> None:
        """What was noted within a period is handed over as whole lines at its end."""
        self.assertTrue(self.log.on)
        for path in (b"/1", b"/2"):
            self.log.entries.append(entry(target=path))
        self.assertEqual(self.writer.put_so_far, [])
        self.clock.advance(PERIOD)
        [(batch, lines)] = self.writer.put_so_far
        self.assertEqual((lines, batch.count(b"\n"), batch[-1:]), (2, 2, b"\n"))
        self.assertIn(b'"GET /2 HTTP/1.1"', batch)
        self.assertEqual(self.log.entries, [])

    def test_many(self) -> None:
        """A busy period is written in parts, with the reactor's turns in between, in order."""
        self.log.entries += [entry(sent=number) for number in range(3 * CHUNK + 1)]
        self.clock.advance(PERIOD)
        self.assertEqual([lines for _, lines in self.writer.put_so_far], [CHUNK])
        self.log.entries.append(entry(sent=99999))
        for _ in range(3):
            self.clock.advance(0)
        self.assertEqual(sum(lines for _, lines in self.writer.put_so_far), 3 * CHUNK + 1)
        self.clock.advance(PERIOD)
        written = b"".join(batch for batch, _ in self.writer.put_so_far).splitlines()
        sent = [int(line.split(b'" ')[1].split()[1]) for line in written]
        self.assertEqual(sent, [*range(3 * CHUNK + 1), 99999])

    def test_many_at_the_end(self) -> None:
        """Parts that wait are written before the end, and before the file changes."""
        self.log.entries += [entry()] * (3 * CHUNK)
        self.clock.advance(PERIOD)
        self.log.reopen()
        self.log.entries.append(entry())
        self.clock.pump([0] * 3)
        self.assertEqual(self.writer.reopened, 3)
        self.log.entries += [entry()] * (3 * CHUNK)
        self.clock.advance(PERIOD)
        self.log.stop()
        self.assertEqual(sum(lines for _, lines in self.writer.put_so_far), 6 * CHUNK + 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_for_long(self) -> None:
        """A period that begins before the last one is written does not begin a second row."""
        for _ in range(3):
            self.log.entries += [entry()] * (3 * CHUNK)
            self.clock.advance(PERIOD)
        self.assertEqual(len(self.clock.getDelayedCalls()), 2)

    def test_nothing(self) -> None:
        """Without requests nothing is handed over."""
        self.clock.pump([PERIOD] * 8)
        self.assertEqual(self.writer.put_so_far, [])

    def test_too_many(self) -> None:
        """What the reactor cannot make lines of in time is dropped, and counted."""
        self.log.entries += [entry()] * (MOST + 7)
        self.clock.advance(PERIOD)
        self.assertEqual(LogWriter.state(self.writer)[0], 7)
        self.log.flush()
        self.assertEqual(sum(lines for _, lines in self.writer.put_so_far), MOST)

    def test_behind(self) -> None:
        """The more lines wait, the more are made in a turn."""
        self.log.entries += [entry()] * (64 * CHUNK)
        self.clock.advance(PERIOD)
        self.assertEqual(self.writer.put_so_far[0][1], 4 * CHUNK)

    def test_sample(self) -> None:
        """A share of the lines is written, by chance, and all of what did not go well at first."""
        chances = iter([0.1, 0.9, 0.3] * 100)
        settings = Settings(format=AccessLogFormat.COMBINED, path="/x", sample=0.25)
        log = AccessLog(
            settings, self.clock, self.logged.log, writer=self.writer, random=lambda: next(chances)
        )
        log.entries += [entry()] * 30
        log.flush()
        self.assertEqual([lines for _, lines in self.writer.put_so_far], [10])
        log.entries += [entry(status=503, reason="no_members")] * (OWN_LINES + 9)
        log.flush()
        self.assertEqual(self.writer.put_so_far[-1][1], OWN_LINES + 3)
        log.stop()
        self.assertEqual(self.logged.lines, [])

    def test_json(self) -> None:
        """The other format."""
        self.log = self.make(AccessLogFormat.JSON)
        self.log.entries.append(entry(target=b"/x"))
        self.log.flush()
        self.assertEqual(json.loads(self.writer.put_so_far[0][0])["target"], "/x")

    def test_broken_entry(self) -> None:
        """An entry that cannot be written does not take the others with it; told once."""
        for _ in range(2):
            self.log.entries += [entry(), entry(target=None), entry()]
            self.log.flush()
        self.assertEqual([lines for _, lines in self.writer.put_so_far], [2, 2])
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 0)
        self.assertEqual(
            self.logged.lines, ["critical: An entry of the access log cannot be written as a line"]
        )

    def test_stop(self) -> None:
        """The last entries are handed over at the end, and no timer is left."""
        self.log.entries.append(entry())
        self.log.stop()
        self.assertEqual(len(self.writer.put_so_far), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reopen(self) -> None:
        """What was noted before is still for the old file."""
        self.log.entries.append(entry())
        self.log.reopen()
        self.assertEqual(self.writer.reopened, 1)

    def test_file(self) -> None:
        """All together, with a real file."""
        path = Path(self.mktemp())
        settings = Settings(format=AccessLogFormat.JSON, path=str(path))
        log = AccessLog(settings, self.clock, self.logged.log)
        log.start()
        for number in range(1000):
            log.entries.append(entry(tries=number))
            if number % 100 == 0:
                self.clock.advance(PERIOD)
        log.stop()
        found = [json.loads(line)["tries"] for line in path.read_text().splitlines()]
        self.assertEqual(found, list(range(1000)))
        self.assertEqual((log.lost, self.logged.lines), (0, []))

    def test_resumed(self) -> None:
        """After the end it writes again: a copy of the process has no thread of the first."""
        path = Path(self.mktemp())
        settings = Settings(format=AccessLogFormat.JSON, path=str(path))
        log = AccessLog(settings, self.clock, self.logged.log)
        log.start()
        for number in range(3):
            log.entries.append(entry(tries=number))
            log.stop()
            if number < 2:
                log.resume()
        found = [json.loads(line)["tries"] for line in path.read_text().splitlines()]
        self.assertEqual(found, [0, 1, 2])

    def test_no_such_place(self) -> None:
        """A path that cannot be opened is an error of the start."""
        settings = Settings(format=AccessLogFormat.JSON, path="/nonexistent/log")
        log = AccessLog(settings, self.clock, self.logged.log)
        self.assertEqual(self.assertRaises(OSError, log.start).errno, errno.ENOENT)
        log.stop()


class TroubleTests(AccessLogCase):
    """What is told when lines are lost."""

    def test_told_once(self) -> None:
        """The trouble is told once, and once that it is over, with the sum."""
        self.writer.says = (3, "No space left on device")
        self.clock.pump([PERIOD] * 20)
        self.writer.says = (7, "No space left on device")
        self.clock.pump([PERIOD] * 20)
        self.assertEqual(
            self.logged.lines, ["error: Access log /var/log/access: No space left on device"]
        )
        self.writer.says = (7, None)
        with self.logged.new() as lines:
            self.clock.pump([PERIOD] * 80)
        self.assertEqual(
            lines, ["warn: Access log /var/log/access: written again, 7 lines were lost"]
        )
        self.assertEqual(self.log.lost, 7)

    def test_comes_and_goes(self) -> None:
        """Trouble that comes back soon is the same trouble."""
        for number in range(1, 10):
            self.writer.says = (number, None)
            self.clock.pump([PERIOD] * 4)
        self.assertEqual(self.logged.lines, ["error: Access log /var/log/access: lines were lost"])

    def test_second_trouble(self) -> None:
        """The next trouble counts from where the last one ended."""
        for number in (5, 6):
            self.writer.says = (number, "Input/output error")
            self.clock.pump([PERIOD] * 2)
            self.writer.says = (number, None)
            self.clock.pump([PERIOD] * 60)
        self.assertEqual(
            [line for line in self.logged.lines if "again" in line],
            [
                f"warn: Access log /var/log/access: written again, {count} lines were lost"
                for count in (5, 1)
            ],
        )

    def test_end(self) -> None:
        """Lines that are stuck at the end are told."""
        self.writer.ends = False
        self.log.stop()
        self.assertEqual(
            self.logged.lines,
            ["error: Access log /var/log/access: its last lines could not be written"],
        )


class OwnTests(AccessLogCase):
    """Answers that FiberLB made itself, without an access log."""

    def setUp(self) -> None:
        """The log is off."""
        super().setUp()
        self.log.stop()
        self.log = self.make(AccessLogFormat.OFF)

    def test_off(self) -> None:
        """Off means that the relay need not note anything, and nothing is opened."""
        self.assertFalse(self.log.on)
        self.log.entries.append(entry())
        self.clock.advance(PERIOD)
        self.assertEqual((self.writer.put_so_far, self.logged.lines), ([], []))
        self.log.reopen()
        self.assertEqual(self.writer.reopened, 0)

    def test_line(self) -> None:
        """The line says what happened; what is our or the members' fault is a warning."""
        self.log.own(entry(status=503, reason="no_members"))
        self.log.own(entry(status=403, reason="rejected"))
        first, second = self.logged.lines
        self.assertTrue(first.startswith('warn: 503 no_members: "GET /a?b=c HTTP/1.1"'), first)
        self.assertTrue(second.startswith("info: 403 rejected:"), second)

    def test_text_is_not_a_format(self) -> None:
        """Braces of a request are text."""
        self.log.own(entry(status=503, reason="no_members", target=b"/{log_level}{0}"))
        self.assertIn("/{log_level}{0}", self.logged.lines[0])

    def test_bounded(self) -> None:
        """Ten lines a second for each reason; how many more there were is told after it."""
        for _ in range(OWN_LINES + 5):
            self.log.own(entry(status=503, reason="no_members"))
        self.log.own(entry(status=403, reason="rejected"))
        self.assertEqual(len(self.logged.lines), OWN_LINES + 1)
        with self.logged.new() as lines:
            self.clock.pump([PERIOD] * 5)
        self.assertEqual(lines, ["info: 5 more answers with no_members were not logged one by one"])
        with self.logged.new() as lines:
            self.log.own(entry(status=503, reason="no_members"))
        self.assertEqual(len(lines), 1)

    def test_sum_at_the_end(self) -> None:
        """The last second's sum is told at the end."""
        for _ in range(OWN_LINES + 1):
            self.log.own(entry(status=503, reason="no_members"))
        with self.logged.new() as lines:
            self.log.stop()
        self.assertEqual(len(lines), 1)
