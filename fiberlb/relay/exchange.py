"""
One request and its answer: whom it goes to, what is tried again, how it ends.

The phases, in order: head read, routed, member picked, connected, request
sent, answer's head, answer's body, logged. Every request ends in the log,
whatever became of it. What differs between versions of HTTP is left to the
subclasses: they read requests and write answers.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from fiberlb.balancing.peak_ewma import Average
from fiberlb.relay.in_progress import InProgress
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.noting import failed, record
from fiberlb.relay.pool_state import PoolState
from fiberlb.relay.runtime import Route
from fiberlb.relay.upstream_h1 import Upstream

#: Methods that may be sent again when nothing came back (product page, "Retries").
REPLAYABLE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
#: Octets of a body that are held for sending them again.
MOST_HELD: Final = 65536
#: Seconds for which an idle connection is fresh enough for a request that must not be repeated.
FRESH: Final = 1.0
_HEAD_ENDS: Final = b"\r\n\r\n"


def _same_cookie(one: PoolState, other: PoolState) -> bool:
    """Whether clients show what they have of either pool in one cookie of ours."""
    first, second = one.plan.pool.session_persistence, other.plan.pool.session_persistence
    if first is None or second is None or not (first.ours and second.ours):
        return False
    return first.name == second.name


class Exchange(InProgress):
    """The request in progress on its way: to a member, or to another one, and back."""

    __slots__ = ()

    # What subclasses do.

    def respond(self, status: int, prefix: bytes, length: int, data: bytes, whole: bool) -> bool:
        """
        Write the head of the final answer, and what has come of its body.

        @param prefix: status line and block, as the member sent them, without the end of the head.
        @param length: of the body, C{CHUNKED} or C{UNTIL_CLOSE}.
        @param data: of the body, framed as C{length} says.
        @param whole: it is the whole body; L{completed} follows.

        @return: whether the client took it all.
        """
        raise AssertionError

    def inform(self, prefix: bytes) -> None:
        """Pass on an answer of class 1xx."""
        raise AssertionError

    def body(self, data: bytes) -> bool:
        """Pass on a piece of the answer's body; whether the client took it all."""
        raise AssertionError

    def member_ready(self) -> None:
        """The member takes bytes again."""
        raise AssertionError

    def blocked(self) -> None:
        """The client does not take what it is sent at the moment."""
        raise AssertionError

    def unblocked(self) -> None:
        """The client has taken everything."""
        raise AssertionError

    def completed(self) -> None:
        """The answer is complete; the member's side is free already."""
        raise AssertionError

    def switched(self, prefix: bytes, upgrade: bytes, rest: bytes) -> None:
        """The member has switched protocols (101): from now on bytes are relayed."""
        raise AssertionError

    def refuse(self, reason: str, status: int | None = None) -> None:
        """Answer an error of ours; nothing of another answer has been sent."""
        raise AssertionError

    def cut(self, reason: str) -> None:
        """End an answer that has begun so that the client sees it is not whole."""
        raise AssertionError

    # Towards the member.

    def dispatch(self) -> None:
        """Pick a member and send it the request, on an idle connection where one may be used."""
        pool = self.route.pool  # type: ignore[union-attr]
        member = pool.pick() if pool.key is None else pool.pick_for(self)  # type: ignore[union-attr]
        if member is None:
            self.unsent = None
            self.nobody(pool)  # type: ignore[arg-type]
            return
        self.member = member
        self.member_name = member.name
        self.tries = 1
        member.in_flight += 1
        member.requests += 1
        idle = member.idle
        if idle and (
            self.method in REPLAYABLE or idle[-1].used + FRESH >= self.cell.services.loop.now
        ):
            self.up = up = idle.pop()
            up.begin(self, self.out)
        else:
            self.connect(member, self.out)

    def nobody(self, pool: PoolState, reason: str = "") -> None:
        """No member is to be had: wait for one, or say so, for C{reason} where there is another."""
        queue = pool.queue
        if (queue is None or queue.full()) and self.stood_in(self.unsent):
            return
        if queue is None or not queue.admit(self):
            self.refuse(reason or pool.missing())

    def placed(self, member: MemberState) -> None:
        """The wait is over: this member serves the request."""
        raise AssertionError

    def pick(self, pool: PoolState, tried: Container[str] = ()) -> MemberState | None:
        """The pool's choice for this exchange, none of C{tried}."""
        return pool.pick(tried) if pool.key is None else pool.pick_for(self, tried)

    def another(self, pool: PoolState) -> MemberState | None:
        """One that has not been tried; when all have been, the same again: a restart takes time."""
        other = self.pick(pool, self.tried)
        if other is None and (pool.queue is None or not pool.queue.others(self.tried)):
            other = self.pick(pool)
        return other

    def connect(self, member: MemberState, unsent: bytes) -> None:
        """Open a connection to a member, and send it this."""
        self.up = up = Upstream(member, self.cell.services)
        up.open(self, unsent)

    def send_body(self, piece: bytes) -> bool:
        """Pass on a piece of the request's body; whether the member took it all."""
        if self.held is not None:
            self.held_octets += len(piece)
            if self.held_octets > MOST_HELD:
                self.held = None
            else:
                self.held.append(piece)
        return self.up is None or self.up.send(piece)

    def not_connected(self, reason: str, unsent: bytes) -> None:
        """The member could not be reached and knows nothing of C{unsent}: another one is tried."""
        member = self.member
        pool = self.route.pool if self.route else None
        failed(self, reason)
        self.disappointed()
        self.let_go()
        if pool is None or member is None:
            self.refuse(reason)
            return
        self.tried = (*self.tried, member.id)
        last = self.tries - self.elsewhere > pool.attempts
        if (last or self.all_tried(pool)) and self.stood_in(unsent):
            return
        if last:
            self.refuse(reason)
            return
        other = self.another(pool)
        if other is None:
            self.unsent = unsent
            self.nobody(pool, reason)
            return
        self.tries += 1
        self.take(other)
        self.connect(other, unsent)

    def all_tried(self, pool: PoolState) -> bool:
        """Whether no member is left that has not been tried, and another pool may stand in."""
        if self.route is None or self.route.choice is None:
            return False
        return all(state.id in self.tried for state in pool.standing())

    def stand_in(self) -> Route | None:
        """The route instead of the one that is of no use, taken with that; C{None}: none is."""
        route = self.route
        choice = route.choice if route is not None else None
        # What has been sent once is not for others.
        if choice is None or self.charged:
            return None
        other: Route | None = choice.stand_in(self)
        if other is not None:
            self.route = other
            self.elsewhere = self.tries
            self.tried = ()
            self.affinity = None
        return other

    def stood_in(self, unsent: bytes | None) -> bool:
        """
        Whether another pool gets the request, of which nothing was sent.

        @param unsent: all of it, as far as it has come; C{None}: its head.
        """
        first = self.route.pool if self.route is not None else None
        other = self.stand_in()
        if other is None or other.pool is None:
            return False
        pool = other.pool
        if pool.reads is not None:
            before = self.presented if first is not None and _same_cookie(first, pool) else ()
            self.out = pool.reads.take(self, self.out)
            self.presented = [*before, *self.presented]
        if unsent is not None:
            # The head may name the host of a member by now.
            unsent = self.out + unsent[unsent.find(_HEAD_ENDS) + 4 :]
        member = self.pick(pool)
        if member is None:
            self.unsent = unsent
            self.nobody(pool)
            return True
        self.tries += 1
        self.take(member)
        self.connect(member, self.out if unsent is None else unsent)
        return True

    def take(self, member: MemberState) -> None:
        """This member, another one than before, serves the request."""
        self.member = member
        self.member_name = member.name
        member.in_flight += 1
        member.requests += 1

    def unanswered(self, reason: str, reused: bool) -> None:
        """
        The connection to the member ended before the first byte of an answer.

        On a reused connection the member may just have closed it for being
        idle: the request is sent once more on a fresh one, if that is safe.
        When a fresh one ends so, another member may know better.
        """
        if not reused:
            self.disappointed()
        other = self._who_else(reused)
        if other is None:
            self.fail(reason)
            return
        failed(self, reason)
        self.tries += 1
        request = self.out + b"".join(self.held or ())
        member = self.member
        if other is not member:
            if member is not None:
                self.tried = (*self.tried, member.id)
            # The place that it has there is kept while the other one is given back.
            other.in_flight += 1
            self.let_go()
            self.take(other)
            other.in_flight -= 1
        self.connect(other, request)

    def _who_else(self, reused: bool) -> MemberState | None:
        """Who gets a request that one member has left unanswered, if it may be sent again."""
        member = self.member
        pool = self.route.pool if self.route else None
        replayable = self.method in REPLAYABLE and self.held_octets <= MOST_HELD
        if member is None or pool is None or not replayable:
            return None
        if not (
            (reused and pool.retry_stale)
            or (not reused and self.tries - self.elsewhere <= pool.resets)
        ):
            return None
        if not pool.may_retry():
            self.detail = "not tried again: the retry budget is spent"
            return None
        self.charged += 1
        if not reused:
            return self.pick(pool, (*self.tried, member.id))
        if member.up and not member.gone and not member.mode:
            return member
        # It has been taken out meanwhile: whoever is next.
        return self.pick(pool) or member

    def let_go(self) -> None:
        """The member's part is over."""
        member = self.member
        self.up = None
        if member is not None:
            self.member = None
            member.in_flight -= 1
            if member.latency is not None:
                self._measure(member.latency)
            if self.charged and self.answering():
                self.charged = self.route.pool.budget.helped(self.charged)  # type: ignore[union-attr]
            if member.room is not None:
                member.room.left()

    def answering(self) -> float:
        """When the member showed the first sign of what was wanted; 0: it did not."""
        return self.answered_at

    def _measure(self, latency: Average) -> None:
        """Note how long the member has taken; of a long body the client's time is the most."""
        at = self.answering()
        if at and self.received_octets <= MOST_HELD:
            latency.observe(at, max(0.0, at - self.head_at - self.queued))

    def disappointed(self) -> None:
        """The member did not do what was wanted."""
        if self.member is not None and self.member.latency is not None:
            self.member.latency.fail(self.cell.services.loop.now)

    # How it ends otherwise.

    def fail(self, reason: str) -> None:
        """The answer cannot be given, or not be finished: say so as well as it can be said."""
        failed(self, reason)
        self._cancel()
        if self.head_sent:
            self.cut(reason)
        else:
            self.refuse(reason)

    def _cancel(self) -> None:
        up = self.up
        if up is not None:
            self.up = None
            up.cancel()

    def log(self, reason: str | None) -> None:
        """The last phase: the request is counted, and written down if anybody asked for it."""
        record(self, reason)
