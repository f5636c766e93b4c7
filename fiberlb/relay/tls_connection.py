"""
A client's TLS connection: the handshake, then a L{TlsStream}.

Its side is told C{connected} when the handshake is done, or C{refused} when it
fails or takes too long; before that it hears nothing. It may replace itself by
another side when it is told::

    connection = TlsConnection(loop, sock, slot.connection(sock), side, limit)
    connection.begin()
    # later: side.connected(), then connection.sni, .version, .protocol
"""

from __future__ import annotations

import errno
import socket
from typing import Any, Final

from cryptography import x509
from OpenSSL import SSL

from fiberlb.relay.connection import NEVER, READ_SIZE
from fiberlb.relay.lingering import MOST_DROPPED, PATIENCE
from fiberlb.relay.loop import READ, Loop
from fiberlb.relay.nobody import NOBODY
from fiberlb.relay.tls_handshake import TlsHandshake
from fiberlb.relay.tls_stream import RECORD
from fiberlb.tls.contexts import refusal, up_to_date
from fiberlb.tls.openssl import finished_sent, reason
from fiberlb.tls.shown import Shown
from fiberlb.tls.sni import normal

_PLAIN_HTTP: Final = "http request"
_SPEAK_TLS: Final = b"This port speaks HTTPS.\n"
_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_SPEAK_TLS), _SPEAK_TLS)
)


class TlsConnection(TlsHandshake):
    """
    One TLS socket of a client.

    C{connecting} is true until the handshake is done; C{deadline} is the limit
    of it until then, and L{NEVER} when C{side.connected} is called.

    @ivar sni: after the handshake the server name that the client asked for, in lower
        case and without a final dot; C{None} when it sent none. A session of TLS 1.2
        that was resumed has the name it was made with.
    """

    __slots__ = ("_begun", "_limit", "_lingering", "sni")

    def __init__(
        self, loop: Loop, sock: Any, ssl: SSL.Connection, side: Any, limit: float | None
    ) -> None:
        """
        @param ssl: on this socket, in accept state: C{TlsSlot.connection(sock)}.
        @param limit: seconds that the handshake may take, from C{start} on; C{None}: any time.
        """
        super().__init__(loop, sock, ssl, side)
        self.sni: bytes | None = None
        self._limit = limit
        self._lingering = False
        self._begun = False

    @property
    def shown(self) -> Shown | None:
        """The client's certificate, found to be in order; C{None}: none, or it was not asked."""
        if self.ssl.get_app_data().guard is None:
            return None
        certificate: x509.Certificate | None = self.ssl.get_peer_certificate(as_cryptography=True)
        return None if certificate is None else Shown(certificate)

    @property
    def version(self) -> str:
        """The protocol version after the handshake: C{TLSv1.2} or C{TLSv1.3}."""
        return self.ssl.get_protocol_version_name()

    @property
    def cipher(self) -> str:
        """The cipher suite after the handshake, by OpenSSL's name."""
        return self.ssl.get_cipher_name() or ""

    @property
    def protocol(self) -> bytes:
        """What ALPN agreed on; empty when nothing was."""
        agreed: bytes = self.ssl.get_app_data().agreed
        return agreed

    def start(self, events: int = READ) -> None:
        """Begin to be watched, and the handshake's time."""
        super().start(events)
        if self._limit is not None:
            self.hasten(self.loop.now + self._limit)

    def begin(self, at_once: bool = True) -> None:
        """
        L{start}, just accepted.

        @param at_once: the client has mostly begun: look, before waiting for it.
        """
        if not at_once:
            self.start()
            return
        if self._limit is not None:
            self.deadline = self.loop.now + self._limit
        self.start_later()
        try:
            if self._input_waits():
                self._begun = True
                self.readable()
            if not self.closed:
                self.settle()
        except Exception:
            self.loop.fault(self)

    def _input_waits(self) -> bool:
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass  # OpenSSL meets it again
        return True

    def visit(self, now: float) -> float:
        """The wheel asks; when to ask again."""
        if self._lingering and not self.closed and self.deadline <= now:
            self._retire()
            return 0.0
        return super().visit(now)

    def break_off(self) -> None:
        """See L{fiberlb.relay.connection.Connection.break_off}."""
        if self._lingering:
            self.abort()
        else:
            super().break_off()

    def _opened(self) -> None:
        """A step of the handshake, or what comes after a refusal."""
        if self._lingering:
            self._drop()
        else:
            if not self._begun:
                self._begin()
            super()._opened()
            if self.connecting and not self._held and not self.closed:
                self._hold_tickets()

    def _begin(self) -> None:
        """The client has begun, perhaps a while after it was accepted, and changes since then."""
        self._begun = True
        ssl = up_to_date(self.ssl, self.sock)
        if ssl is not self.ssl:
            self.ssl, self.recv, self.send = ssl, ssl.recv, ssl.send

    def _hold_tickets(self) -> None:
        """
        Have tickets held back, once nothing but these is left to be sent.

        OpenSSL writes each by itself, and each write would be a segment of its own. That our
        Finished is out before the client's is so in TLS 1.3, and where a session of TLS 1.2 is
        resumed, and only after whatever the client waits for; an alert goes out with the end of
        the connection.
        """
        if finished_sent(self.ssl):
            self._hold()

    def shaken(self) -> None:
        """See L{TlsHandshake.shaken}."""
        why_not = refusal(self.ssl)
        if why_not:
            self.refuse(errno.EACCES, why_not)
            return
        self.connecting = False
        self.deadline = NEVER
        name = self.ssl.get_servername()
        if name is not None:
            self.sni = normal(name.decode("latin-1")).encode("latin-1")
        if self.events != READ:
            self._watch()
        self.side.connected()
        if self._held and not self.closed:
            self._go_on()

    def _go_on(self) -> None:
        """
        A client that had the last word in the handshake has mostly sent its request by now.

        Then the tickets wait for the answer, to travel in its segment; the system gives up
        after 200 ms (tcp(7), C{TCP_CORK}). Otherwise they leave now.
        """
        if self._reading and not self.closing:
            try:
                data = self.recv(RECORD)
            except SSL.WantReadError:
                pass
            except SSL.Error as why:
                self._let_go()
                self._not_received(why)
                return
            else:
                if len(data) == RECORD or self.ssl.pending():
                    self._received_full(data)
                else:
                    self.side.received(data)
                return
        self._let_go()

    def failed_with(self, why: SSL.Error) -> None:
        """See L{TlsHandshake.failed_with}."""
        text = self.ssl.get_app_data().failed or reason(why)
        if isinstance(why, SSL.SysCallError):
            code = why.args[0] if why.args and why.args[0] > 0 else errno.ECONNRESET
            self.refuse(code, "the client went away")
            return
        if text == _PLAIN_HTTP:
            self._answer_plainly()
        self.refuse(errno.EPROTO, text)

    def leave(self, code: int) -> None:
        """See L{TlsHandshake.leave}; a client whose certificate was asked for can read why."""
        if code in (errno.EPROTO, errno.EACCES) and self.ssl.get_app_data().guard is not None:
            self._linger()
        else:
            self._retire()

    def _answer_plainly(self) -> None:
        """Plain HTTP has come: say so, in the words it understands."""
        try:
            # The request is read first: what lies unread would have the system drop our answer.
            self.sock.recv(READ_SIZE)
        except OSError:
            pass
        try:
            self.sock.send(_ANSWER)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _linger(self) -> None:
        """
        Let the client read why: in TLS 1.3 its request follows its certificate at once.

        See L{fiberlb.relay.lingering}; here no more is read through OpenSSL.
        """
        self.side = NOBODY
        self._lingering = True
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._retire()
            return
        self.loop.change(self, READ)
        self.hasten(self.loop.now + PATIENCE)

    def _drop(self) -> None:
        try:
            for _ in range(MOST_DROPPED // READ_SIZE):
                if not self.sock.recv(READ_SIZE):
                    break
        except BlockingIOError:
            return
        except OSError:
            pass
        self._retire()
