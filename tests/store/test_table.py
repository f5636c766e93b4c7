"""Tests of L{fiberlb.store.table}."""

from __future__ import annotations

import os

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import StoreError, Unusable
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sqlite import SqliteStore
from fiberlb.store.table import open_store
from tests.store.stage import SqliteStage


class TableTests(SynchronousTestCase):
    """URLs of stores."""

    def setUp(self) -> None:
        """Something that can wait for threads."""
        self.stage = SqliteStage("")

    def open(self, url: str) -> object:
        """Open it, until the end of the test."""
        store = self.stage.wait(open_store(url, Clock(), self.stage.inbox))
        self.addCleanup(lambda: self.stage.wait(store.close()))
        return store

    def test_memory(self) -> None:
        """C{memory:} is the store in memory."""
        self.assertIsInstance(self.open("memory:"), MemoryStore)

    def test_sqlite(self) -> None:
        """C{sqlite:PATH} is a file there; the path may hold colons."""
        path = os.path.join(self.mktemp(), "a:b.db")
        self.assertIsInstance(self.open(f"sqlite:{path}"), SqliteStore)
        self.assertTrue(os.path.isfile(path))

    def test_refused(self) -> None:
        """What is no store is refused, and so are a rest or a path that make no sense."""
        for url, message in (
            ("etcd:http://127.0.0.1:2379", "etcd: no such store; there are memory, sqlite"),
            ("sqlite", "sqlite: no such store; there are memory, sqlite"),
            ("", ": no such store; there are memory, sqlite"),
            ("memory:x", "memory: takes nothing behind the colon"),
            ("sqlite:", "sqlite: needs the path of a file"),
        ):
            with self.assertRaises(Unusable) as caught:
                self.open(url)
            self.assertEqual(str(caught.exception), message)

    def test_cannot(self) -> None:
        """A file that cannot be opened is told, and leaves no thread behind."""
        directory = self.mktemp()
        os.mkdir(directory)
        self.assertRaises(StoreError, self.open, f"sqlite:{directory}")
