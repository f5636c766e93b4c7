"""
Answers of HTTP/1.1: a member's, reframed where the client needs it, and our own.
"""

from __future__ import annotations

from typing import Any, Final

from fiberlb.errors import REASONS
from fiberlb.relay import answers
from fiberlb.relay.amending import amended_own, own_page
from fiberlb.relay.connection import NEVER
from fiberlb.relay.exchange import Exchange
from fiberlb.relay.lingering import Lingering
from fiberlb.relay.loop import READ
from fiberlb.relay.networks import local_port
from fiberlb.relay.runtime import Cell, Plan, Route
from fiberlb.relay.tunnel import Tunnel
from fiberlb.routing.actions import READY
from fiberlb.routing.request import Request
from fiberlb.treatment.draft import Reply
from fiberlb.wire.fields import CHUNKED, UNTIL_CLOSE

#: Seconds between two requests after which a connection holds only what it must.
REST: Final = 3.0
_CODED: Final = b"Transfer-Encoding: chunked\r\n\r\n"


class Answering(Exchange):
    """
    The half of a client connection that writes.

    @ivar buffer: bytes of requests that wait for the one in progress.
    @ivar place: L{fiberlb.relay.crowd.Place}, where clients have a limit.
    @ivar plan: the listener's plan that the last request was read under.
    @ivar set_cookie: a field of the answer that keeps the client at its pool of a split.
    @ivar serving: heads are being taken one after the other; who finishes
        an exchange meanwhile must not begin the next one.
    """

    __slots__ = (
        "_closed",
        "_recoded",
        "_tunnel",
        "buffer",
        "place",
        "plan",
        "serving",
        "set_cookie",
    )

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self.buffer = b""
        self.place: Any = None
        self.plan: Plan | None = None
        self.serving = False
        self.set_cookie = b""
        self._recoded = False
        self._tunnel: Any = None
        self._closed = False

    def serve(self) -> None:
        """Take the heads that have gathered in C{buffer}."""
        raise AssertionError

    def wait(self) -> None:
        """Nothing to do: the next request has the keep-alive time to begin."""
        conn = self.conn
        if self.half_closed:
            self.leave()
            return
        idle = self.cell.plan.timeouts.keep_alive
        now = self.started = conn.loop.now
        conn.deadline = deadline = now + (REST if idle is None or idle > REST else idle)
        if deadline < conn.due:
            conn.hasten(deadline)
        elif not conn.due:
            conn.settle()

    def request(self, plan: Plan, authority: bytes) -> Request:
        """The request in progress, as rules and redirects look at it."""
        return Request(
            self.method,
            self.target,
            authority,
            self.raw,
            self.sni,
            plan.secure,
            plan.port or local_port(self.conn.sock),
            self.client,
            self.alpn,
            None if self.shown is None else self.shown.fields,
        )

    def answers_now(self) -> bool:
        """Whether a request is there in full, and it is the answer's turn."""
        return self.busy and not self.left and self.chunks is None

    # Answers of the member.

    def respond(self, status: int, prefix: bytes, length: int, data: bytes, whole: bool) -> bool:
        """See L{Exchange.respond}."""
        self.head_sent = True
        self.status = status
        self.sent_octets = len(data)
        if self.affinity is not None:
            prefix = self.affinity.answered(self, prefix)
        if self.set_cookie:
            prefix += self.set_cookie
        if not self.keep or length < 0 or self.minor == 0 or self.cell.draining:
            return self._respond_otherwise(prefix, length, data, whole)
        return self._write(b"".join((prefix, b"\r\n", data)))

    def _respond_otherwise(self, prefix: bytes, length: int, data: bytes, whole: bool) -> bool:
        """The less usual ends of a head: the connection closes, or the framing changes."""
        if self.half_closed or (self.cell.draining and self.cell.ends()):
            self.keep = False
        if length == UNTIL_CLOSE:
            if self.minor:
                self._recoded = True
                if self.filter is not None:
                    data = self.filter.feed(data)
                    self.sent_octets = len(data)
                prefix += b"" if self.keep else b"Connection: close\r\n"
                return self._write(b"".join((prefix, _CODED, _chunk(data))))
            self.keep = False
        elif not self.minor:
            if length <= 0:
                # Not even an answer to HEAD may speak of chunks.
                prefix = _uncoded(prefix)
            self.keep = self.keep and length != CHUNKED
        if not self.keep:
            tail = answers.CLOSE
        else:
            tail = answers.END if self.minor else answers.KEEP_ALIVE
        return self._write(b"".join((prefix, tail, data)), whole and not self.keep)

    def inform(self, prefix: bytes) -> None:
        """See L{Exchange.inform}; HTTP/1.0 knows no such answers."""
        if self.minor:
            self._write(prefix + b"\r\n")

    def body(self, data: bytes) -> bool:
        """See L{Exchange.body}."""
        if self._recoded:
            if self.filter is not None:
                data = self.filter.feed(data)
            self.sent_octets += len(data)
            return self._write(_chunk(data))
        self.sent_octets += len(data)
        return self._write(data)

    def _write(self, data: bytes, last: bool = False) -> bool:
        # Without TLS there is no goodbye to travel with, and closing is left to be one call.
        if self.conn.write(data, last and self.cell.plan.secure):
            return True
        self.blocked()
        return False

    def blocked(self) -> None:
        """The client does not take what it is sent: it has a while to go on."""
        conn = self.conn
        idle = self.cell.plan.timeouts.client_write_idle
        if idle is not None:
            deadline = conn.loop.now + idle
            if conn.deadline > deadline:
                conn.hasten(deadline)

    def unblocked(self) -> None:
        """The client has taken everything."""
        if not self.left and self.chunks is None:
            self.conn.deadline = NEVER

    def completed(self) -> None:
        """See L{Exchange.completed}."""
        if self._recoded:
            self._recoded = False
            rest = b""
            if self.filter is not None:
                rest = self.filter.end()
                self.filter = None
                self.sent_octets += len(rest)
            self._write(_chunk(rest) + b"0\r\n\r\n")
        self._finish(None)

    def switched(self, prefix: bytes, upgrade: bytes, rest: bytes) -> None:
        """See L{Exchange.switched}."""
        up, member = self.up, self.member
        assert up is not None
        if self.affinity is not None:
            prefix = self.affinity.answered(self, prefix)
        prefix += self.set_cookie
        if member is not None:
            member.relays.add(self)
        head = b"".join((prefix, b"Connection: Upgrade\r\nUpgrade: ", upgrade, b"\r\n\r\n", rest))
        self.status = 101
        self.head_sent = True
        early, self.buffer = self.buffer, b""
        member_side = up.give_away()
        timeouts = self.route.timeouts if self.route is not None else self.cell.plan.timeouts
        tunnel = Tunnel(self.conn, member_side, timeouts.tunnel, self._tunnel_ended)
        self._tunnel = tunnel
        tunnel.begin(head, early)

    def _tunnel_ended(self, reason: str | None) -> None:
        """The relayed connection is over; it is logged like any request."""
        tunnel, self._tunnel = self._tunnel, None
        self.sent_octets = tunnel.to_client
        self.received_octets = tunnel.to_member
        member = self.member
        if member is not None:
            member.sessions -= 1
            member.relays.discard(self)
        self.log(reason)
        self.leave()

    def end(self) -> None:
        """The member is not the one any more that this tunnel should go to."""
        if self._tunnel is not None:
            self._tunnel.finish("member_closed")

    # Answers of our own.

    def answer(self, route: Route, authority: bytes) -> None:
        """The policy's own answer: a redirect or a refusal."""
        decision = route.decision
        if decision.reason is not None:
            self.refuse(decision.reason, decision.status or None)
            return
        plan = self.plan
        assert plan is not None
        if decision.needs_host and not authority:
            self.refuse("bad_request")
            return
        if decision is READY and (self.cell.services.standing.leaving or self.cell.draining):
            self.refuse("shutting_down")
            return
        if decision.content is not None:
            self.status = decision.status
            body = b"" if self.method == b"HEAD" else decision.content
            head = answers.content(
                decision.status, decision.fields, len(decision.content), self._tail()
            )
            self._last(head + body, None)
            return
        location = decision.location(self.request(plan, authority))
        self.status = decision.status
        self._last(answers.redirect(decision.status, location, self._tail()), None)

    def refuse(self, reason: str, status: int | None = None) -> None:
        """See L{Exchange.refuse}."""
        self._cancel()
        self.request_id = self.request_id or self.cell.services.make_request_id()
        if reason == "shutting_down" or not self.method:
            self.keep = False
        self.status = status or REASONS[reason] or 500
        head_only = self.method == b"HEAD"
        tail = self._tail()
        page = own_page(self, reason)
        made = answers.error(reason, self.status, self.request_id, tail, head_only, page)
        self._last(made, reason)

    def reply(self, made: Reply) -> None:
        """A gate's answer in place of the route's."""
        self.added += made.lines
        if made.reason is not None:
            self.refuse(made.reason, made.status)
            return
        self.status = made.status or 200
        head_only = self.method == b"HEAD"
        whole = answers.whole(self.status, b"", made.body, self._tail(), head_only)
        self._last(whole, made.noted)

    def _tail(self) -> bytes:
        unread = self.left or self.chunks is not None
        if unread or self.half_closed or (self.cell.draining and self.cell.ends()):
            self.keep = False
        if not self.keep:
            return answers.CLOSE
        return answers.END if self.minor else answers.KEEP_ALIVE

    def _last(self, answer: bytes, reason: str | None) -> None:
        """Write an answer of ours and end the exchange."""
        self.head_sent = True
        answer = amended_own(self, answer)
        self.sent_octets = len(answer) - answer.index(b"\r\n\r\n") - 4
        self._write(answer, not self.keep)
        self._finish(reason)

    def cut(self, reason: str) -> None:
        """See L{Exchange.cut}; reset where the close alone would look like the end of the body."""
        self.log("truncated" if reason.startswith("member_") else reason)
        conn = self.conn
        if self.minor == 0 or conn.out:
            conn.reset()
        else:
            conn.close()
        self.leave()

    def abandon(self, reason: str) -> None:
        """The client does not want the answer any more, or cannot take it."""
        self._cancel()
        self.log(reason)
        self.conn.reset()
        self.leave()

    def _finish(self, reason: str | None) -> None:
        """The exchange is over; the connection goes on or ends."""
        self.log(reason)
        unread = self.left or self.chunks is not None
        self.let_go()
        if self.keep and not unread:
            self.clear()
            self.set_cookie = b""
            if self.serving:
                self.started = self.conn.loop.now
                return
            if self.buffer or self.conn.out or not self.conn.events & READ:
                self._go_on()
            else:
                self.wait()
            return
        if unread or self.buffer or reason is not None:
            Lingering(self.conn)
        self.leave()

    def _go_on(self) -> None:
        """Requests have waited meanwhile, or the client is still taking this answer."""
        if self.conn.out:
            self.conn.pause()
            return
        self.started = self.conn.loop.now
        if not self.half_closed:
            self.conn.resume()
        self.serve()

    def leave_if_idle(self) -> None:
        """The process is ending: a connection between two requests is not waited for."""
        if not self.busy and not self.buffer:
            self.leave()

    def leave(self) -> None:
        """This side is done with its connection."""
        self.let_go()
        self.busy = False
        if self.conn.side is self:
            self.conn.close()
        if not self._closed:
            self._closed = True
            self.cell.left(self.place)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _uncoded(prefix: bytes) -> bytes:
    """A response head without its transfer coding, for clients that do not know it."""
    lines = prefix.split(b"\r\n")
    return b"\r\n".join(n for n in lines if not n.lower().startswith(b"transfer-encoding:"))
