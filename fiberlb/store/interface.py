"""
What a metadata store does, whichever engine is behind it.

A store maps keys to values (both bytes) and knows one number, its I{store revision}: it grows with
every commit that changed something, and every key remembers the one that last changed it
(C{mod_rev}). A commit is compare-and-set over any number of keys, all or nothing, and durable when
it is answered.

How far it grows is the engine's: by one in a database of our own, by more where others write into
the same etcd. It also counts what is no configuration: leaders, pruned history, the state of
members. The revision that people see is therefore a value of its own: its owner keeps a decimal
number under one key, names that key in the C{expect} of every commit of configuration, and writes
the next number in the same commit. Whoever lost the race gets L{Conflict} and starts over, so the
numbers have no gap and no double. Commits that leave the key alone are not counted. The history
works alike: one document for each number, below a prefix of its own and with a key that sorts by
number, written in the commit it tells of; L{Store.page} reads it newest first, L{Store.prune}
bounds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

#: Keys below this prefix belong to the store itself: one for each leader.
LEADER_PREFIX = b"leader/"
#: Of one commit, keys and values added up, in bytes.
COMMIT_LIMIT = 64 * 1024 * 1024
#: Of one key, in bytes.
KEY_LIMIT = 1024

#: A value and the store revision that last changed it.
Entry = tuple[bytes, int]
#: What one revision did: keys with their new values, C{None} for a deleted one.
Changes = Sequence[tuple[bytes, bytes | None]]
OnRevision = Callable[[int, Changes], None]


class StoreError(Exception):
    """Something the store could not do; the message is fit for an operator."""


class Conflict(StoreError):
    """
    An expectation of a commit did not hold; nothing was written.

    @ivar revision: the store revision at that moment.
    @ivar current: the keys whose expectation failed, as they are; C{None} where there is none.
    """

    def __init__(self, revision: int, current: Mapping[bytes, Entry | None]) -> None:
        keys = b", ".join(sorted(current)).decode("utf-8", "backslashreplace")
        super().__init__(f"changed by someone else: {keys}")
        self.revision = revision
        self.current = current


class TooLarge(StoreError):
    """
    A commit beyond what the engine takes; nothing was written.

    @ivar size: of the commit, in bytes.
    @ivar limit: in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a commit of {size} bytes is beyond the limit of {limit}")
        self.size = size
        self.limit = limit


class Unavailable(StoreError):
    """The store cannot be used now; nothing was written, and later it may work."""


class Unusable(Unavailable):
    """The store cannot be used and time will not mend it: no database, a newer form, no right."""


class UnknownOutcome(StoreError):
    """The commit failed so late that it may be in force or not: load and look."""


class NotLeading(StoreError):
    """A fence was asked for by one that does not lead."""


@attrs.frozen
class Health:
    """
    Whether the store answers.

    @ivar detail: why not; empty when usable.
    @ivar revision: the store revision, 0 when not usable.
    """

    usable: bool
    detail: str
    revision: int


@attrs.frozen
class Standing:
    """
    How it stands with a store that may be away for long.

    @ivar away_since: seconds since the epoch; 0: it is there.
    @ivar detail: what is wrong; empty when nothing is.
    @ivar copied: what is served is from a copy, the store was not reached since the start.
    """

    away_since: float = 0.0
    detail: str = ""
    copied: bool = False


class Election(Protocol):
    """One candidate for one leadership; made by L{Store.lead}."""

    @property
    def leading(self) -> bool:
        """Whether this candidate leads, as far as it can be sure: false from the moment that its
        time has run out unrenewed, even while the store is away."""

    def fence(self) -> Mapping[bytes, int]:
        """
        What to merge into C{expect}, so that a commit fails once another one leads.

        @raise NotLeading: this candidate does not lead.
        """

    def observe(self, changed: Callable[[bool], None]) -> Callable[[], None]:
        """
        Call C{changed} with L{leading} whenever it changes.

        @return: stops that.
        """

    async def resign(self) -> None:
        """Give the leadership up, at once for the others, and stand no more. Never raises a
        L{StoreError}: a leadership that cannot be handed back runs out."""


class Store(Protocol):
    """The contract of every engine; C{tests/store/contract.py} is its other half."""

    async def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """
        Everything below C{prefix}, as of one store revision.

        @return: that revision (to watch from), and the entries in the order of their keys.
        @raise Unavailable: nothing could be read.
        """

    async def keys(self, prefix: bytes = b"") -> tuple[int, dict[bytes, int]]:
        """
        As L{load} without the values: each key's C{mod_rev}.

        @raise Unavailable: nothing could be read.
        """

    async def page(
        self, prefix: bytes, *, before: bytes | None = None, limit: int = 100
    ) -> list[tuple[bytes, bytes]]:
        """
        The last C{limit} keys below C{prefix} and their values, the highest key first.

        @param before: only keys lower than this whole key: the last one of the page before.
        @param limit: at least 1.
        @raise Unavailable: nothing could be read.
        """

    async def commit(self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> int:
        """
        Write all of C{puts} if all of C{expect} holds. Durable once answered. The answer comes
        before this process' own watches hear of it.

        @param expect: key -> the C{mod_rev} it must have, 0: it must not exist.
        @param puts: key -> its new value, C{None} deletes (an absent one: nothing happens).
        @return: the store revision after it: the C{mod_rev} of every key that was put. It is the
            current one when there was nothing to do.
        @raise Conflict: an expectation did not hold; nothing was written.
        @raise TooLarge: nothing was written; an engine may also have a limit for one value.
        @raise Unavailable: nothing was written.
        @raise UnknownOutcome: it may have been written or not.
        @raise ValueError: a key is empty, too long, or the store's own.
        """

    async def prune(self, prefix: bytes, keep: int) -> int:
        """
        Delete all but the C{keep} highest keys below C{prefix}.

        @return: how many were deleted.
        @raise Unavailable: nothing was deleted.
        @raise UnknownOutcome: as of L{commit}.
        """

    def watch(
        self, from_rev: int, on_revision: OnRevision, on_reset: Callable[[], None]
    ) -> Callable[[], None]:
        """
        Hear of every revision after C{from_rev}, whole, each once, in their order, never while
        C{watch} or C{commit} is on the stack.

        @param on_revision: called with the revision and its changes; what it raises is logged.
        @param on_reset: called when revisions after C{from_rev} are no longer kept. The watch is
            over then: load again, and watch from there.
        @return: stops the watch at once; calling it again does nothing.
        """

    def lead(self, name: str, ident: str, ttl: float) -> Election:
        """
        Stand for the leadership called C{name}, until resigned.

        @param ident: who stands; unlike the others.
        @param ttl: seconds after which a leader that fell silent is replaced.
        """

    async def health(self) -> Health:
        """Whether the store answers now; raises nothing."""

    async def close(self) -> None:
        """Stop watches and candidacies, finish what was asked for, let go. What is asked for
        afterwards is L{Unavailable}. Closing twice is harmless."""
