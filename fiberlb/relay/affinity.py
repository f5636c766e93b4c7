"""
Clients that stay with their member: how they are known, and where they belong.

Each kind has these methods, called in the course of one request:

``take``
    before a member is chosen: reads what the request's head tells, and returns the head as
    members are to see it. Where it is not called (``reads`` is false) nothing is read.
``choose``
    the member that the client belongs to, if it can be had; C{None}: the pool's algorithm
    decides.
``chosen``
    what the algorithm has decided; the member that it becomes.
``answered``
    the member's answer begins: its head, as the client is to see it.

What they need of an exchange is its C{client}, and over HTTP C{presented}, C{member} and
C{cell}: a flow that is no request can be kept by its address too.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from ipaddress import ip_address
from typing import Any, ClassVar

from fiberlb.balancing.affinity_table import SIZE, AffinityTable, member_number
from fiberlb.balancing.tokens import joined, parts, token
from fiberlb.model.addresses import UNIX
from fiberlb.model.persistence import PersistenceType, SessionPersistence, kept_bits
from fiberlb.relay.member_state import MemberState
from fiberlb.wire.cookies import RequestCookie, setting


def private_table() -> AffinityTable:
    """A table of this process alone."""
    return AffinityTable(memoryview(bytearray(SIZE)).cast("Q"), 0)


class Memory:
    """
    What the pools of a process remember clients with.

    @param make_table: makes or opens the table; called when the first pool needs it.

    @ivar keys: what cookies are signed with, the first one signs; none: no cookie is set.
    """

    def __init__(self, make_table: Callable[[], AffinityTable] = private_table) -> None:
        self.keys: tuple[bytes, ...] = ()
        self._make_table = make_table
        self._table: AffinityTable | None = None

    @property
    def table(self) -> AffinityTable:
        """Who has been where."""
        if self._table is None:
            self._table = self._make_table()
        return self._table


class _Affinity:
    """
    What all kinds have.

    @ivar reads: L{take} has to be called.
    """

    reads: ClassVar[bool] = True

    def __init__(self, pool: Any, persistence: SessionPersistence, memory: Memory) -> None:
        self._pool = pool
        self._memory = memory
        self._timeout = persistence.timeout_seconds
        self._name = persistence.name.encode()
        self._cookie = RequestCookie(self._name)
        self._numbers: dict[int, MemberState] = {}

    def describe(self, states: list[MemberState]) -> None:
        """The pool has these members from now on."""
        self._numbers = {member_number(state.id): state for state in states}

    def take(self, exchange: Any, head: bytes) -> bytes:
        """Read the request's head."""
        exchange.presented = self._cookie.values(head)
        return head

    def chosen(self, exchange: Any, member: MemberState, tried: Container[str] = ()) -> MemberState:
        """The algorithm has decided."""
        return member

    def answered(self, exchange: Any, prefix: bytes) -> bytes:
        """The answer's head."""
        return prefix

    def _can(self, member: MemberState | None, tried: Container[str]) -> bool:
        return member is not None and member.id not in tried and self._pool.stays(member)

    def _now(self) -> int:
        return int(self._pool.now()) + 1


class SourceAffinity(_Affinity):
    """By the client's address; over TCP too."""

    reads: ClassVar[bool] = False

    def __init__(self, pool: Any, persistence: SessionPersistence, memory: Memory) -> None:
        super().__init__(pool, persistence, memory)
        self._prefix = f"{pool.id} ".encode()
        self._bits = kept_bits(persistence.granularity or "") or (32, 128)
        self._whole = self._bits == (32, 128)

    def _key(self, exchange: Any) -> bytes:
        """What the client is known by; empty: nothing."""
        client: str = exchange.client
        if client == UNIX or not client:
            return b""
        if self._whole and ":" not in client:
            return self._prefix + client.encode()
        try:
            address: Any = ip_address(client)
        except ValueError:
            return self._prefix + client.encode()
        address = getattr(address, "ipv4_mapped", None) or address
        bits = self._bits[0] if address.version == 4 else self._bits[1]
        number = int(address) >> (address.max_prefixlen - bits)
        return self._prefix + f"{address.version} {number:x}".encode()

    def choose(self, exchange: Any, tried: Container[str] = ()) -> MemberState | None:
        """The member that this address has been sent to."""
        key = self._key(exchange)
        if not key:
            return None
        number = self._memory.table.get(key, self._now(), self._timeout)
        found = self._numbers.get(number)
        return found if self._can(found, tried) else None

    def chosen(self, exchange: Any, member: MemberState, tried: Container[str] = ()) -> MemberState:
        """Remember it; another process may just have chosen for the same client."""
        key = self._key(exchange)
        if not key:
            return member
        table, now = self._memory.table, self._now()
        table.put(key, member_number(member.id), now)
        found = self._numbers.get(table.get(key, now, self._timeout))
        return found if found is not None and self._can(found, tried) else member


class AppCookieAffinity(_Affinity):
    """
    By a cookie that the members set.

    Only what a member has set is remembered: nobody can fill the table with cookies of his own.
    """

    def __init__(self, pool: Any, persistence: SessionPersistence, memory: Memory) -> None:
        super().__init__(pool, persistence, memory)
        self._prefix = f"{pool.id} {persistence.name}=".encode()
        self._set = setting(self._name)

    def choose(self, exchange: Any, tried: Container[str] = ()) -> MemberState | None:
        """The member that has set one of the client's cookies."""
        exchange.affinity = self
        for value in exchange.presented:
            number = self._memory.table.get(self._prefix + value, self._now(), self._timeout)
            found = self._numbers.get(number)
            if found is not None and self._can(found, tried):
                return found
        return None

    def answered(self, exchange: Any, prefix: bytes) -> bytes:
        """Remember what the member sets; and that another one has served a known session."""
        member: MemberState = exchange.member
        own = member_number(member.id)
        table, now = self._memory.table, self._now()
        for value in self._set(prefix):
            table.put(self._prefix + value, own, now)
        for value in exchange.presented:
            number = table.get(self._prefix + value, now, self._timeout)
            if number and number != own and number in self._numbers:
                table.put(self._prefix + value, own, now)
        return prefix


class CookieAffinity(_Affinity):
    """By a cookie of ours, which members never see."""

    def __init__(self, pool: Any, persistence: SessionPersistence, memory: Memory) -> None:
        super().__init__(pool, persistence, memory)
        #: Of every key; and of the first one by member id.
        self._tokens: dict[bytes, MemberState] = {}
        self._own: dict[str, bytes] = {}
        ends = f"; Path=/; HttpOnly; SameSite={persistence.same_site.value.capitalize()}"
        if self._timeout is not None:
            ends += f"; Max-Age={self._timeout}"
        plain, secure = ends.encode() + b"\r\n", ends.encode() + b"; Secure\r\n"
        self._ends = {
            None: {False: plain, True: secure},
            True: {False: secure, True: secure},
            False: {False: plain, True: plain},
        }[persistence.secure]

    def describe(self, states: list[MemberState]) -> None:
        """See L{_Affinity.describe}; also to be called with other keys."""
        keys, pool = self._memory.keys, self._pool.id
        self._tokens = {token(key, pool, s.id): s for key in reversed(keys) for s in states}
        self._own = {s.id: token(keys[0], pool, s.id) for s in states} if keys else {}

    def take(self, exchange: Any, head: bytes) -> bytes:
        """Take our cookie out."""
        exchange.presented = parts(self._cookie.values(head))
        return self._cookie.without(head)

    def choose(self, exchange: Any, tried: Container[str] = ()) -> MemberState | None:
        """The member that the cookie names."""
        exchange.affinity = self
        for part in exchange.presented:
            found = self._tokens.get(part)
            if found is not None and self._can(found, tried):
                return found
        return None

    def answered(self, exchange: Any, prefix: bytes) -> bytes:
        """A cookie, where the client has none that names this member."""
        own = self._own.get(exchange.member.id)
        presented = exchange.presented
        if own is None or own in presented:
            return prefix
        # What other pools have set, perhaps with the same name, stays.
        value = joined(own, [part for part in presented if part not in self._tokens])
        ends = self._ends[exchange.cell.plan.secure]
        return b"".join((prefix, b"Set-Cookie: ", self._name, b"=", value, ends))


_KINDS: dict[PersistenceType, type[SourceAffinity | AppCookieAffinity | CookieAffinity]] = {
    PersistenceType.SOURCE_IP: SourceAffinity,
    PersistenceType.APP_COOKIE: AppCookieAffinity,
    PersistenceType.COOKIE: CookieAffinity,
}


def affinity_of(
    pool: Any, persistence: SessionPersistence | None, memory: Memory
) -> SourceAffinity | AppCookieAffinity | CookieAffinity | None:
    """
    What keeps a pool's clients.

    @param pool: L{fiberlb.relay.pool_state.PoolState} by shape.
    """
    return None if persistence is None else _KINDS[persistence.type](pool, persistence, memory)
