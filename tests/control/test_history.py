"""The history of revisions."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import (
    PAGE,
    Revision,
    Wanted,
    decode_revision,
    encode_revision,
    revision_key,
    search,
    stored,
)
from fiberlb.control.operations import Change, Origin
from fiberlb.store.memory import MemoryStore


def entry(number: int, author: str = "ann", object_: str = "x") -> Revision:
    """A revision; its time is its number in minutes."""
    change = Change("update", "pools", object_, f"name of {object_}")
    at = f"2027-01-01T{number // 60:02}:{number % 60:02}:00Z"
    return Revision(number, at, Origin(author, "rest", "why"), (change,), f"token {number}")


class DocumentTests(SynchronousTestCase):
    """Revisions as documents."""

    def test_round_trip(self) -> None:
        """Written and read again."""
        self.assertEqual(decode_revision(encode_revision(entry(3))), entry(3))

    def test_damaged(self) -> None:
        """What is none."""
        for value in (b"{", b"{}", b"[]"):
            self.assertRaises(ValueError, decode_revision, value)

    def test_keys(self) -> None:
        """Keys sort as numbers do."""
        self.assertLess(revision_key(9), revision_key(10))


class SearchTests(SynchronousTestCase):
    """Looking for revisions."""

    def setUp(self) -> None:
        """A store with more revisions than are read at a time."""
        self.store = MemoryStore(Clock())
        self.count = PAGE * 2 + 10
        puts: dict[bytes, bytes | None] = {
            revision_key(n): encode_revision(
                entry(n, "bob" if n % 100 == 0 else "ann", "y" if n == 5 else "x")
            )
            for n in range(1, self.count + 1)
        }
        puts[revision_key(300)] = b"damaged"
        self.successResultOf(Deferred.fromCoroutine(self.store.commit({}, puts)))

    def found(self, wanted: Wanted) -> tuple[list[int], bool]:
        """The numbers of what was found, and whether there is more."""
        searching = Deferred.fromCoroutine(search(self.store, wanted))
        entries, more = self.successResultOf(searching)
        return [one.revision for one in entries], more

    def test_newest(self) -> None:
        """The newest first, as many as asked for; then the next ones."""
        last = self.count
        self.assertEqual(self.found(Wanted(limit=2)), ([last, last - 1], True))
        self.assertEqual(self.found(Wanted(limit=2, before=last - 1)), ([last - 2, last - 3], True))
        self.assertEqual(self.found(Wanted(limit=2, before=3)), ([2, 1], False))

    def test_filters(self) -> None:
        """By who, by what (its id or its name), through damaged ones."""
        self.assertEqual(self.found(Wanted(author="bob")), ([400, 200, 100], False))
        self.assertEqual(self.found(Wanted(object="y")), ([5], False))
        self.assertEqual(self.found(Wanted(object="name of y")), ([5], False))
        self.assertEqual(self.found(Wanted(object="y", author="bob")), ([], False))

    def test_since(self) -> None:
        """After a number, or not before a time."""
        last = self.count
        self.assertEqual(self.found(Wanted(since=last - 2)), ([last, last - 1], False))
        self.assertEqual(
            self.found(Wanted(since="2027-01-01T06:48:00Z", limit=1000)), ([410, 409, 408], False)
        )

    def test_stored(self) -> None:
        """A commit is found again by its token only."""
        self.assertEqual(
            self.successResultOf(Deferred.fromCoroutine(stored(self.store, entry(7)))), 1
        )
        for other in (entry(300), entry(999)):
            self.assertIsNone(
                self.successResultOf(Deferred.fromCoroutine(stored(self.store, other)))
            )
