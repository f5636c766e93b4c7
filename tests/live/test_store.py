"""The store on a disk, with real processes: killed at any moment, several at one file."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.database import Database
from fiberlb.store.lock import StateDirectoryInUse, hold
from tests.live.store_program import KEYS, SIZE
from tests.support.programs import Program, temporary_directory
from tests.support.sources import ROOT


class _StoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        """A directory without a store."""
        self.directory = temporary_directory()
        self.path = os.path.join(self.directory, "fiberlb.db")

    def program(self, what: str, number: int = 0) -> Program:
        """A process at work on the store, ended with the test."""
        path = self.directory if what == "hold" else self.path
        module = "tests.live.store_program"
        program = Program([sys.executable, "-m", module, what, path, str(number)], cwd=str(ROOT))
        self.addCleanup(program.kill)
        return program

    def said(self, program: Program, word: str) -> list[int]:
        """The numbers that a program said behind that word, so far."""
        pairs = [line.split(" ") for line in program.output.splitlines()]
        return [int(pair[1]) for pair in pairs if pair[0] == word]


class KillTests(_StoreTests):
    """A writer that is killed, between commits and within them."""

    def test_kill(self) -> None:
        """Everything acknowledged is there, nothing is half there, and the next one goes on."""
        last = 0
        for round in range(12):
            program = self.program("write")
            program.wait_for_line(f"^acknowledged {last + 1 + round % 5}$")
            program.signal(signal.SIGKILL)
            program.wait()
            program.stop()
            last = max(self.said(program, "acknowledged"))
            last = self.check(last)

    def check(self, acknowledged: int) -> int:
        """What the store holds is whole; its number."""
        connection = sqlite3.connect(self.path)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        connection.close()
        database = Database(self.path)
        self.addCleanup(database.close)
        revision, entries = database.load(b"")
        number = int(entries[b"count"][0])
        self.assertIn(number, (acknowledged, acknowledged + 1))
        self.assertEqual(revision, number)
        text = b"%d" % number
        for key in range(KEYS):
            self.assertEqual(entries[b"key/%02d" % key], (text + b" " * SIZE, number))
        history = [int(value) for key, (value, _) in entries.items() if b"history/" in key]
        self.assertEqual(history, list(range(1, number + 1)))
        past = database.since(number - 1, 9)
        self.assertEqual([len(changes) for _, changes in past or ()], [KEYS + 2])
        database.close()
        return number


class SeveralTests(_StoreTests):
    """Several processes at one file."""

    def test_count(self) -> None:
        """Each number is acknowledged to exactly one of them, and a watch hears of all."""
        watching = self.program("watch", 300)
        watching.wait_for_line("^watching")
        programs = [self.program("count", 100) for _ in range(3)]
        for program in programs:
            self.assertEqual(program.wait(60), 0, program.output)
        numbers = [number for one in programs for number in self.said(one, "acknowledged")]
        self.assertEqual(sorted(numbers), list(range(1, 301)))
        self.assertEqual(watching.wait(), 0, watching.output)
        self.assertEqual(self.said(watching, "told"), list(range(1, 301)))

    def test_leader_killed(self) -> None:
        """When the leader is killed, the other one leads once the lease is over."""
        first = self.program("lead", 1)
        first.wait_for_line("^leading 1$")
        second = self.program("lead", 1)
        second.wait_for_line("^standing")
        self.assertEqual(self.said(second, "leading"), [])
        first.kill()
        second.wait_for_line("^leading 1$")
        self.assertEqual(self.said(second, "leading"), [1])

    def test_state_directory(self) -> None:
        """One process holds the state directory, is named, and is in nobody's way once killed."""
        program = self.program("hold")
        program.wait_for_line("^holding")
        with self.assertRaises(StateDirectoryInUse) as caught:
            hold(self.directory, os.getpid())
        self.assertEqual(caught.exception.pid, program.pid)
        program.kill()
        hold(self.directory, os.getpid()).release()
