"""
pyOpenSSL's connection, with a shorter way through the calls that every connection makes.

After each call pyOpenSSL asks OpenSSL, and three of its callbacks, whether anything went
wrong. Here that is asked only when the call itself says so, which is when there can be an
answer: a callback that fails has the handshake fail. Everything else is pyOpenSSL's own; so are
these methods where a pyOpenSSL does not have the inner parts that they need.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

#: pyOpenSSL's binding, typed as what it is here: anything, and perhaps not there.
_library: Any = getattr(SSL, "_lib", None)
_interface: Any = getattr(SSL, "_ffi", None)
_NEEDED = ("SSL_do_handshake", "SSL_read", "SSL_write", "SSL_get_error", "SSL_ERROR_WANT_READ")

if _interface is not None and all(hasattr(_library, name) for name in _NEEDED):
    _handshake, _read, _write, _error_of, _WANT_READ = (getattr(_library, n) for n in _NEEDED)
    _room = _interface.new_allocator(should_clear_after_alloc=False)
    _octets = _interface.buffer
    DIRECT = True
else:
    DIRECT = False


class Connection(SSL.Connection):
    """
    As C{SSL.Connection}.

    @cvar DIRECT: of the module: whether the shorter way is there.
    """

    if DIRECT:

        def do_handshake(self) -> None:
            """See C{SSL.Connection.do_handshake}."""
            ssl: Any = self._ssl
            result: int = _handshake(ssl)
            if result != 1:
                self._not_done(ssl, result)

        def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
            """See C{SSL.Connection.recv}; without flags."""
            ssl: Any = self._ssl
            buffer = _room("char[]", bufsiz)
            result: int = _read(ssl, buffer, bufsiz)
            if result <= 0:
                self._not_done(ssl, result)
            taken: bytes = _octets(buffer, result)[:]
            return taken

        def send(self, buf: Any, flags: int = 0) -> int:
            """See C{SSL.Connection.send}; bytes need no buffer made for them."""
            if type(buf) is not bytes or not 0 < len(buf) < 2**31:
                return super().send(buf, flags)
            ssl: Any = self._ssl
            result: int = _write(ssl, buf, len(buf))
            if result <= 0:
                self._not_done(ssl, result)
            return result

        def _not_done(self, ssl: Any, result: int) -> None:
            """
            Say why; what is most often so comes first.

            @raise SSL.Error: always, as pyOpenSSL's own methods.
            """
            if _error_of(ssl, result) == _WANT_READ:
                raise SSL.WantReadError
            self._raise_ssl_error(ssl, result)
            raise SSL.Error("nothing was done, and OpenSSL does not say why")
