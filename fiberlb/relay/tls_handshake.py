"""
A TLS connection whose handshake is still to be done, from either end.

Its side is told C{connected} when the handshake is done, or C{refused} when it
fails or takes too long; before that it hears nothing. Subclasses say what
follows from the one and what the other is called.
"""

from __future__ import annotations

import errno
from typing import Any

from OpenSSL import SSL
from twisted.logger import Logger

from fiberlb.relay.loop import READ, WRITE, Loop
from fiberlb.relay.tls_stream import TlsStream
from fiberlb.tls.openssl import clear_errors

_log = Logger()


class TlsHandshake(TlsStream):
    """
    C{connecting} is true until the handshake is done; C{deadline} is the limit of it until then.

    After a failed one C{failure} says what was wrong.
    """

    __slots__ = ()

    def __init__(self, loop: Loop, sock: Any, ssl: SSL.Connection, side: Any) -> None:
        super().__init__(loop, sock, ssl, side)
        self.connecting = True

    # What subclasses do.

    def shaken(self) -> None:
        """The handshake is done: look at what came of it, and tell the side."""
        raise AssertionError

    def failed_with(self, why: SSL.Error) -> None:
        """The handshake has failed: L{refuse} with the words for it."""
        raise AssertionError

    def leave(self, code: int) -> None:
        """The handshake has failed: close, now or a little later; C{code}: an errno."""
        self._retire()

    def overdue(self) -> str:
        """What is said of a handshake that takes too long."""
        return "it took too long"

    # What is the same for both.

    def visit(self, now: float) -> float:
        """The wheel asks; when to ask again."""
        if self.connecting and not self.closed and self.deadline <= now:
            self.refuse(errno.ETIMEDOUT, self.overdue())
            return 0.0
        return super().visit(now)

    def break_off(self) -> None:
        """See L{fiberlb.relay.connection.Connection.break_off}."""
        if self.connecting and not self.closed:
            self.refuse(errno.ECONNRESET, "the connection broke")
        else:
            super().break_off()

    def _opened(self) -> None:
        """A step of the handshake."""
        try:
            self.ssl.do_handshake()
        except SSL.WantReadError:
            self.loop.change(self, READ)
        except SSL.WantWriteError:
            self.loop.change(self, WRITE)
        except SSL.Error as why:
            clear_errors()
            self.failed_with(why)
        else:
            self.shaken()

    def refuse(self, code: int, text: str) -> None:
        """The handshake has failed: close, and tell the side."""
        _log.debug("a TLS handshake failed: {reason}", reason=text)
        self.failure = text
        side = self.side
        self.leave(code)
        side.refused(code)
