"""
Operational states of members in the store, and in force.

One document for each member about which somebody has said something, by its id, beside the
configuration: no revision counts them. What the store says is said to every process that
serves, whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.cookie_keys import CookieKeys
from fiberlb.control.refusals import StoreAway
from fiberlb.control.shield import shielded
from fiberlb.model.configuration import Configuration
from fiberlb.model.operational import NEVER, MemberMode, Operational, Operations, StateChange
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Owner
from fiberlb.store.interface import Changes, Store, StoreError, UnknownOutcome
from fiberlb.turns import Turns

#: One key for each member.
PREFIX = b"members/"
_log = Logger()
_READY = Operational()


class Operated(Protocol):
    """What has it in force: a data plane by shape."""

    async def operate(self, operations: Operations) -> None:
        """Have this in force, and nothing else; returns when every process has."""


def encode(state: Operational) -> bytes:
    """The document of a state."""
    document: dict[str, Any] = attrs.asdict(state)
    document["mode"] = state.mode.value
    document["until"] = None if state.until == NEVER else state.until
    return json.dumps(document, separators=(",", ":")).encode()


def decode(value: bytes) -> Operational | None:
    """The state of a document; C{None}: it is not understood."""
    try:
        found = json.loads(value)
        until = NEVER if found["until"] is None else float(found["until"])
        return Operational(
            mode=MemberMode(found["mode"]),
            until=until,
            weight=None if found["weight"] is None else int(found["weight"]),
            reason=str(found["reason"]),
            since=float(found["since"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def documents(states: Mapping[str, Operational]) -> dict[bytes, bytes | None]:
    """What is stored of states, by key; C{None}: nothing any more."""
    return {_key(i): None if one.plain else encode(one) for i, one in states.items()}


def wanted(pool: Pool, change: StateChange, now: float) -> Operational:
    """
    The state that a change means for a member.

    @param pool: the member's; its C{drain} says how long, where the change does not.
    @param now: seconds since the epoch.
    """
    deadline = change.deadline
    if change.state is MemberMode.READY:
        deadline = NEVER
    elif deadline is None:
        deadline = pool.drain.deadline
    return Operational(
        mode=change.state,
        until=now + deadline,
        weight=change.weight,
        reason=change.reason,
        since=now,
    )


class MemberStates:
    """
    The states of all members of this store.

    @param store: shared with other nodes, or this node's own.
    @param keys: what cookies are signed with, which goes the same way.
    @param hold: told of the members whose checks pause, and of all that take nothing new.
    @param changed: called when other states are in force.
    """

    def __init__(
        self,
        store: Store,
        plane: Operated,
        keys: CookieKeys,
        hold: Callable[[frozenset[str], frozenset[str]], None],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._plane = plane
        self._keys = keys
        self._hold = hold
        self._changed = changed
        self._lock = Turns()
        self._states: dict[str, Operational] = {}
        self._stop: Callable[[], None] = lambda: None
        #: Members with a state that belong to the store: once deleted they will not be again.
        self._stored: frozenset[str] = frozenset()

    def of(self, member_id: str) -> Operational:
        """The state of a member; ready, if nobody has said anything."""
        return self._states.get(member_id, _READY)

    @property
    def restrained(self) -> Mapping[str, Operational]:
        """Members that take nothing new, by id."""
        return {i: one for i, one in self._states.items() if one.mode is not MemberMode.READY}

    def load(self) -> Deferred[None]:
        """
        Read everything, have it in force, follow the store from then on.

        @raise StoreAway: the store cannot be read; what is in force stays.
        """
        return shielded(self._in_turn(self._load))

    async def _load(self) -> None:
        try:
            at, entries = await self._store.load(PREFIX)
            await self._keys.load()
        except StoreError as why:
            raise StoreAway(str(why)) from None
        found = {key: value for key, (value, _) in entries.items()}
        self._states = dict(self._read(found))
        self._stop()
        self._stop = self._store.watch(at, self._heard, self._later)
        await self._enforce()

    def _read(self, values: Mapping[bytes, bytes]) -> Iterable[tuple[str, Operational]]:
        for key, value in values.items():
            state = decode(value)
            ident = key[len(PREFIX) :].decode("utf-8", "replace")
            if state is None:
                _log.error("The state of member {ident} is not understood: ready", ident=ident)
            elif not state.plain:
                yield ident, state

    def stop(self) -> None:
        """Follow the store no more."""
        self._stop()
        self._stop = lambda: None

    def set(self, states: Mapping[str, Operational]) -> Deferred[None]:
        """
        Give members states; in force in every process when this fires.

        @raise StoreAway: nothing has changed, or that is not known.
        """
        return shielded(self._in_turn(lambda: self._set(states)))

    async def _set(self, states: Mapping[str, Operational]) -> None:
        try:
            await self._store.commit({}, documents(states))
        except StoreError as why:
            raise StoreAway(str(why), isinstance(why, UnknownOutcome)) from None
        await self._take(states)

    def take(self, states: Mapping[str, Operational]) -> Deferred[None]:
        """Have states in force that are stored already, with a change of the configuration."""
        return shielded(self._in_turn(lambda: self._take(states)))

    async def _take(self, states: Mapping[str, Operational]) -> None:
        for ident, one in states.items():
            if one.plain:
                self._states.pop(ident, None)
            else:
                self._states[ident] = one
        await self._enforce()

    def settle(self, configuration: Configuration) -> None:
        """This is in force; states of members that were deleted are dropped."""
        members, owner = configuration.all(Member), configuration.owner
        gone = {i: _READY for i in self._states if i in self._stored and i not in members}
        self._stored = frozenset(
            i for i in self._states if i in members and owner(i) is not Owner.FILE
        )
        if gone:
            done = self.set(gone)
            done.addErrback(lambda why: _log.failure("states are not dropped", failure=why))

    async def sign(self, make: Callable[[], Coroutine[Deferred[Any], Any, bool]]) -> None:
        """
        Have the keys changed; in force in every process when this returns, if they were.

        @raise StoreAway: they were not.
        """
        await self._in_turn(lambda: self._sign(make))

    async def _sign(self, make: Callable[[], Coroutine[Deferred[Any], Any, bool]]) -> None:
        try:
            changed = await make()
        except StoreError as why:
            raise StoreAway(str(why), isinstance(why, UnknownOutcome)) from None
        if changed:
            await self._enforce()

    async def _enforce(self) -> None:
        resting = (i for i, s in self._states.items() if s.mode is MemberMode.MAINTENANCE)
        self._hold(frozenset(resting), frozenset(self.restrained))
        await self._plane.operate(self._operations())
        self._changed()

    def _operations(self, leaving: bool = False) -> Operations:
        return Operations(members=dict(self._states), cookie_keys=self._keys.keys, leaving=leaving)

    def leave(self) -> None:
        """Have every process say that it is about to end; returns at once."""

        async def say() -> None:
            await self._plane.operate(self._operations(leaving=True))

        done = Deferred.fromCoroutine(say())
        done.addErrback(lambda why: _log.failure("the end is not announced", failure=why))

    async def _in_turn(self, work: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        await self._lock.acquire()
        try:
            await work()
        finally:
            self._lock.release()

    # Other nodes.

    def _heard(self, at: int, changes: Changes) -> None:
        ours = False
        for key, value in changes:
            if key == self._keys.KEY and value is not None:
                ours = ours or value != self._keys.document
            elif key.startswith(PREFIX):
                known = self._states.get(key[len(PREFIX) :].decode("utf-8", "replace"))
                ours = ours or (decode(value) if value is not None else None) != known
        if ours:
            self._later()

    def _later(self) -> None:
        def failed(why: Any) -> None:
            _log.failure("the states of members could not be read", failure=why)

        self.load().addErrback(failed)


def _key(ident: str) -> bytes:
    return PREFIX + ident.encode()
