"""
A plain non-blocking stream socket, driven straight by the loop.

It sends at once and asks to be told of writability only after a partial send.
The rules that its users rely on:

* C{write}, C{close}, C{pause} and C{resume} never call back into the side; a
  send that fails marks the connection, and the side hears of it after the batch;
* a closed connection reports nothing, and its descriptor's number is not used
  again before the batch is over;
* one C{recv} an event, so that nobody waits for a loud neighbour.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Final, Protocol

from fiberlb.relay.loop import ERROR, HANGUP, LATE, ONCE, PEER_CLOSED, READ, WRITE, Loop
from fiberlb.relay.nobody import NOBODY
from fiberlb.relay.reading_to_end import read_to_end

#: Octets of one C{recv}, as a rule.
READ_SIZE: Final = 65536
#: Seconds that a closing connection waits for the peer to take the next of its last bytes.
LAST_BYTES: Final = 30.0
_MORE: Final = int(socket.MSG_MORE)
_ABORT: Final = struct.pack("ii", 1, 0)
#: Reads of what a member has said before it stopped listening.
_LAST_READS: Final = 16
#: A deadline that never comes.
NEVER: Final = float("inf")
#: How long a connection without a deadline stands in one slot of the wheel.
_LOOK_AGAIN: Final = 60.0


class Side(Protocol):
    """What a connection belongs to: one end of an exchange or of a tunnel."""

    def received(self, data: bytes) -> None:
        """Bytes have come, at least one."""

    def ended(self) -> None:
        """The peer will send no more (it may still read); told once."""

    def drained(self) -> None:
        """Everything written has been taken after a C{write} that was not."""

    def lost(self) -> None:
        """The connection broke; it is closed already. Never told after the side closed it."""

    def connected(self) -> None:
        """The connection that was being opened stands."""

    def refused(self, error: int) -> None:
        """The connection could not be opened; it is closed already. C{error}: an errno."""

    def expired(self, now: float) -> None:
        """The deadline has passed; the side sets another one or closes."""


class Connection:
    """
    One socket.

    @ivar side: whom it tells; replaced when a connection changes its purpose.
    @ivar deadline: when C{side.expired} is called, L{NEVER} for not at all. Moving it
        later is an attribute store, C{hasten} moves it earlier.
    @ivar out: bytes that the peer has not taken yet.
    @ivar moved: when bytes last left for the peer.
    @ivar most: octets of one C{recv}; less where each of them costs much.
    @ivar recv: reads in place of the socket's method, if anything does; C{send} likewise.
    @ivar closed: nothing more will happen here; C{dialled}: it is one of ours to a member.
    @ivar last: the bytes that the side is being told of are the last, C{ended} follows at once.
    @ivar cut: its input has ended in a way that anybody on the way could have brought about.
    @ivar failure: what broke it, in words, where that is known.
    @ivar end: between it and the loop while bytes are pumped (L{fiberlb.relay.splice.End}).
    """

    shared = False

    __slots__ = (
        "__weakref__",
        "_failed",
        "_output_ended",
        "closed",
        "closing",
        "connecting",
        "cut",
        "deadline",
        "dialled",
        "due",
        "end",
        "events",
        "failure",
        "fd",
        "last",
        "loop",
        "most",
        "moved",
        "out",
        "recv",
        "send",
        "side",
        "sock",
    )

    def __init__(self, loop: Loop, sock: Any, side: Any) -> None:
        self.loop = loop
        self.sock = sock
        self.fd: int = sock.fileno()
        self.recv: Any = None
        self.send: Any = None
        self.side: Any = side
        self.out = b""
        self.moved = 0.0
        self.most = READ_SIZE
        self.events = 0
        self.deadline = NEVER
        self.due = 0.0
        self.end: Any = None
        self.connecting = self.dialled = self.cut = self.last = False
        self.failure = ""
        self.closing = self.closed = self._failed = self._output_ended = False

    @property
    def paused(self) -> bool:
        """Whether its owner wants nothing of it at the moment."""
        return not self.events & READ

    # What the loop calls.

    def readable(self) -> None:
        """One C{recv}, and what it brought to the side."""
        try:
            own = self.recv
            data = self.sock.recv(self.most) if own is None else own(self.most)
        except BlockingIOError:
            return
        except OSError:
            self.break_off()
            return
        if data:
            self.side.received(data)
        else:
            self.end_input()

    def event(self, events: int) -> None:
        """Anything but plain readability."""
        if self.connecting:
            if events == WRITE:
                self._stands()
            else:
                self._opened()
            return
        if events & WRITE and not events & ERROR:
            self.writable()
        if self.closed:
            return
        if events & READ and self.events & READ:
            if events & PEER_CLOSED and not events & ERROR:
                read_to_end(self)
            else:
                self.readable()
        else:
            self.hung_up(events)

    def hung_up(self, events: int) -> None:
        """The peer has ended or broken the connection, which is not being read."""
        if events & ERROR or (events & HANGUP and not self._output_ended):
            self.break_off()
        elif events & HANGUP:
            # Both directions have ended in order, and bytes may still be unread. A hang-up is
            # reported over and over whatever one asks for, but for this.
            self.loop.change(self, self.events & ~PEER_CLOSED | ONCE)
        elif events & PEER_CLOSED:
            # Bytes that came before may still be unread: the end is found by reading, after resume.
            self.loop.change(self, self.events & ~PEER_CLOSED)

    def writable(self) -> None:
        """Send on what is left."""
        try:
            sent = (self.send or self.sock.send)(self.out)
        except BlockingIOError:
            return
        except OSError:
            self.fail_soon()
            return
        self.moved = self.loop.now
        self.out = self.out[sent:]
        if self.out:
            return
        if self.closing:
            self._retire()
            return
        self.loop.change(self, self.events & ~WRITE)
        self.side.drained()

    def broken(self) -> None:
        """
        An exception of ours: this connection and its peer end.

        A side that has a method C{failed} is told by it, and ends both itself;
        another one hears C{lost}.
        """
        failed = getattr(self.side, "failed", None)
        if failed is None or self.closed or self.closing:
            self.break_off()
            return
        try:
            failed()
        except Exception:
            self.break_off()
            raise

    def close_descriptor(self) -> None:
        """After the batch: the number may be used again."""
        self.sock.close()

    def visit(self, now: float) -> float:
        """The wheel asks; when to ask again."""
        if self.closed:
            return 0.0
        if self.closing:
            return self._visit_closing(now)
        if self.deadline <= now:
            self.side.expired(now)
            if self.closed:
                return 0.0
        return min(self.deadline, now + _LOOK_AGAIN)

    # What a side calls.

    def start(self, events: int = READ) -> None:
        """Begin to be watched."""
        self.loop.watch(self, events)

    def start_later(self, events: int = READ) -> None:
        """Begin to be watched when there is need (L{Loop.watch_later}), L{settle} by then."""
        self.loop.watch_later(self, events)

    def settle(self) -> None:
        """Be watched from now on, where that was put off, and the deadline kept."""
        if self.events & LATE:
            self.loop.change(self, self.events & ~LATE)
        if not self.due:
            self.hasten(self.deadline)

    def write(self, data: bytes, last: bool = False) -> bool:
        """
        Send, now if the peer takes it.

        @param last: C{end_output} or C{close} follows at once: the end travels with the bytes.

        @return: whether everything was taken; if not, C{side.drained} follows
            and the source should wait for it.
        """
        if self.out:
            self.out += data
            return False
        if self.closed or self._failed:
            return True
        try:
            send = self.send or self.sock.send
            sent = send(data, _MORE) if last else send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.fail_soon()
            return True
        if sent == len(data):
            return True
        self.out = data[sent:]
        self.moved = self.loop.now
        self.loop.change(self, self.events | WRITE)
        return False

    def pause(self) -> None:
        """Read no more for now; a hang-up is still noticed."""
        if self.events & READ and not self.closed:
            self.loop.change(self, self.events & ~READ | PEER_CLOSED)

    def resume(self) -> None:
        """Read on after L{pause}."""
        if not self.closed and (not self.events & READ or self.events & LATE):
            self.loop.change(self, self.events & ~(PEER_CLOSED | ONCE | LATE) | READ)

    def ignore_input(self) -> None:
        """Read nothing more ever; errors are still noticed."""
        if not self.closed:
            self.loop.change(self, self.events & ~(READ | PEER_CLOSED))

    def hasten(self, deadline: float) -> None:
        """Set a deadline that may be earlier than the one before."""
        self.deadline = deadline
        if (not self.due or deadline < self.due) and not self.closed:
            self.loop.wheel.set(self, min(deadline, self.loop.now + _LOOK_AGAIN))

    def close(self) -> None:
        """Close when everything written has been taken; the side hears nothing more."""
        if self.closed or self.closing:
            return
        if self.out:
            self.closing = True
            self.ignore_input()
            self.hasten(self.loop.now + LAST_BYTES)
        else:
            self._retire()

    def abort(self) -> None:
        """Close now, whatever has not been taken is dropped; the side hears nothing more."""
        if not self.closed:
            self._retire()

    def reset(self) -> None:
        """Close now so that the peer sees it was cut: a reset instead of an orderly end."""
        if not self.closed:
            try:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            except OSError:
                pass
            self._retire()

    def end_output(self) -> None:
        """Say that nothing more will be written; reading goes on, and C{out} must be empty."""
        self._output_ended = True
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.fail_soon()

    def fail_soon(self) -> None:
        """Treat the connection as broken after the batch (never call back from here)."""
        if not self._failed and not self.closed:
            self._failed = True
            self.loop.soon(self._give_up)

    def _give_up(self) -> None:
        """
        Nothing more can be sent.

        A member may have answered before it stopped listening, as one does
        that refuses an upload: what it said still counts.
        """
        try:
            if self.dialled:
                for _ in range(_LAST_READS):
                    if self.closed or not self.events & READ:
                        break
                    (self.end or self).readable()
        finally:
            self.break_off()

    def break_off(self) -> None:
        """The connection broke: close it and tell the side."""
        if self.closed:
            return
        side = self.side
        closing = self.closing
        self._retire()
        if not closing:
            side.lost()

    # Inside.

    def _visit_closing(self, now: float) -> float:
        if self.moved + LAST_BYTES > now:
            return self.moved + LAST_BYTES
        self._retire()
        return 0.0

    def end_input(self) -> None:
        """The peer's input has ended: say so; more often than not this ends the connection."""
        self.side.ended()
        self.ignore_input()

    def _opened(self) -> None:
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            side = self.side
            self._retire()
            side.refused(error)
            return
        self._stands()

    def _stands(self) -> None:
        self.connecting = False
        self.loop.change(self, self.events & PEER_CLOSED | READ)
        self.side.connected()

    def _retire(self) -> None:
        self.closed = True
        if self.end is not None:
            self.end.closed()
        self.out = b""
        self.loop.wheel.remove(self)
        self.loop.retire(self)
        self.side = NOBODY
