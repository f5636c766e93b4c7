"""The contexts that challenges over TLS are answered with (RFC 8737)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from OpenSSL import SSL

from fiberlb.model.certificate import Certificate
from fiberlb.model.challenges import ALPN
from fiberlb.tls.chain import install
from fiberlb.tls.material import inspect
from fiberlb.tls.openssl import bounded_reads


class _Unjudged:
    """What every connection of ours has (L{fiberlb.tls.contexts}): nobody is judged here."""

    guard = None
    agreed = ALPN
    failed = ""


class ChallengeContexts:
    """
    One context for each name that is asked for.

    @param certificates: server name -> certificate and key, PEM.
    """

    def __init__(self, certificates: Mapping[str, tuple[str, str]]) -> None:
        self._contexts = {
            name.encode(): _context(chain, key) for name, (chain, key) in certificates.items()
        }

    def connection(
        self, sock: socket.socket | None, name: bytes, protocols: tuple[bytes, ...]
    ) -> SSL.Connection | None:
        """
        What answers a ClientHello; C{None} if it asks for no challenge of ours.

        @param sock: as of L{fiberlb.tls.contexts.TlsSlot.connection}.
        @param name: in lower case.
        """
        context = self._contexts.get(name) if protocols == (ALPN,) else None
        if context is None:
            return None
        connection = SSL.Connection(context, sock)
        connection.set_app_data(_Unjudged())
        bounded_reads(connection)
        connection.set_accept_state()
        return connection


def _context(chain: str, key: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_alpn_select_callback(_select)
    install(context, inspect(Certificate(certificate=chain, private_key=key)))
    return context


def _select(connection: SSL.Connection, offered: list[bytes]) -> Any:
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
