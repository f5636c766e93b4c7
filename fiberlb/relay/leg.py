"""The socket between a flow and a member, also after the flow has got another member."""

from __future__ import annotations

import errno
from typing import Any, Final

from fiberlb.relay.loop import READ
from fiberlb.relay.member_state import MemberState

#: Seconds for which answers of a member that a flow has left, and last answers, are waited for.
LATE: Final = 2.0
#: Datagrams read in one go.
TURN: Final = 32


class Leg:
    """
    The socket between a flow and one member.

    @ivar late: the flow has another one by now; only answers that are on their way still count.
    """

    __slots__ = (
        "address", "closed", "due", "events", "fd", "flow", "late", "loop", "member", "passed",
        "shared", "side", "sock", "turn",
    )  # fmt: skip

    def __init__(self, flow: Any, member: MemberState, sock: Any, shared: bool = False) -> None:
        """
        @param flow: L{fiberlb.relay.flow.Flow}.
        @param shared: another process may have the socket too.
        """
        self.flow = flow
        self.loop: Any = flow.port.loop
        self.member = member
        self.address = member.address
        self.sock = sock
        self.fd: int = sock.fileno()
        self.shared = shared
        self.side: Any = None
        self.events = 0
        self.due = 0.0
        self.turn = 1
        self.closed = self.late = self.passed = False
        member.sessions += 1
        flow.port.room.used += 1
        self.loop.watch(self, READ)

    def readable(self) -> None:
        """Answers; twice as many as last time, if there were that many."""
        flow, room = self.flow, self.flow.port.room
        for _ in range(self.turn):
            try:
                count = self.sock.recv_into(room.buffer)
            except BlockingIOError:
                self.turn = 1
                return
            except OSError as why:
                self._refused(why.errno or errno.ECONNREFUSED)
                return
            flow.answer(room.view[:count])
        self.turn = min(self.turn * 2, TURN)

    def event(self, events: int) -> None:
        """An error, which reading tells."""
        self.readable()

    def _refused(self, number: int) -> None:
        if not self.late:
            self.flow.unreachable(number, None)

    def linger(self) -> None:
        """The flow goes on with another member."""
        self.late = True
        self.flow.port.late += 1
        self.loop.wheel.set(self, self.loop.now + LATE)

    def visit(self, now: float) -> float:
        """See L{fiberlb.relay.timer_wheel.Timed}."""
        self.close()
        return 0.0

    def close(self) -> None:
        """The member's part is over."""
        if self.closed:
            return
        self.closed = True
        self.loop.wheel.remove(self)
        self.loop.retire(self)
        self.member.sessions -= 1
        port = self.flow.port
        port.room.used -= 1
        if self.late:
            port.late -= 1
            port.rest()

    def pass_on(self) -> Any:
        """Leave the socket, which is another process's from now on, open."""
        self.passed = self.shared = True
        self.close()
        return self.sock

    def abort(self) -> None:
        """The process ends."""
        self.close()

    def broken(self) -> None:
        """An exception of ours."""
        self.flow.finish("internal")
        self.close()

    def close_descriptor(self) -> None:
        """After the batch."""
        if not self.passed:
            self.sock.close()
