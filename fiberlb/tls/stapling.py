"""Showing a responder's word along with a certificate (RFC 6066, 8; RFC 8446, 4.4.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography import x509
from OpenSSL import SSL
from twisted.logger import Logger

from fiberlb.model.ocsp import Staple

_log = Logger()

#: Certificates of one context, each with what is shown along with it.
Stapled = Sequence[tuple[x509.Certificate, Staple | None]]


def install(context: SSL.Context, several: Stapled, now: Callable[[], float]) -> None:
    """
    Have a context staple; nothing is installed where there is nothing to staple.

    OpenSSL asks the context that the server name has switched to, once the kind of key is
    known, and only for clients that ask. An exception would end the handshake, and nobody
    would hear of it but by C{do_handshake}.

    @param several: the certificates of the context, at most one of each kind of key.
    @param now: seconds since the epoch: what has ended is not shown any more, whether or not
        something newer has come.
    """
    if all(staple is None for _, staple in several):
        return

    def answer(connection: SSL.Connection, data: object) -> bytes:
        try:
            staple = several[0][1]
            if len(several) > 1:
                shown = connection.get_certificate(as_cryptography=True)
                staple = next((s for one, s in several if one == shown), None)
            return staple.response if staple is not None and staple.good(now()) else b""
        except Exception:
            _log.failure("an OCSP response is left out")
            return b""

    context.set_ocsp_server_callback(answer)
