"""Tests of L{fiberlb.acme.shelf}."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.documents import certificate_key
from fiberlb.acme.issued import Issued, Record
from fiberlb.acme.jws import AccountKey
from fiberlb.acme.shelf import Shelf
from fiberlb.store.memory import MemoryStore
from tests.acme.test_issued import IDENT, issue
from tests.control.stage import keyring


class ShelfTests(SynchronousTestCase):
    """Two nodes with one store."""

    def setUp(self) -> None:
        """Their books."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.heard: list[int] = []
        self.books = (Issued(), Issued())
        self.shelves = [
            Shelf(self.store, keyring(), book, lambda number=number: self.heard.append(number))  # type: ignore[misc]
            for number, book in enumerate(self.books)
        ]

    def done(self, work: Coroutine[Deferred[Any], Any, Any]) -> Any:
        """The result of what needs no time."""
        found = self.successResultOf(Deferred.fromCoroutine(work))
        self.clock.pump([0.1] * 5)
        return found

    def test_saved(self) -> None:
        """What the leader writes the other one hears of and reads; the leader does not."""
        for shelf in self.shelves:
            shelf.follow(self.done(shelf.load()))
        election = self.store.lead("acme", "one", 9.0)
        self.clock.advance(0)
        record = Record(issue=issue(), wanted="x")
        self.done(self.shelves[0].save(election, IDENT, record))
        self.assertEqual(self.books[0].records, {IDENT: record})
        self.assertEqual(self.heard, [1])
        self.done(self.shelves[1].load())
        self.assertEqual(self.books[1].records, {IDENT: record})
        self.done(self.shelves[0].forget(IDENT))
        self.assertEqual(self.heard, [1, 1])
        for shelf in self.shelves:
            shelf.stop()
        self.done(election.resign())

    def test_unreadable(self) -> None:
        """A damaged record is told and left out; the others are there."""
        self.done(self.store.commit({}, {certificate_key("x"): b"{"}))
        self.done(self.shelves[0].load())
        self.assertEqual(self.books[0].records, {})

    def test_account(self) -> None:
        """An account is made once, whoever asks first, and remembered with its URL."""
        first = self.done(self.shelves[0].account("https://ca.test/dir", None))
        again = self.done(self.shelves[1].account("https://ca.test/dir", None))
        self.assertEqual(
            AccountKey.read(again.key).thumbprint, AccountKey.read(first.key).thumbprint
        )
        self.assertEqual(again.url, "")
        known = attrs.evolve(first, url="https://ca.test/1")
        self.done(self.shelves[0].registered("https://ca.test/dir", None, known))
        self.assertEqual(self.done(self.shelves[1].account("https://ca.test/dir", None)), known)
