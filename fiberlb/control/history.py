"""
What each commit did: one document for each revision, in the commit it tells of.

Only the newest are kept; what is in force does not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs

from fiberlb.control.operations import Change, Origin
from fiberlb.control.packing import packed, unpacked
from fiberlb.model.texts import written
from fiberlb.store.interface import Store

REVISIONS = b"revisions/"
#: How many revisions are read from the store at a time.
PAGE = 200
#: Changes from which on those that are alike are written together.
MANY = 100


@attrs.frozen
class Revision:
    """
    One commit of configuration.

    @ivar at: RFC 3339 in UTC.
    @ivar token: tells this commit from any other of the same number, for a
        writer that does not know whether it was stored.
    @ivar pieces: how many documents hold what it changed (L{fiberlb.control.past}); C{None}:
        it was written before there were any.
    """

    revision: int
    at: str
    origin: Origin
    changes: tuple[Change, ...]
    token: str
    pieces: int | None = 0


def revision_key(revision: int) -> bytes:
    """The key of a revision's document; it sorts by number."""
    return REVISIONS + f"{revision:012d}".encode()


def encode_revision(entry: Revision) -> bytes:
    """The document of a revision."""
    document = {
        "revision": entry.revision,
        "at": entry.at,
        "author": entry.origin.author,
        "source": entry.origin.source,
        "reason": entry.origin.reason,
        "token": entry.token,
        "pieces": entry.pieces,
        "changes": _told(entry.changes),
    }
    return packed(written(document).encode())


def _told(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes as they are written: alike ones together, if there are many."""
    if len(changes) < MANY:
        return [attrs.asdict(change) for change in changes]
    alike = groupby(changes, attrgetter("op", "collection"))
    told = []
    for (op, collection), group in alike:
        several = list(group)
        ids, names = [one.id for one in several], [one.name for one in several]
        told.append({"op": op, "collection": collection, "ids": ids, "names": names})
    return told


def _changes(told: Iterable[dict[str, Any]]) -> Iterator[Change]:
    """The inverse of L{_told}."""
    for one in told:
        if "ids" not in one:
            yield Change(**one)
            continue
        for ident, name in zip(one["ids"], one["names"], strict=True):
            yield Change(one["op"], one["collection"], ident, name)


def decode_revision(value: bytes) -> Revision:
    """
    The inverse of L{encode_revision}.

    @raise ValueError: damaged.
    """
    try:
        document = unpacked(value)
        return Revision(
            document["revision"],
            document["at"],
            Origin(document["author"], document["source"], document["reason"]),
            tuple(_changes(document["changes"])),
            document["token"],
            document.get("pieces"),
        )
    except (KeyError, TypeError) as why:
        raise ValueError(f"not a revision: {type(why).__name__}") from None


@attrs.frozen(kw_only=True)
class Wanted:
    """
    Which revisions are asked for.

    @ivar object: the id or the name of an object that they changed.
    @ivar since: after this number, or not before this time (RFC 3339).
    @ivar before: lower than this number: the page before ended with it.
    @ivar limit: at least 1.
    """

    object: str = ""
    author: str = ""
    since: int | str | None = None
    before: int | None = None
    limit: int = 100

    def takes(self, entry: Revision) -> bool:
        """Whether a revision is one of them, C{since} apart."""
        if self.author and entry.origin.author != self.author:
            return False
        return not self.object or any(
            self.object in (change.id, change.name) for change in entry.changes
        )

    def over(self, entry: Revision) -> bool:
        """Whether this and every older revision is before C{since}."""
        if isinstance(self.since, int):
            return entry.revision <= self.since
        return self.since is not None and entry.at < self.since


async def search(store: Store, wanted: Wanted) -> tuple[list[Revision], bool]:
    """
    The newest revisions that are wanted, newest first, and whether there are more.

    @raise fiberlb.store.interface.Unavailable: nothing could be read.
    """
    found: list[Revision] = []
    before = None if wanted.before is None else revision_key(wanted.before)
    while True:
        page = await store.page(REVISIONS, before=before, limit=PAGE)
        for entry in _readable(value for _, value in page):
            if wanted.over(entry):
                return found, False
            if not wanted.takes(entry):
                continue
            if len(found) == wanted.limit:
                return found, True
            found.append(entry)
        if len(page) < PAGE:
            return found, False
        before = page[-1][0]


def _readable(values: Iterable[bytes]) -> Iterable[Revision]:
    for value in values:
        try:
            yield decode_revision(value)
        except ValueError:
            continue  # a damaged entry hides nothing but itself


async def stored(store: Store, entry: Revision) -> int | None:
    """
    The store revision that wrote a revision as this writer meant it, C{None}: it was not stored.

    @raise fiberlb.store.interface.Unavailable: nothing could be read.
    """
    _, entries = await store.load(revision_key(entry.revision))
    for value, at in entries.values():
        if any(found.token == entry.token for found in _readable([value])):
            return at
    return None
