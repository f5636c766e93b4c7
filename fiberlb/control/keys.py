"""
Exchanging the keys that private keys are encrypted with, while everything runs.

A rotation is three steps, and after a crash between any two of them everything
that is stored can be read, and the next rotation completes what is missing:

1. the new key stands first in the key file, the others behind it;
2. this process seals with it from now on, and opens with all of them;
3. everything sealed in the store is sealed anew, in one commit with its entry in the history.

Old keys stay until L{Keys.prune}: copies of the store may be sealed with them.

Where nodes share a store, a key is used once all of them hold it. Whoever runs them writes it into
each key file; L{Keys.reseal} has a node read that, and on the last one seals everything.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred

from fiberlb.control.commits import time_text
from fiberlb.control.following import Following
from fiberlb.control.force import Force
from fiberlb.control.history import Revision, encode_revision, revision_key, stored
from fiberlb.control.operations import Change, Origin
from fiberlb.control.publish import Surroundings
from fiberlb.control.records import COUNTER
from fiberlb.control.refusals import Contended, KeysUnchanged, StoreAway, TooBig
from fiberlb.store.holders import Holders
from fiberlb.store.interface import Conflict, Entry, Store, StoreError, TooLarge, UnknownOutcome
from fiberlb.store.key_file import read_keys
from fiberlb.store.key_rotation import keep_only, put_first
from fiberlb.store.sealed import KEY_SIZE, SEALED, Keyring, SealError, key_id

T = TypeVar("T")

#: How often it starts over after commits of others.
ATTEMPTS = 20
_SHARED = (
    "several nodes share this store, and a new key in the file of one would lock the others out:"
    " put the new key first in the key_file of each of them, then run fiberlb keys reseal on each"
)
_LACKING = (
    "the key {key} is not used yet: {nodes} would be locked out. This node holds it now; put it"
    " into the key_file of the others, then run fiberlb keys reseal on each: the last one seals"
)
#: Does work when nothing else changes the state, and answers when it is done.
InTurn = Callable[[Callable[[], Coroutine[Deferred[Any], Any, Any]]], Deferred[Any]]


@attrs.frozen
class KeyUse:
    """
    A key-encryption key, without itself.

    @ivar sealed: how many secrets of the store are sealed with it.
    @ivar present: it is among the keys of this process.
    """

    id: str
    sealed: int
    present: bool = True


@attrs.frozen
class Resealed:
    """
    What came of it.

    @ivar key_id: of the key that seals now.
    @ivar resealed: how many secrets were sealed anew.
    @ivar removed: ids of the keys that were taken out of the file.
    @ivar revision: of the history's entry.
    """

    key_id: str
    resealed: int
    removed: tuple[str, ...]
    revision: int


class Keys:
    """
    The key-encryption keys of a control service.

    @param in_turn: makes sure that changes come one after the other.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        force: Force,
        following: Following,
        surroundings: Surroundings,
        in_turn: InTurn,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._force = force
        self._following = following
        self._surroundings = surroundings
        self._in_turn = in_turn
        self._holders: Holders | None = None
        if surroundings.shared:
            self._holders = Holders(store, keyring, surroundings.node, surroundings.make_id())

    @property
    def path(self) -> str | None:
        """The key file; C{None}: the keys are of this process alone."""
        return self._keyring.path

    async def start(self) -> None:
        """Let other nodes of the store know which keys there are."""
        if self._holders is not None:
            await self._holders.start()

    def stop(self) -> None:
        """End that."""
        if self._holders is not None:
            self._holders.stop()

    async def uses(self) -> list[KeyUse]:
        """
        The keys, the one that seals first, and what is sealed with each.

        @raise StoreAway: the store cannot be read.
        """
        used = _counted((await self._load()).values())
        own = self._keyring.key_ids
        known = [KeyUse(ident, used.get(ident, 0)) for ident in own]
        return known + [KeyUse(i, n, present=False) for i, n in used.items() if i not in own]

    async def foresee(self, what: str) -> Resealed:
        """
        What would come of one of the three; nothing changes, and no other node is asked.

        @param what: C{rotate}, C{reseal} or C{prune}.
        @return: without the id of a key that is not made yet.
        @raise KeysUnchanged: the key file cannot be read, lacks a key, or must not be changed.
        @raise StoreAway: the store cannot be read.
        """
        entries = await self._load()
        ids = self._keyring.key_ids
        removed: tuple[str, ...] = ()
        found = tuple(map(key_id, self._told(read_keys)))
        if what == "rotate":
            self._alone()
            ids = ("",)
        elif what == "reseal":
            self._check(found, entries)
            ids = found
        else:
            removed = tuple(ident for ident in found if ident != ids[0])
        used = _counted(entries.values())
        count = sum(used.values()) - used.get(ids[0], 0)
        return Resealed(ids[0], count, removed, self._force.latest.revision)

    def _alone(self) -> None:
        """Refuse what would have one node make a key that the others lack."""
        if self._holders is not None:
            raise KeysUnchanged(_SHARED)

    def rotate(self, origin: Origin) -> Deferred[Resealed]:
        """
        Seal everything with a new key.

        @raise KeysUnchanged: the key file cannot be changed, or other nodes would lack the key.
        @raise StoreAway: the new key is in the file, and not everything is sealed with it yet.
        """

        async def work() -> Resealed:
            self._alone()
            fresh = self._keyring.randomness(KEY_SIZE)
            self._keyring.replace(self._told(lambda path: put_first(path, fresh)))
            return await self._reseal(origin, "rotate")

        return self._in_turn(work)

    def reseal(self, origin: Origin) -> Deferred[Resealed]:
        """
        Read the key file again, and seal everything with its first key: for files that are
        written by somebody else, such as credentials, or shared by several nodes.

        @raise KeysUnchanged: the key file is refused, or lacks a key that is needed; or another
            node lacks the first one: this one opens with it already, and seals as before.
        @raise StoreAway: not everything is sealed with the first key yet.
        """

        async def work() -> Resealed:
            return await self._taken(origin, self._told(read_keys))

        return self._in_turn(work)

    def follow_file(self, origin: Origin) -> Deferred[Resealed | None]:
        """
        As L{reseal}, if the key file has other keys than this process, or another first one.

        @return: C{None}: it has not.
        @raise KeysUnchanged: as of L{reseal}.
        @raise StoreAway: as of L{reseal}.
        """

        async def work() -> Resealed | None:
            keys = self._told(read_keys)
            if tuple(map(key_id, keys)) == self._keyring.key_ids:
                return None
            return await self._taken(origin, keys)

        return self._in_turn(work)

    async def _taken(self, origin: Origin, keys: list[bytes]) -> Resealed:
        """Use these keys, and seal everything with the first one."""
        self._check(tuple(map(key_id, keys)), await self._load())
        if self._holders is not None:
            return await self._together(origin, keys, self._holders)
        self._keyring.replace(keys)
        return await self._reseal(origin, "reseal")

    def prune(self, origin: Origin) -> Deferred[Resealed]:
        """
        Seal everything with the first key, and take all others out of the file.

        @raise KeysUnchanged: the key file cannot be changed.
        @raise StoreAway: nothing has changed.
        """

        async def work() -> Resealed:
            if self._holders is not None:
                await self._holders.follow()
            before = self._keyring.key_ids
            # Nothing that the first key does not open may be left when the others go.
            done = await self._reseal(origin, "prune", before[1:])
            self._check(before[:1], await self._load())
            self._keyring.replace(self._told(lambda path: keep_only(path, before[:1])))
            if self._holders is not None:
                await self._holders.tell()
            removed = tuple(i for i in before if i not in self._keyring.key_ids)
            return attrs.evolve(done, removed=removed)

        return self._in_turn(work)

    async def _together(self, origin: Origin, keys: list[bytes], holders: Holders) -> Resealed:
        """As L{reseal}, once every node holds the first key."""
        before, first = self._keyring.key_ids[0], key_id(keys[0])
        if before not in map(key_id, keys):
            raise KeysUnchanged(f"{self._keyring.path} lacks the key that is in use, {before}")
        self._keyring.replace(keys)
        self._keyring.prefer(before)
        await holders.tell()
        try:
            lacking = await holders.lacking(first)
        except StoreError as why:
            raise StoreAway(str(why)) from None
        if lacking:
            raise KeysUnchanged(_LACKING.format(nodes=", ".join(lacking), key=first))
        self._keyring.prefer(first)
        try:
            return await self._reseal(origin, "reseal")
        except BaseException:
            self._keyring.prefer(before)
            raise

    def _told(self, change: Callable[[str], list[bytes]]) -> list[bytes]:
        path = self._keyring.path
        if path is None:
            raise KeysUnchanged("the keys are of this process alone and end with it")
        try:
            return change(path)
        except SealError as why:
            hint = "; where others write it: put a new key first there, then fiberlb keys reseal"
            raise KeysUnchanged(f"{why}{hint}") from None

    @staticmethod
    def _check(ids: tuple[str, ...], entries: Mapping[bytes, Entry]) -> None:
        """Every secret must open with these keys."""
        missing = sorted(_counted(entries.values()).keys() - set(ids))
        if missing:
            message = (
                f"secrets of the store are sealed with {', '.join(missing)}, which is not there"
            )
            raise KeysUnchanged(message)

    async def _load(self) -> dict[bytes, Entry]:
        try:
            return (await self._store.load())[1]
        except StoreError as why:
            raise StoreAway(str(why)) from None

    async def _reseal(self, origin: Origin, op: str, ids: tuple[str, ...] = ()) -> Resealed:
        """Everything under the first key, and an entry in the history; C{ids} are named in it."""
        named = ids or self._keyring.key_ids[:1]
        changes = tuple(Change(op, "keys", ident, "") for ident in named)
        for _ in range(ATTEMPTS):
            entries = await self._load()
            puts, count = _resealed(entries, self._keyring)
            latest = self._force.latest
            number = latest.revision + 1
            now = time_text(self._surroundings.wall())
            entry = Revision(number, now, origin, changes, self._surroundings.make_id())
            expect = {key: entries[key][1] for key in puts}
            expect[COUNTER] = latest.counter
            puts[COUNTER] = str(number).encode()
            puts[revision_key(number)] = encode_revision(entry)
            at = await self._commit(expect, puts, entry)
            if at is not None:
                self._force.moved(attrs.evolve(latest, revision=number, counter=at, at=at))
                return Resealed(self._keyring.key_ids[0], count, (), number)
            await self._following.refresh()
        raise Contended()

    async def _commit(
        self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None], entry: Revision
    ) -> int | None:
        """The store's revision; C{None} after a conflict."""
        try:
            return await self._store.commit(expect, puts)
        except Conflict:
            return None
        except TooLarge as why:
            raise TooBig(str(why)) from None
        except UnknownOutcome as why:
            try:
                return await stored(self._store, entry)
            except StoreError:
                raise StoreAway(str(why), uncertain=True) from None
        except StoreError as why:
            raise StoreAway(str(why)) from None


def _resealed(
    entries: Mapping[bytes, Entry], keyring: Keyring
) -> tuple[dict[bytes, bytes | None], int]:
    """Documents with secrets of other keys than the first, sealed anew; how many secrets."""
    puts: dict[bytes, bytes | None] = {}
    count = 0

    def again(found: Any) -> bytes:
        nonlocal count
        text: bytes = found[0]
        if found[1].decode() == keyring.key_ids[0]:
            return text
        try:
            done = keyring.rewrap(text.decode()).encode()
        except SealError:
            return text  # of no key that there is: nothing can be made worse
        count += 1
        return done

    for key, (value, _) in entries.items():
        done = SEALED.sub(again, value)
        if done != value:
            puts[key] = done
    return puts, count


def _counted(entries: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for value, _ in entries:
        for ident in SEALED.findall(value):
            found[ident.decode()] = found.get(ident.decode(), 0) + 1
    return found
