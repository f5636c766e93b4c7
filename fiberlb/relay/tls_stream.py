"""
Reading and writing through OpenSSL, which uses the descriptor itself.

For its side it is a L{Connection} like any other. What is different inside:

* OpenSSL may have to write in order to read, and the reverse, so what the loop
  watches follows from what is wanted (L{TlsStream._watch}), not from the call;
* bytes that OpenSSL holds decrypted are taken at once, the loop would not tell of them;
* a send that could not finish is repeated with the same bytes in front; more may
  have been appended meanwhile;
* C{close} says goodbye (C{close_notify}), C{abort} and C{reset} do not. OpenSSL writes it by
  itself; that it travels with the last bytes is up to the system (C{TCP_CORK}).
"""

from __future__ import annotations

import socket
from typing import Any, Final

from OpenSSL import SSL

from fiberlb.relay.connection import LAST_BYTES, Connection
from fiberlb.relay.loop import ERROR, HANGUP, READ, WRITE, Loop
from fiberlb.tls.openssl import clear_errors

#: The most that one record holds (RFC 8446 section 5.1), hence that one C{recv} gives.
RECORD: Final = 16384


class TlsStream(Connection):
    """
    One TLS socket.

    While C{connecting} every event goes to C{_opened}, which a subclass has
    for its handshake.

    @ivar ssl: OpenSSL's connection, on the socket, which does not block.
    """

    __slots__ = (
        "_deaf",
        "_ending",
        "_held",
        "_read_wants_write",
        "_reading",
        "_write_wants_read",
        "ssl",
    )

    def __init__(self, loop: Loop, sock: Any, ssl: SSL.Connection, side: Any) -> None:
        super().__init__(loop, sock, side)
        self.ssl = ssl
        self.recv = ssl.recv
        self.send = ssl.send
        self._reading = True
        self._deaf = False
        self._ending = False
        self._held = False
        self._read_wants_write = False
        self._write_wants_read = False

    @property
    def paused(self) -> bool:
        """See L{Connection.paused}; what is watched for follows from other things too."""
        return not self._reading

    # What the loop calls.

    def readable(self) -> None:
        """Some records, and what they brought to the side."""
        if self.connecting:
            self._opened()
            return
        if self._write_wants_read:
            self._write_wants_read = False
            self._flush()
        if not self._reading or self.closed:
            return
        try:
            data = self.recv(RECORD)
        except SSL.WantReadError:
            return
        except SSL.Error as why:
            self._not_received(why)
            return
        if len(data) == RECORD or self.ssl.pending():
            self._received_full(data)
        else:
            self.side.received(data)

    def event(self, events: int) -> None:
        """Anything but plain readability."""
        if self.connecting:
            self._opened()
            return
        if events & WRITE and not events & ERROR:
            self.writable()
        if self.closed:
            return
        if events & READ and self.events & READ:
            self.readable()
        elif events & (ERROR | HANGUP):
            self.hung_up(events)

    def writable(self) -> None:
        """Go on with whatever waited for it."""
        if self._read_wants_write:
            self._read_wants_write = False
            self.readable()
        if not self.closed:
            self._flush()

    # What a side calls.

    def write(self, data: bytes, last: bool = False) -> bool:
        """See L{Connection.write}."""
        if self.out:
            self.out += data
            return False
        if self.closed or self.closing or self._failed or not data:
            return True
        if last and not self._held:
            self._hold()
        try:
            sent = self.send(data)
        except (SSL.WantWriteError, SSL.WantReadError) as why:
            self._write_wants_read = isinstance(why, SSL.WantReadError)
            sent = 0
        except SSL.Error:
            clear_errors()
            self.fail_soon()
            return True
        if self._held and not last:
            self._let_go()
        if sent == len(data):
            return True
        self.out = data[sent:]
        self.moved = self.loop.now
        # OpenSSL takes a record at a time: the next one may find room as well.
        if not sent or self._send_out():
            self._watch()
        return not self.out

    def pause(self) -> None:
        """
        See L{Connection.pause}.

        The peer's end is not noticed meanwhile, as records may lie before it.
        """
        self._reading = False
        self._watch()

    def resume(self) -> None:
        """See L{Connection.resume}."""
        if not self._deaf:
            self._reading = True
            self._watch()

    def ignore_input(self) -> None:
        """See L{Connection.ignore_input}."""
        self._reading = False
        self._deaf = True
        self._watch()

    def close(self) -> None:
        """See L{Connection.close}; the last thing that the peer gets is a C{close_notify}."""
        if self.closed or self.closing:
            return
        if self.connecting:
            self._retire()
        elif self.out:
            super().close()
        else:
            self._say_goodbye()

    def end_output(self) -> None:
        """See L{Connection.end_output}; a C{close_notify} comes before the end."""
        self._ending = True
        if self.closed or self.out:
            return
        try:
            self.ssl.shutdown()
        except SSL.WantWriteError:
            self._watch()
            return
        except SSL.Error:
            clear_errors()
            self.fail_soon()
            return
        self._ending = False
        super().end_output()

    # Inside.

    def _hold(self) -> None:
        """Have what is sent from here on wait for more, or for the end, to leave with it."""
        self._held = True
        self._cork(1)

    def _let_go(self) -> None:
        """What was held back leaves."""
        self._held = False
        self._cork(0)

    def _cork(self, on: int) -> None:
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)
        except OSError:
            pass  # a Unix socket

    def _watch(self) -> None:
        """Have the loop report what is waited for."""
        if self.closed or self.connecting:
            return
        events = READ if self._reading or self._write_wants_read else 0
        if self._read_wants_write:
            # Nothing can be read before, so readability would be reported over and over.
            events = WRITE
        elif (self.out or self.closing or self._ending) and not self._write_wants_read:
            events |= WRITE
        self.loop.change(self, events)

    def _received_full(self, data: bytes) -> None:
        """A full record came: take more, to a bound, before the side hears of it."""
        pieces = [data]
        total = len(data)
        trouble: SSL.Error | None = None
        try:
            while total < self.most or self.ssl.pending():
                pieces.append(self.recv(RECORD))
                total += len(pieces[-1])
        except SSL.WantReadError:
            pass
        except SSL.Error as why:
            trouble = why
        self.side.received(b"".join(pieces))
        if trouble is not None and not self.closed:
            # Only now: the loop might not tell of it a second time.
            self._not_received(trouble)

    def _not_received(self, why: SSL.Error) -> None:
        """Reading cannot go on, for a reason other than that nothing is there."""
        if isinstance(why, SSL.WantWriteError):
            self._read_wants_write = True
            self._watch()
            return
        clear_errors()
        if isinstance(why, SSL.ZeroReturnError) or is_end(why):
            # Many clients end without close_notify (RFC 9112 section 9.8 wants that endured);
            # whether something is missing shows in the framing of what came before.
            self.end_input()
        else:
            self.break_off()

    def _send_out(self) -> bool:
        """Send what is left, as far as it goes; false when the connection broke."""
        view = memoryview(self.out)
        sent = 0
        try:
            while sent < len(view):
                sent += self.send(view[sent:])
        except SSL.WantWriteError:
            pass
        except SSL.WantReadError:
            self._write_wants_read = True
        except SSL.Error:
            clear_errors()
            self.fail_soon()
            return False
        if sent:
            self.moved = self.loop.now
            self.out = self.out[sent:]
        return True

    def _flush(self) -> None:
        """Send on what is left, and do what waited for that."""
        waited = bool(self.out)
        if not self._send_out():
            return
        if not self.out:
            if self.closing:
                self._say_goodbye()
                return
            if self._ending:
                self.end_output()
        self._watch()
        if waited and not self.out:
            self.side.drained()

    def _say_goodbye(self) -> None:
        """Tell the peer that this is all, and close without waiting for its answer."""
        try:
            self.ssl.shutdown()
        except SSL.WantWriteError:
            if not self.closing:
                self.closing = True
                self.moved = self.loop.now
                self.ignore_input()
                self.hasten(self.loop.now + LAST_BYTES)
            return
        except SSL.Error:
            clear_errors()
        if self._held:
            self._push()
        self._retire()

    def _push(self) -> None:
        """Have all of it leave now: closed with input unread, the system would drop it."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def is_end(why: SSL.Error) -> bool:
    """Whether the peer has ended the connection without saying so in TLS."""
    return isinstance(why, SSL.SysCallError) and bool(why.args) and why.args[0] == -1
