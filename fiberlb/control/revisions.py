"""The history as it is asked for: what a revision did, what there was then, and going back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from fiberlb.control import past
from fiberlb.control.force import Force
from fiberlb.control.history import Revision, Wanted, search
from fiberlb.control.layer import Records, StoreLayer
from fiberlb.control.operations import Condition, Op, Operation, Origin, Outcome
from fiberlb.control.past import Version
from fiberlb.control.publish import Surroundings
from fiberlb.control.records import Unreadable
from fiberlb.control.refusals import Contended, Gone, NoRevision, StoreAway
from fiberlb.control.restoring import Outdated, Target
from fiberlb.control.union import union
from fiberlb.control.writing import ATTEMPTS, Rider
from fiberlb.model.configuration import Configuration, resolve
from fiberlb.store.interface import Store, StoreError
from fiberlb.store.sealed import Keyring

#: Bytes of the past that are about one object, for deciding where to look at them.
AN_OBJECT = 1024
UNCONDITIONAL = Condition()
#: Does operations in one revision: L{fiberlb.control.service.ControlService.write}.
Write = Callable[[Sequence[Operation], Origin, bool, Rider | None], Deferred[Outcome]]


@attrs.frozen
class Told:
    """
    A revision with what it changed.

    @ivar versions: C{None}: that is not kept any more.
    """

    entry: Revision
    versions: list[Version] | None


class Revisions:
    """
    The history of one store.

    @param write: does operations.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        force: Force,
        surroundings: Surroundings,
        write: Write,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._force = force
        self._surroundings = surroundings
        self._write = write

    async def search(self, wanted: Wanted) -> tuple[list[Revision], bool]:
        """
        The revisions that are wanted, newest first, and whether there are more.

        @raise StoreAway: the store cannot be read.
        """
        return await _reachable(search(self._store, wanted))

    async def told(self, number: int) -> Told:
        """
        One revision.

        @raise NoRevision: there never was one of that number.
        @raise Gone: it is not kept any more.
        @raise StoreAway: the store cannot be read.
        """
        (entry,) = await self._entries(number, number, self._force.latest.revision)
        pieces = await _reachable(past.read(self._store, number, number))
        found = pieces.get(number, [])
        if entry.pieces is None or len(found) < entry.pieces:
            return Told(entry, None)
        made = await self._worked(found, lambda: past.versions(found, self._keyring))
        return Told(entry, made)

    async def layer(self, number: int, newest_keys: bool = True) -> StoreLayer:
        """
        The store layer as it was at a revision.

        @param newest_keys: as of L{past.unwound}.
        @raise NoRevision: there never was one of that number.
        @raise Gone: it is not kept any more.
        @raise StoreAway: the store cannot be read.
        """
        latest = self._force.latest
        if number == latest.revision:
            return latest
        if number > latest.revision:
            raise _missing(number, latest.revision)
        entries = await self._entries(number + 1, latest.revision, latest.revision)
        pieces = await _reachable(past.read(self._store, number + 1, latest.revision))
        for entry in entries:
            if entry.pieces is None or len(pieces.get(entry.revision, ())) < entry.pieces:
                raise _gone(number)
        everything = [piece for several in pieces.values() for piece in several]
        records = await self._unwound(latest.records, everything, newest_keys)
        return attrs.evolve(latest, revision=number, records=records)

    async def without(self, number: int) -> Records:
        """
        The objects that there are now, those that a revision changed as they were before it.

        Keys too are those from before.

        @raise Gone: it is not kept any more.
        @raise StoreAway: the store cannot be read.
        """
        latest = self._force.latest
        (entry,) = await self._entries(number, number, latest.revision)
        pieces = (await _reachable(past.read(self._store, number, number))).get(number, [])
        if entry.pieces is None or len(pieces) < entry.pieces:
            raise _gone(number)
        return await self._unwound(latest.records, pieces, False)

    async def configuration(self, number: int) -> Configuration:
        """
        Both layers at a revision of the store, with today's file.

        @raise fiberlb.control.refusals.Refusal: as of L{layer}.
        """
        layer = await self.layer(number)
        file = self._force.state.file
        size = sum(map(len, layer.records.values())) + file.configuration.size
        made, _ = await self._surroundings.beside(size, lambda: resolve(union(file, layer)))
        return made

    async def rollback(
        self,
        number: int,
        origin: Origin,
        *,
        condition: Condition = UNCONDITIONAL,
        newest_keys: bool = True,
        dry_run: bool = False,
        rider: Rider | None = None,
    ) -> Outcome:
        """
        Have the store layer of a revision again, as a new revision.

        @param newest_keys: certificates keep the newest material that is known of each.
        @param rider: what is stored with it.
        @raise fiberlb.errors.ConfigurationError: it does not go with the file of today.
        @raise fiberlb.control.refusals.Refusal: as of L{layer}, and of a write.
        """

        async def target() -> Target:
            base = self._force.latest.revision
            return Target((await self.layer(number, newest_keys)).records, base)

        return await self._restored(target, origin, condition, dry_run, rider)

    async def undo(self, number: int, origin: Origin, rider: Rider | None = None) -> Outcome:
        """
        Have what one revision changed as it was before, keys too, and leave everything else.

        @raise fiberlb.errors.ConfigurationError: it does not go with what has changed since.
        @raise fiberlb.control.refusals.Refusal: as of L{told}, and of a write.
        """

        async def target() -> Target:
            base = self._force.latest.revision
            return Target(await self.without(number), base)

        return await self._restored(target, origin, UNCONDITIONAL, False, rider)

    async def _restored(
        self,
        target: Callable[[], Awaitable[Target]],
        origin: Origin,
        condition: Condition,
        dry_run: bool,
        rider: Rider | None,
    ) -> Outcome:
        for _ in range(ATTEMPTS):
            operation = Operation(op=Op.RESTORE, body=await target(), condition=condition)
            try:
                return await self._write([operation], origin, dry_run, rider)
            except Outdated:
                continue
        raise Contended()

    async def _unwound(
        self, records: Records, pieces: Sequence[bytes], newest_keys: bool
    ) -> Records:
        return await self._worked(
            pieces, lambda: past.unwound(records, pieces, self._keyring, newest_keys)
        )

    async def _worked(self, pieces: Iterable[bytes], work: Callable[[], Any]) -> Any:
        try:
            return await self._surroundings.beside(sum(map(len, pieces)) // AN_OBJECT, work)
        except Unreadable as why:
            raise StoreAway(str(why)) from None
        except (ValueError, KeyError, TypeError) as why:
            name = type(why).__name__
            raise StoreAway(f"the history is not understood ({name})") from None

    async def _entries(self, first: int, last: int, latest: int) -> list[Revision]:
        """The entries from C{first} to C{last}, all of them, the newest first."""
        if not 0 < first <= last <= latest:
            raise _missing(last, latest)
        wanted = Wanted(since=first - 1, before=last + 1, limit=last - first + 1)
        found, _ = await _reachable(search(self._store, wanted))
        if len(found) < last - first + 1:
            raise _gone(first)
        return found


def _missing(number: int, latest: int) -> NoRevision:
    return NoRevision(f"there is no revision {number}; the newest one is {latest}")


def _gone(number: int) -> Gone:
    return Gone(f"what revision {number} was like is not kept any more")


async def _reachable(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except StoreError as why:
        raise StoreAway(str(why)) from None
