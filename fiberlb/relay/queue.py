"""
Who waits for room at the members of a pool, while all of them have as much to do as they may.

Who comes first is served first, but for those that belong to one member (persistence): they
wait for that one, and hold up nobody who may go elsewhere. A place that is given back in this
process is taken at once; what others give back, and what has changed otherwise, is looked for
every few thousandths of a second, only while somebody waits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable
from heapq import heapify, heappop, heappush
from typing import Any

from fiberlb.relay.member_state import MemberState

#: Whom some wait for; C{None}: for anybody.
_Wanted = MemberState | None


class Queue:
    """
    Those that wait for one pool in this process.

    Exchanges (L{fiberlb.relay.exchange.Exchange}) have C{waiting}, which is this while
    they wait, and are told by C{placed} or C{refuse}.

    @param watch: called when somebody begins to wait; L{look} has to be called from then on.
    @param clock: seconds that never go back; C{now}.

    @ivar pool: L{fiberlb.relay.pool_state.PoolState}.
    @ivar waiting: how many wait.
    """

    def __init__(
        self, pool: Any, watch: Callable[[Queue], None], clock: Callable[[], float]
    ) -> None:
        self.pool = pool
        self.waiting = 0
        self._watch = watch
        self.now = clock
        #: By whom they wait for: their numbers, in order, and since when.
        self._lines: dict[_Wanted, OrderedDict[Any, tuple[int, float]]] = {}
        #: Those of them that are not in order at the moment.
        self._mixed: set[_Wanted] = set()
        #: Whom each of them waits for.
        self._wants: dict[Any, _Wanted] = {}
        self._number = 0
        self._wanted: _Wanted = None
        #: Whom there may be room at since lines were looked at last; C{None}: anybody.
        self._freed: set[_Wanted] = set()
        #: The lines that are being looked at, by the number of who is first; a heap.
        self._heads: list[tuple[int, _Wanted]] = []
        self._waking = False

    # Choosing.

    def pick(self, exchange: Any, tried: Container[str] = ()) -> MemberState | None:
        """
        A member that has room, whose place is taken with that; C{in_flight} has to follow.

        Who comes when others wait, has to wait as well.
        """
        self._wanted = None
        if not self.waiting:
            return self._pick(exchange, tried)
        affinity = self.pool.affinity
        if affinity is not None:
            self._wanted = affinity.choose(exchange, tried)
        return None

    def _pick(self, exchange: Any, tried: Container[str]) -> MemberState | None:
        affinity = self.pool.affinity
        if affinity is None:
            return self._with_room(exchange, tried)
        kept: MemberState | None = affinity.choose(exchange, tried)
        if kept is not None:
            return self._take(kept)
        found = self._with_room(exchange, tried)
        if found is None:
            return None
        chosen: MemberState = affinity.chosen(exchange, found, tried)
        if chosen is found:
            return found
        if found.room is not None:
            found.room.told()
        return self._take(chosen)

    def _take(self, member: MemberState) -> MemberState | None:
        """The one that the client belongs to, or nobody."""
        if member.room is None or member.room.take():
            return member
        self._wanted = member
        return None

    def _with_room(self, exchange: Any, tried: Container[str]) -> MemberState | None:
        pool = self.pool
        found: MemberState | None = pool.pick_by_key(exchange, tried)
        full: set[str] = set()
        while found is not None and found.room is not None and not found.room.take():
            full.add(found.id)
            full.update(state.id for state in pool.states() if state.full or state.id in tried)
            found = pool.pick_by_key(exchange, full)
        return found

    def others(self, tried: Container[str]) -> bool:
        """Whether there are members, full or not, that have not been tried."""
        return any(state.id not in tried for state in self.pool.standing())

    # Waiting.

    def admit(self, exchange: Any) -> bool:
        """
        Nobody was picked for this exchange: have it wait, or refuse it where there are too many.

        @return: false where it is not for want of room that nobody was.
        """
        wanted = self._wanted
        if wanted is None and not self.pool.serves():
            return False
        if self.waiting >= self.pool.plan.pool.queue.size:
            exchange.refuse("queue_full")
            return True
        self._number += 1
        self._enter(exchange, wanted, (self._number, self.now()))
        exchange.waiting = self
        self._count(1)
        self._watch(self)
        if wanted is not None and self.waiting > 1:
            # Those before it may all wait for others.
            exchange.conn.loop.soon(lambda: self.wake(wanted))
        return True

    def _enter(self, exchange: Any, wanted: _Wanted, ticket: tuple[int, float]) -> None:
        line = self._lines.setdefault(wanted, OrderedDict())
        last = next(reversed(line.values())) if line else ticket
        line[exchange] = ticket
        self._wants[exchange] = wanted
        if last > ticket:
            self._mixed.add(wanted)
        if self._waking:
            heappush(self._heads, (ticket[0], wanted))

    def _line(self, wanted: _Wanted) -> OrderedDict[Any, tuple[int, float]]:
        """A line in its order: put in order when it is needed, for many may come to it at once."""
        line = self._lines[wanted]
        if wanted in self._mixed:
            self._mixed.discard(wanted)
            line = OrderedDict(sorted(line.items(), key=lambda item: item[1]))
            self._lines[wanted] = line
        return line

    def leave(self, exchange: Any) -> None:
        """It waits no longer, whatever the reason."""
        self._remove(exchange)
        self._count(-1)

    def _remove(self, exchange: Any) -> None:
        if exchange in self._wants:
            ticket = self._taken_out(exchange, self._wants.pop(exchange))
            exchange.waiting = None
            exchange.queued += max(0.0, self.now() - ticket[1])

    def _taken_out(self, exchange: Any, wanted: _Wanted) -> tuple[int, float]:
        line = self._lines[wanted]
        ticket = line.pop(exchange)
        if not line:
            del self._lines[wanted]
            self._mixed.discard(wanted)
        return ticket

    def _count(self, more: int) -> None:
        """So many more wait; other processes want to know whether anybody does."""
        before, self.waiting = self.waiting, self.waiting + more
        if not before or not self.waiting:
            for state in self.pool.states():
                if state.room is not None:
                    state.room.told()

    # Serving.

    def wake(self, member: MemberState | None = None) -> None:
        """
        Something may have changed: whoever has room now gets those that wait for it.

        @param member: that has room, and nothing else has changed; C{None}: anything may have.
            Where many are waited for, looking at all of them each time takes longer than
            what they wait for.
        """
        self._freed.add(member)
        if self._waking:
            return
        self._waking = True
        try:
            while self._freed:
                freed, self._freed = self._freed, set()
                self._serve(self._lines if None in freed else (None, *freed))
        finally:
            self._waking = False
            self._heads = []

    def unsettle(self) -> None:
        """Whom somebody belongs to may be another one: all are looked at when one is next."""
        if self.waiting:
            self._freed.add(None)

    def _serve(self, lines: Iterable[_Wanted]) -> None:
        """Go through lines in the order in which those at their heads have come."""
        heads = [(self._first(w), w) for w in lines if w in self._lines]
        heapify(heads)
        self._heads = heads
        stuck: set[_Wanted] = set()
        while heads:
            number, wanted = heappop(heads)
            if wanted in stuck or wanted not in self._lines:
                continue
            if self._first(wanted) == number:
                self._attend(wanted, stuck)
            if wanted in self._lines:
                heappush(heads, (self._first(wanted), wanted))

    def _first(self, wanted: _Wanted) -> int:
        """The number of who is first in a line."""
        return next(iter(self._line(wanted).values()))[0]

    def _attend(self, wanted: _Wanted, stuck: set[_Wanted]) -> None:
        """
        Do what can be done for who is first in a line.

        @param stuck: gets the line that goes on waiting, if one does.
        """
        exchange = next(iter(self._line(wanted)))
        try:
            member = self._place(exchange)
        except Exception:
            self.leave(exchange)
            exchange.conn.loop.fault(exchange.conn)
            return
        if member is not None:
            self._tell(exchange, exchange.placed, member)
        elif self._wanted is None and not self.pool.serves():
            self._tell(exchange, exchange.refuse, self.pool.missing())
        else:
            stuck.add(self._settle(exchange, wanted))

    def _place(self, exchange: Any) -> MemberState | None:
        """Who gets the one that is next."""
        self._wanted = None
        tried = exchange.tried
        found = self._pick(exchange, tried)
        if found is None and tried and self._wanted is None and not self.others(tried):
            found = self._pick(exchange, ())
        return found

    def _settle(self, exchange: Any, wanted: _Wanted) -> _Wanted:
        """It goes on waiting, perhaps for somebody else than before; whom."""
        found = self._wanted
        if found is not wanted:
            # Its client belongs to a member by now, or not any more.
            self._enter(exchange, found, self._taken_out(exchange, wanted))
        return found

    def _tell(self, exchange: Any, what: Callable[[Any], None], about: Any) -> None:
        self._remove(exchange)
        try:
            what(about)
        except Exception:
            exchange.conn.loop.fault(exchange.conn)
        finally:
            # Not before: what is told to others of a member has its new request in it by now.
            self._count(-1)

    def look(self) -> None:
        """Serve who can be served, and end the wait of those that have waited long enough."""
        self.wake()
        before = self.now() - self.pool.plan.pool.queue.timeout
        for wanted in list(self._lines):
            while wanted in self._lines:
                first, ticket = next(iter(self._line(wanted).items()))
                if ticket[1] > before:
                    break
                self._tell(first, first.refuse, "queue_timeout")
