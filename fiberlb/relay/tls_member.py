"""
TLS to a member: connected, shaken hands, verified, then a stream.

For its side it is one attempt to connect: C{connected} comes when the member
is who it should be, and C{refused} with C{EPROTO} when TLS is what failed, in
which case C{failure} has the words.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, Final

from OpenSSL import SSL

from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import ERROR, READ, WRITE, Loop
from fiberlb.relay.prefacing import say_first
from fiberlb.relay.tls_handshake import TlsHandshake
from fiberlb.relay.tls_stream import is_end
from fiberlb.tls.member_link import MemberLink, doubt
from fiberlb.tls.openssl import clear_errors
from fiberlb.tls.words import TOO_SLOW, failure_words

_PEEK: Final = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)
_GOODBYE: Final = SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN


class TlsMemberConnection(TlsHandshake):
    """
    One TLS socket to a member.

    @ivar cut: the member ended it without C{close_notify}.
    """

    __slots__ = ("_link", "_preface", "_reaching", "_resumed", "_wrote")

    def __init__(
        self, loop: Loop, sock: Any, link: MemberLink, side: Any, preface: bytes = b""
    ) -> None:
        """
        @param sock: is being connected.
        @param preface: sent before the handshake.
        """
        ssl: Any
        ssl, self._resumed = link.connection(sock, loop.now)
        super().__init__(loop, sock, ssl, side)
        self.dialled = True
        self._link = link
        self._preface = preface
        self._reaching = True
        self._wrote = False

    # The handshake.

    def _opened(self) -> None:
        """The socket is connected, or a step of the handshake."""
        if self._reaching:
            error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error and self._preface:
                error = say_first(self.sock, self._preface)
            if error:
                self.refuse(error, "")
                return
            self._reaching = False
        super()._opened()

    def shaken(self) -> None:
        """See L{TlsHandshake.shaken}."""
        ssl: Any = self.ssl
        failure = doubt(ssl, self._link.tls, self._resumed)
        if failure:
            self.refuse(errno.EPROTO, failure)
            return
        self.connecting = False
        self.recv = self._receive_first
        self.send = self._send
        # In TLS 1.3 a refusal of our certificate may be there already.
        self._wrote = True
        self._watch()
        self.side.connected()

    def failed_with(self, why: SSL.Error) -> None:
        """See L{TlsHandshake.failed_with}; what is wrong with a certificate is known better."""
        ssl: Any = self.ssl
        self.refuse(errno.EPROTO, ssl.expected.failure or failure_words(why))

    def overdue(self) -> str:
        """See L{TlsHandshake.overdue}."""
        return "" if self._reaching else TOO_SLOW

    def break_off(self) -> None:
        """See L{fiberlb.relay.connection.Connection.break_off}."""
        if self.connecting and not self.closed:
            code = errno.ECONNRESET if self._reaching else errno.EPROTO
            self.refuse(code, "" if self._reaching else "connection broken in the TLS handshake")
        else:
            super().break_off()

    def refuse(self, code: int, text: str) -> None:
        """See L{TlsHandshake.refuse}; the next attempt is a full handshake."""
        self._link.forget()
        super().refuse(code, text)

    # The stream.

    def readable(self) -> None:
        """See L{TlsStream.readable}."""
        self._wrote = False
        super().readable()

    def event(self, events: int) -> None:
        """See L{TlsStream.event}; what the member has said is read before more is sent."""
        if events & READ and events & WRITE and not self.connecting and not self.paused:
            self.readable()
            if not self.closed and not events & ERROR:
                self.writable()
        else:
            super().event(events)

    def _send(self, data: Any) -> int:
        """
        One record.

        A member may answer, and close, before it has taken a request whole. A send that
        fails then leaves OpenSSL unable to read what has come, so within a request one
        looks before each record but the first.

        @raise SSL.Error: as C{send}; C{WantWriteError} also when there is something to be read.
        """
        if self._wrote and not self.paused and self._input_waits():
            raise SSL.WantWriteError
        self._wrote = True
        sent: int = self.ssl.send(data)
        return sent

    def _input_waits(self) -> bool:
        try:
            return bool(self.sock.recv(1, _PEEK))
        except OSError:
            return False

    def _receive_first(self, size: int) -> bytes:
        """
        What comes first; the tickets of TLS 1.3 have come before it.

        @raise SSL.Error: as C{recv}.
        """
        data: bytes = self.ssl.recv(size)
        self.recv = self.ssl.recv
        self._link.keep(self.ssl.get_session(), self.loop.now, self._resumed)
        return data

    def _not_received(self, why: SSL.Error) -> None:
        if is_end(why):
            self.cut = True
        elif isinstance(why, SSL.SysCallError) or self._failed:
            pass
        elif not isinstance(why, (SSL.WantWriteError, SSL.ZeroReturnError)):
            self.failure = failure_words(why)
            self._link.forget()
        super()._not_received(why)

    def abort(self) -> None:
        """See L{Connection.abort}; the member is told in TLS too, as far as that costs no time."""
        if not self.closed and not self.connecting and not self.out and not self._failed:
            try:
                self.ssl.shutdown()
            except SSL.Error:
                clear_errors()
        super().abort()

    def _retire(self) -> None:
        if not self.connecting:
            # OpenSSL spoils the session of a connection that ends without a goodbye, and
            # others may be using it; one that broke in TLS itself is spoilt already.
            self.ssl.set_shutdown(_GOODBYE)
        super()._retire()


def opening_tls(
    loop: Loop,
    sock: Any,
    link: MemberLink,
    side: Any,
    timeout: float | None,
    preface: bytes = b"",
) -> Connection:
    """A TLS connection to a member on a socket that is being connected; C{timeout} is for both."""
    conn = TlsMemberConnection(loop, sock, link, side, preface)
    conn.start(WRITE)
    if timeout is not None:
        conn.hasten(loop.now + timeout)
    return conn
