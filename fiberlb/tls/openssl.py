"""
The few things that pyOpenSSL has no public call for.

Its public server name callback can refuse a handshake only by raising, which
goes to C{sys.excepthook} each time: anybody could fill the error log. The one
here answers with an alert and is otherwise the same. Where a pyOpenSSL does
not have these inner parts the public call is used, and only that differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

#: pyOpenSSL's binding, typed as what it is here: anything, and perhaps not there.
_INNER: Any = SSL
_LIBRARY: Any = getattr(SSL, "_lib", None)

#: What every connection needs is looked up once.
_CLEAR_MODE: Any = getattr(_LIBRARY, "SSL_clear_mode", None)
_AUTO_RETRY: int = getattr(_LIBRARY, "SSL_MODE_AUTO_RETRY", 0x4)
_FINISHED: Any = getattr(_LIBRARY, "SSL_get_finished", None)
_NULL: Any = getattr(getattr(SSL, "_ffi", None), "NULL", None)

#: Alerts, RFC 8446 section 6.2.
PROTOCOL_VERSION = 70
INTERNAL_ERROR = 80
MISSING_EXTENSION = 109
UNRECOGNIZED_NAME = 112

#: The buffers of an idle connection are given back: 34 KiB less for each (SSL_set_mode(3)).
RELEASE_BUFFERS: int = getattr(_LIBRARY, "SSL_MODE_RELEASE_BUFFERS", 0x10)

#: No issuers of a certificate are looked for beyond those that came with it (SSL_set_mode(3)).
NO_AUTO_CHAIN: int = getattr(_LIBRARY, "SSL_MODE_NO_AUTO_CHAIN", 0x8)

#: Called for every ClientHello, with a server name or without: returns the
#: alert that refuses it, or 0. Must not raise.
Choose = Callable[[SSL.Connection], int]


class HandshakeRefused(Exception):
    """Ends a handshake where only the public callback is there."""


def set_servername_callback(context: SSL.Context, choose: Choose, inner: Any = _INNER) -> None:
    """
    Have C{choose} called for every handshake of a context's connections.

    The callback lives as long as the context object does, which has to
    outlive its connections' handshakes: OpenSSL knows only an address. Keep it
    in the connection (C{set_app_data}); C{set_context} drops it.

    @param context: without a connection so far.
    @param inner: where pyOpenSSL's inner parts are.
    """
    try:
        library, interface = inner._lib, inner._ffi
        connections = inner.Connection._reverse_mapping
        refuse = library.SSL_TLSEXT_ERR_ALERT_FATAL
        install = library.SSL_CTX_set_tlsext_servername_callback
    except AttributeError:
        context.set_tlsext_servername_callback(_public(choose))
        return

    def wrapper(ssl: Any, alert: Any, argument: Any) -> int:
        found = choose(connections[ssl])
        if found:
            alert[0] = found
            return refuse
        return 0

    # The last argument is returned when wrapper itself fails: a refusal.
    callback = interface.callback("int (*)(SSL *, int *, void *)", wrapper, refuse)
    context.set_app_data(callback)
    install(context._context, callback)


def _public(choose: Choose) -> Callable[[SSL.Connection], None]:
    def callback(connection: SSL.Connection) -> None:
        alert = choose(connection)
        if alert:
            raise HandshakeRefused(f"alert {alert}")

    return callback


def set_groups(context: SSL.Context, groups: bytes) -> bool:
    """
    Have keys exchanged in these groups only, in order of preference.

    @param groups: OpenSSL's names with colons between; one with a question mark in
        front may be missing.
    @return: whether that could be said here; else the library's own stay.
    """
    say = getattr(_LIBRARY, "SSL_CTX_set1_curves_list", None)
    if say is not None and say(context._context, groups) == 1:
        return True
    clear_errors()
    return False


def clear_errors() -> None:
    """
    Forget the errors of this thread's OpenSSL queue.

    After any failure: what is left in the queue is taken for the next
    connection's error (SSL_get_error(3)).
    """
    clear = getattr(_LIBRARY, "ERR_clear_error", None)
    if clear is not None:
        clear()


def reason(why: Exception) -> str:
    """OpenSSL's own words for an error: constants of the library, nothing of what was read."""
    errors = why.args[0] if why.args else None
    if isinstance(why, SSL.Error) and isinstance(errors, list) and errors:
        return str(errors[0][-1]) or "unknown reason"
    return "unknown reason"


def verdict(error: int) -> str:
    """OpenSSL's own words for a number of its verification."""
    try:
        words = _INNER._lib.X509_verify_cert_error_string(error)
        return str(_INNER._ffi.string(words).decode())
    except AttributeError:
        return f"error {error}"


def finished_sent(connection: SSL.Connection) -> bool:
    """
    Whether our Finished is on its way: all that we say in the handshake but for tickets.

    As C{get_finished}, which makes two buffers and a copy of what nobody looks at.
    """
    if _FINISHED is None:
        return connection.get_finished() is not None
    return bool(_FINISHED(connection._ssl, _NULL, 0))


def bounded_reads(connection: SSL.Connection) -> None:
    """
    Have C{recv} give up after a record that holds no data.

    pyOpenSSL has OpenSSL go on to the next record instead, which a flood of
    such records (key updates) never lets come back. Whoever calls C{recv}
    must come again as long as the socket is readable.
    """
    if _CLEAR_MODE is not None:
        _CLEAR_MODE(connection._ssl, _AUTO_RETRY)
