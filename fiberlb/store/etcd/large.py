"""
Commits that are too large for one transaction of an etcd: 128 operations, 1.5 MB.

Their parts are written beside, then one key says that they count: that is the commit, and its
revision. Whoever meets that key puts the parts in their place before anything else is read or
written; a watch takes them from where they are. So it is all or nothing for everybody, also when
the process that wrote it dies at any moment::

    parts staged --key written--> checking --expectations hold--> decided --parts in place--> gone

While it is C{checking} nobody else commits; when it takes too long others take it away.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fiberlb.store.engine import end_of
from fiberlb.store.etcd.documents import (
    VALUE_LIMIT,
    Keyspace,
    Pair,
    Request,
    deleting,
    number,
    octets,
    packed,
    pairs,
    putting,
    ranged,
    reading,
    revision,
    transaction,
    unchanged,
    unpacked,
)
from fiberlb.store.etcd.gateway import Gateway
from fiberlb.store.etcd.reading import decided, described
from fiberlb.store.etcd.writer import Writer
from fiberlb.store.interface import LEADER_PREFIX, Conflict, Entry, Unavailable

#: Operations in one part, and the bytes after which a part is full.
OPERATIONS, SIZE = 100, 512 * 1024
#: Seconds that others may take to check what they expect.
CHECKING = 5.0
#: Seconds after which parts that belong to nothing are thrown away.
FORGOTTEN = 3600.0
ATTEMPTS = 5
_LENGTHS = struct.Struct("!II")
_GONE = 0xFFFFFFFF

Operation = tuple[bytes, bytes | None]


def parts(puts: Mapping[bytes, bytes | None]) -> Iterator[bytes]:
    """
    The parts of a commit.

    @raise TooLarge: a value that an etcd does not take.
    """
    several: list[bytes] = []
    size = 0
    for key, value in puts.items():
        kept = b"" if value is None else packed(value)
        length = _GONE if value is None else len(kept)
        one = _LENGTHS.pack(len(key), length) + key + kept
        if several and (len(several) == OPERATIONS or size + len(one) > SIZE):
            yield b"".join(several)
            several, size = [], 0
        several.append(one)
        size += len(one)
    yield b"".join(several)


def operations(part: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Keys and values, as they are kept, of a part."""
    at = 0
    while at < len(part):
        length, size = _LENGTHS.unpack_from(part, at)
        at += _LENGTHS.size
        key = part[at : at + length]
        at += length
        if size == _GONE:
            yield key, None
            continue
        yield key, part[at : at + size]
        at += size


class Large:
    """
    Commits of any size.

    @param now: seconds since the epoch.
    """

    def __init__(self, gateway: Gateway, keys: Keyspace, writer: Writer, now: Any) -> None:
        self._gateway = gateway
        self._keys = keys
        self._writer = writer
        self._now = now
        self._met = (0, 0.0)

    async def commit(
        self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None], ident: str
    ) -> int:
        """
        As of L{Store.commit <fiberlb.store.interface.Store.commit>}.

        @param ident: of the commit, unlike any other.
        """
        staged = [*parts(puts)]
        ident = f"{int(self._now()):012x}-{ident}"
        for _ in range(ATTEMPTS):
            # Whoever took an attempt away took its parts as well.
            for index, part in enumerate(staged):
                body = putting(self._keys.staged(ident, index), part)["request_put"]
                await self._gateway.ask("kv/put", body)
            held = await self._announced(ident, len(staged))
            at = await self._checked(expect, ident, len(staged), held)
            if at:
                await self._apply(ident, len(staged), at)
                await self._sweep()
                return at
        raise Unavailable("others kept writing to the etcd at the same time")

    async def finish(self, pending: Pair) -> None:
        """
        Put a commit in its place, or wait for what becomes of it.

        @param pending: the pair that tells of it.
        """
        if decided(pending):
            await self._apply(*described(pending))
            return
        at = number(pending, "mod_revision")
        now = self._gateway.reactor.seconds()
        if self._met[0] != at:
            self._met = (at, now)
        if now - self._met[1] < CHECKING:
            await self._gateway.pause(0.1)
            return
        ident, _, _ = described(pending)
        await self._drop(ident, at)

    async def changes(self, pending: Pair) -> list[tuple[bytes, bytes | None]]:
        """
        What a commit did, as of its revision.

        @raise fiberlb.store.etcd.gateway.Refusal: that is compacted.
        """
        ident, count, at = described(pending)
        found: list[tuple[bytes, bytes | None]] = []
        for index in range(count):
            request = ranged(self._keys.staged(ident, index), revision=str(at))
            several = pairs(await self._gateway.ask("kv/range", request))
            for key, kept in operations(octets(several[0], "value")):
                found.append((key, None if kept is None else _value(kept)))
        return found

    async def _announced(self, ident: str, count: int) -> int:
        """From now on nobody else commits; the revision of that."""
        pending = self._keys.pending
        value = f"checking {ident} {count}".encode()
        while True:
            outcome = await self._writer.transact(
                [unchanged(pending, 0)], [putting(pending, value)], [reading(ranged(pending))]
            )
            if outcome.done:
                return outcome.revision
            for other in pairs(outcome.answers[0]):
                await self.finish(other)

    async def _checked(
        self, expect: Mapping[bytes, int], ident: str, count: int, held: int
    ) -> int | None:
        """
        Make it a commit, if all that is expected holds; its revision.

        @return: C{None} when others took it away.
        @raise Conflict: something does not hold.
        """
        failed, at = await self._failed(expect)
        if failed:
            await self._drop(ident, held)
            raise Conflict(at, failed)
        pending = self._keys.pending
        # Only leaders change while it is being checked.
        leaders = [key for key in expect if key.startswith(LEADER_PREFIX)]
        fences = [unchanged(self._keys.entry(key), expect[key]) for key in leaders]
        outcome = await self._writer.transact(
            [unchanged(pending, held), *fences],
            [putting(pending, f"decided {ident} {count}".encode())],
        )
        if outcome.done:
            return outcome.revision
        if leaders:
            failed, at = await self._failed({key: expect[key] for key in leaders})
            if failed:
                await self._drop(ident, held)
                raise Conflict(at, failed)
        return None

    async def _failed(self, expect: Mapping[bytes, int]) -> tuple[dict[bytes, Entry | None], int]:
        """The expectations that do not hold, and the revision of that."""
        failed: dict[bytes, Entry | None] = {}
        at = 0
        keys = [*expect]
        for start in range(0, len(keys), OPERATIONS):
            some = keys[start : start + OPERATIONS]
            requests = [reading(ranged(self._keys.entry(key))) for key in some]
            answer = await self._gateway.ask("kv/txn", transaction([], requests))
            at = revision(answer)
            failed.update(unheld(dict(zip(some, answer["responses"], strict=True)), expect))
        return failed, at

    async def _apply(self, ident: str, count: int, at: int) -> None:
        """Put the parts in their place; several may do it at the same time."""
        still = [unchanged(self._keys.pending, at)]
        for index in range(count):
            staged = await self._gateway.ask("kv/range", ranged(self._keys.staged(ident, index)))
            if not pairs(staged):
                return
            part = octets(pairs(staged)[0], "value")
            mark = putting(self._keys.applied, f"{at} {index}".encode())
            done = await self._gateway.ask(
                "kv/txn", transaction(still, [mark, *self._moves(part, at)])
            )
            if not done.get("succeeded"):
                return
        await self._drop(ident, at)

    def _moves(self, part: bytes, at: int) -> Iterable[Request]:
        for key, kept in operations(part):
            entry = self._keys.entry(key)
            yield deleting(entry) if kept is None else putting(entry, b"@%d" % at + kept)

    async def _drop(self, ident: str, at: int) -> None:
        """Take everything away that is no entry."""
        staged = self._keys.staged(ident)
        gone = [deleting(self._keys.pending), deleting(self._keys.applied)]
        gone.append(deleting(staged, end_of(staged)))
        still = [unchanged(self._keys.pending, at)]
        await self._gateway.ask("kv/txn", transaction(still, gone))

    async def _sweep(self) -> None:
        """Throw away what a process left that died before its commit was one."""
        staged = self._keys.prefix + b"staged/"
        old = staged + b"%012x" % max(0, int(self._now() - FORGOTTEN))
        await self._gateway.ask("kv/deleterange", ranged(staged, old))


def unheld(found: Mapping[bytes, Pair], expect: Mapping[bytes, int]) -> dict[bytes, Entry | None]:
    """Which expectations do not hold, given an answer about each key."""
    failed: dict[bytes, Entry | None] = {}
    for key, answer in found.items():
        several = pairs(answer)
        entry = unpacked(several[0]) if several else None
        if (entry[1] if entry else 0) != expect[key]:
            failed[key] = entry
    return failed


def fits(expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> bool:
    """Whether a commit fits into one transaction, as it is kept."""
    if len(expect) > OPERATIONS or len(puts) > OPERATIONS:
        return False
    return sum(len(key) + len(value or b"") for key, value in puts.items()) <= VALUE_LIMIT


def _value(kept: bytes) -> bytes:
    return unpacked({"value": _text(kept)})[0]


def _text(kept: bytes) -> str:
    return str(putting(b"", kept)["request_put"]["value"])
