"""Reading from an etcd: whole pictures of one revision, in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fiberlb.store.etcd.documents import (
    Keyspace,
    Pair,
    number,
    octets,
    pairs,
    ranged,
    reading,
    revision,
    transaction,
    unpacked,
)
from fiberlb.store.etcd.gateway import OUT_OF_RANGE, UNAUTHENTICATED, Gateway, Refusal
from fiberlb.store.interface import Entry, Unavailable

#: Keys of one answer: parsing it holds the reactor up.
PAGE = 500
#: How often a picture is begun anew that was compacted while it was taken.
ATTEMPTS = 5

#: Puts a large commit in its place, given the pair that tells of it.
Finish = Callable[[Pair], Awaitable[None]]


@contextmanager
def explained() -> Iterator[None]:
    """What an etcd refuses, as the error of a store."""
    try:
        yield
    except Refusal as why:
        hint = "" if why.code != UNAUTHENTICATED else " (store: username, password)"
        raise Unavailable(f"the etcd refuses: {why}{hint}") from None


class Reader:
    """
    Reads.

    @param finish: called first when a large commit is not in its place yet.
    """

    def __init__(self, gateway: Gateway, keys: Keyspace, finish: Finish) -> None:
        self._gateway = gateway
        self._keys = keys
        self._finish = finish

    async def load(self, prefix: bytes) -> tuple[int, dict[bytes, Entry]]:
        """
        Everything below a prefix, as of one revision.

        @raise Unavailable: nothing could be read.
        """
        with explained():
            for _ in range(ATTEMPTS):
                try:
                    return await self._load(prefix)
                except Refusal as why:
                    if why.code != OUT_OF_RANGE:
                        raise
        raise Unavailable("the etcd is compacted faster than it can be read")

    async def _load(self, prefix: bytes) -> tuple[int, dict[bytes, Entry]]:
        first, end = self._keys.below(prefix)
        at, part = await self._settled(ranged(first, end, limit=str(PAGE)))
        found: dict[bytes, Entry] = {}
        while True:
            several = pairs(part)
            for pair in several:
                found[self._key(pair)] = unpacked(pair)
            if not part.get("more") or not several:
                return at, found
            beyond = octets(several[-1], "key") + b"\0"
            page = ranged(beyond, end, limit=str(PAGE), revision=str(at))
            part = await self._gateway.ask("kv/range", page)

    async def page(
        self, prefix: bytes, before: bytes | None, limit: int
    ) -> list[tuple[bytes, bytes]]:
        """
        The highest keys below a prefix.

        @raise Unavailable: nothing could be read.
        """
        first, end = self._keys.below(prefix)
        if before is not None:
            end = min(end, self._keys.entry(before))
        if end <= first:
            return []
        order = {"sort_order": "DESCEND", "sort_target": "KEY", "limit": str(limit)}
        with explained():
            _, part = await self._settled(ranged(first, end, **order))
        return [(self._key(pair), unpacked(pair)[0]) for pair in pairs(part)]

    async def names(self, prefix: bytes) -> list[bytes]:
        """
        The keys below a prefix.

        @raise Unavailable: nothing could be read.
        """
        first, end = self._keys.below(prefix)
        with explained():
            _, part = await self._settled(ranged(first, end, keys_only=True))
        return [self._key(pair) for pair in pairs(part)]

    async def revision(self) -> int:
        """
        The newest revision.

        @raise Unavailable: the etcd does not answer, or has no quorum.
        """
        request = ranged(self._keys.pending, count_only=True)
        with explained():
            return revision(await self._gateway.ask("kv/range", request))

    async def _settled(self, request: dict[str, Any]) -> tuple[int, Pair]:
        """An answer from a moment in which no large commit waits for being put in its place."""
        while True:
            both = [reading(ranged(self._keys.pending)), reading(request)]
            answer = await self._gateway.ask("kv/txn", transaction([], both))
            waiting, found = answer["responses"]
            if not pairs(waiting) or not decided(pairs(waiting)[0]):
                return revision(answer), found["response_range"]
            await self._finish(pairs(waiting)[0])

    def _key(self, pair: Pair) -> bytes:
        return self._keys.key(octets(pair, "key")) or b""


def decided(pending: Pair) -> bool:
    """Whether a large commit is one, rather than asks whether it may be."""
    return octets(pending, "value").startswith(b"decided ")


def described(pending: Pair) -> tuple[str, int, int]:
    """The name of a large commit, how many parts it has, and its store revision."""
    _, ident, count = octets(pending, "value").decode().split(" ")
    return ident, int(count), number(pending, "mod_revision")
