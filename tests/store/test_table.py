"""Tests of L{fiberlb.store.table}."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.store import EtcdSettings
from fiberlb.store.copied import CopiedStore
from fiberlb.store.interface import StoreError, Unavailable, Unusable
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sealed import Keyring
from fiberlb.store.sqlite import SqliteStore
from fiberlb.store.table import open_shared, open_store
from tests.store.etcd.stage import EtcdStage
from tests.store.stage import SqliteStage
from tests.support.ports import free_port


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

    def test_shared(self) -> None:
        """An etcd is opened with a copy; without both there is nothing, and nothing is left."""
        settings = EtcdSettings(endpoints=(f"http://127.0.0.1:{free_port()}",))
        directory = self.mktemp()
        os.mkdir(directory)
        stage = EtcdStage()
        self.addCleanup(stage.end)
        keyring = Keyring([bytes(32)], os.urandom)

        def aside(work: Callable[[], Any]) -> Deferred[Any]:
            return execute(work)

        def opened(settings: EtcdSettings) -> CopiedStore:
            outside = (stage.reactor, lambda: 1.0, lambda: uuid4().hex)
            store = stage.wait(open_shared(settings, directory, keyring, *outside, aside))
            self.addCleanup(lambda: stage.wait(store.close()))
            return store

        with self.assertRaises(Unavailable) as caught:
            opened(settings)
        self.assertIn("there is no copy of it", str(caught.exception))
        at = stage.wait(opened(stage.settings).commit({}, {b"a": b"1"}))
        other = opened(stage.settings)
        self.assertEqual(stage.wait(other.load(b"a"))[1], {b"a": (b"1", at)})
        stage.turn(lambda: os.path.exists(os.path.join(directory, "store-copy")))

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
