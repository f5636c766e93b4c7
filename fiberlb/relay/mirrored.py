"""
Copies of requests on their way to a mirror: sent beside the request itself, their answers dropped.

Nothing waits for a copy. So many run at the same time and no more; a request that comes while
they do is not copied.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.logger import Logger

from fiberlb.model.convert import overlaid
from fiberlb.relay.exchange import Exchange
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.pool_state import PoolState
from fiberlb.relay.runtime import Cell, Route
from fiberlb.routing.actions import Decision
from fiberlb.treatment.draft import Draft, Surroundings
from fiberlb.treatment.mirroring import Copies, Mirror
from fiberlb.treatment.treatment import Treatment

_log = Logger()
#: Copies for one pool that run at the same time, in each worker.
MOST: Final = 64


class _Nothing:
    """What becomes of the content of an answer that nobody hears."""

    def feed(self, piece: bytes) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""


def _unheard() -> Treatment:
    draft = Draft(Surroundings(None, {}))
    draft.filters.append(lambda asked, status, prefix: (_Nothing(), prefix))
    return Treatment(draft)


#: A body that goes through a filter is not moved by the kernel, which would need a client.
_UNHEARD: Final = _unheard()


class Copy(Exchange):
    """One copy; it stands where a request with a client does for others."""

    __slots__ = ("_copies",)

    def __init__(self, cell: Cell, peer: str, peer_port: int, copies: Copies) -> None:
        super().__init__(cell, peer, peer_port)
        self._copies: Any = copies

    def begin(self, of: Exchange, route: Route, out: bytes) -> None:
        """Send it: head and body in one."""
        self.method = of.method
        self.target = of.target
        self.raw = of.block()
        self.client = of.client
        self.sni, self.alpn, self.shown = of.sni, of.alpn, of.shown
        self.route = route
        self.out = out
        self.busy = True
        self.started = self.head_at = self.cell.services.loop.now
        self._copies.running += 1
        self.dispatch()
        self._adopt()

    def connect(self, member: MemberState, unsent: bytes) -> None:
        """See L{Exchange.connect}."""
        super().connect(member, unsent)
        self._adopt()

    def _adopt(self) -> None:
        """There is no client: time is that of the member's connection."""
        if self.up is not None and self.up.conn is not None:
            self.conn = self.up.conn

    def nobody(self, pool: PoolState, reason: str = "") -> None:
        """See L{Exchange.nobody}; a copy waits for nobody."""
        self._end(False)

    def respond(self, status: int, prefix: bytes, length: int, data: bytes, whole: bool) -> bool:
        """See L{Exchange.respond}."""
        self.head_sent = True
        return True

    def inform(self, prefix: bytes) -> None:
        """See L{Exchange.inform}."""

    def body(self, data: bytes) -> bool:
        """See L{Exchange.body}."""
        return True

    def member_ready(self) -> None:
        """See L{Exchange.member_ready}."""

    def blocked(self) -> None:
        """See L{Exchange.blocked}."""

    def unblocked(self) -> None:
        """See L{Exchange.unblocked}."""

    def completed(self) -> None:
        """See L{Exchange.completed}."""
        self._end(True)

    def refuse(self, reason: str, status: int | None = None) -> None:
        """See L{Exchange.refuse}."""
        self._end(False)

    def cut(self, reason: str) -> None:
        """See L{Exchange.cut}."""
        self._end(False)

    def _end(self, answered: bool) -> None:
        if not self.busy:
            return
        self.let_go()
        self.busy = False
        copies = self._copies
        copies.running -= 1
        if answered:
            copies.sent += 1
        else:
            copies.failed += 1


def copy(of: Exchange, mirror: Mirror, out: bytes) -> None:
    """
    Send a copy, if there is room for one more.

    @param of: the request, which goes its way whatever becomes of this.
    @param out: head and body, as its member gets them.
    """
    copies: Copies = mirror.copies
    if mirror.pool is None or copies.running >= MOST:
        copies.dropped += 1
        return
    made = Copy(of.cell, of.peer, of.peer_port, copies)
    try:
        made.begin(of, _route(of, mirror), out)
    except Exception:
        _log.failure("a copy of a request could not be sent")
        made.fail("internal")


def too_large(mirror: Mirror) -> None:
    """A request was not copied, as its body is larger than what is held of it."""
    mirror.copies.dropped += 1


def _route(of: Exchange, mirror: Mirror) -> Route:
    route: Route | None = mirror.route
    if route is None:
        pool = mirror.pool
        timeouts = overlaid(of.cell.plan.timeouts, pool.plan.pool.timeouts)
        decision = Decision(pool_id=pool.id)
        route = mirror.route = Route(decision, pool, timeouts, _UNHEARD)
    return route
