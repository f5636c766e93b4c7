"""
OpenSSL contexts: one base for a listener's connections, a leaf for each certificate.

OpenSSL takes some things from the context a connection was made with, for
good: the ticket keys, the options, the protocol versions, the suites of
TLS 1.3. Other things come from the context that the server name callback
switches to: certificate, key, suites of TLS 1.2, ALPN. And pyOpenSSL freezes
a context at its first connection. So a listener keeps one bare base context,
whose tickets stay good while certificates come and go, and makes a leaf for
whatever is new; protocol versions, which change too, are set on each
connection.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
from OpenSSL import SSL
from twisted.logger import Logger

from fiberlb.tls import openssl
from fiberlb.tls.ciphers import Suites, suites
from fiberlb.tls.direct import Connection
from fiberlb.tls.table import Plan, TlsTable, build

_log = Logger()
#: Seconds for which one process, or one template with its workers, uses the same ticket keys:
#: who gets hold of them reads what was sent in TLS 1.2 in that time.
ROTATION = 86400.0
#: Those of Mozilla's lists, and the hybrid that outlives quantum computers where there is one.
GROUPS = b"?X25519MLKEM768:X25519:P-256:P-384"
_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE


def bare_context() -> SSL.Context:
    """A base context: ticket keys are drawn here, so processes forked later share them."""
    return SSL.Context(SSL.TLS_SERVER_METHOD)


class Handshake:
    """
    What a connection keeps for its handshake; its C{app_data}.

    @ivar guard: judges the client; C{None} where it is not asked, which is settled when
        the server name has come.
    @ivar agreed: what ALPN agreed on; empty: nothing.
    @ivar failed: why a callback has refused the handshake, for the log.
    @ivar slot, table: what the connection was made by, and with.
    """

    __slots__ = ("agreed", "base", "failed", "guard", "protocols", "sessions", "slot", "table")

    def __init__(self, slot: TlsSlot, table: TlsTable) -> None:
        self.slot = slot
        self.table = table
        # The callbacks live in the base context, which set_context lets go of.
        self.base = table.base
        self.guard = table.guard
        self.protocols = table.protocols
        self.sessions = table.sessions
        self.agreed = b""
        self.failed = ""


class TlsSlot:
    """
    TLS of one listener, for as long as the listener is there.

    A change is made in two steps: L{prepare} does all that can fail and
    changes nothing, L{use} swaps one reference. Connections that are there
    live on with what they have.

    @param identity: tells this listener's sessions from others', such as its id.
    @param make_base: makes a base context; called for the first plan and when
        cipher suites or what is asked of clients change, since a session must not
        bring back what was taken away.
    @param now: seconds since the epoch, for what is stapled.
    """

    def __init__(
        self,
        identity: str,
        make_base: Callable[[], SSL.Context] = bare_context,
        now: Callable[[], float] = lambda: datetime.now(UTC).timestamp(),
    ) -> None:
        self._now = now
        self._session_id = hashlib.sha256(identity.encode()).digest()
        self._make_base = make_base
        self._bases: dict[object, SSL.Context] = {}
        self._table: TlsTable | None = None

    @property
    def table(self) -> TlsTable | None:
        """What is in use."""
        return self._table

    def prepare(self, plan: Plan) -> TlsTable:
        """
        Everything for a plan, without using it.

        @raise ConfigurationError: with problems at C{("certificates", id, field)},
            or at C{("cipher_suites", index)}, which is relative to the plan.
        """
        chosen = suites(plan.cipher_suites, ("cipher_suites",))
        base = self._base(chosen, plan.sessions, plan.client is not None)
        return build(plan, chosen, base, lambda: self._leaf(chosen), self._table, self._now)

    def use(self, table: TlsTable) -> None:
        """Choose from this table from the next handshake on; cannot fail."""
        self._table = table
        self._bases = {table.sessions: table.base}

    def rotate(self) -> None:
        """
        Use new ticket keys from the next handshake on; sessions from before begin anew.

        For a process of its own; workers share keys, and get others with another template.
        """
        table = self._table
        if table is not None:
            self._bases.clear()
            base = self._base(table.suites, table.sessions, table.guard is not None)
            self.use(attrs.evolve(table, base=base))

    def connection(self, sock: socket.socket | None) -> SSL.Connection:
        """
        A connection that waits for a client's handshake.

        @param sock: non-blocking and connected; C{None}: bytes are passed by
            C{bio_write} and C{bio_read}.

        @raise RuntimeError: no table is in use yet.
        """
        table = self._table
        if table is None:
            raise RuntimeError("connection before use")
        connection = Connection(table.base, sock)
        connection.set_app_data(Handshake(self, table))
        if table.options:
            connection.set_options(table.options)
        openssl.bounded_reads(connection)
        connection.set_accept_state()
        return connection

    def _choose(self, connection: SSL.Connection) -> int:
        """The server name callback: an alert, or 0 after switching to a leaf."""
        try:
            table = self._table
            assert table is not None, "prepared and never used"
            # The table may be newer than the connection, whose options are the older one's.
            found = table.choose(connection.get_protocol_version(), connection.get_servername())
            if isinstance(found, int):
                return found
            connection.set_context(found)
            _prepare_judgement(connection, table)
            return 0
        except Exception:
            _log.failure("the choice of a certificate failed; the handshake is refused")
            return openssl.INTERNAL_ERROR

    def _base(self, chosen: Suites, sessions: object, asking: bool) -> SSL.Context:
        """
        The base context for sessions of this kind, made when there is none.

        @param asking: clients may be asked for certificates.
        """
        base = self._bases.get(sessions)
        if base is None:
            base = self._make_base()
            self._configure(base, chosen)
            if not asking:
                # Nobody's authorities are there to be looked through, in each handshake.
                base.set_mode(openssl.NO_AUTO_CHAIN)
            openssl.set_servername_callback(base, self._choose)
            # Connections take it over, though nobody is asked until the name is known.
            base.set_verify(SSL.VERIFY_NONE, _verify)
            self._bases[sessions] = base
        return base

    def _leaf(self, chosen: Suites) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._configure(context, chosen)
        context.set_alpn_select_callback(_select_protocol)
        return context

    def _configure(self, context: SSL.Context, chosen: Suites) -> None:
        """What base and leaf have in common; a session resumes where both have the same id."""
        context.set_session_id(self._session_id)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(_OPTIONS)
        context.set_mode(openssl.RELEASE_BUFFERS)
        openssl.set_groups(context, GROUPS)
        # Tickets only: no memory for sessions that may never come back, any process can take them.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        chosen.apply(context)


def up_to_date(connection: SSL.Connection, sock: Any) -> SSL.Connection:
    """
    A connection that nothing was read from yet: itself, or another one when what its
    listener uses has changed since. The versions it agrees to are settled when it is made.

    @param sock: its socket.
    """
    made = connection.get_app_data()
    if not isinstance(made, Handshake) or made.slot.table is made.table:
        return connection
    return made.slot.connection(sock)


def _prepare_judgement(connection: SSL.Connection, table: TlsTable) -> None:
    """The context does not bring its verify mode along: ask the client here, or not at all."""
    handshake = connection.get_app_data()
    handshake.protocols = table.protocols
    handshake.guard = guard = table.guard
    if guard is not None:
        if guard.covers(connection.get_servername()):
            guard.ask(connection)
        else:
            handshake.guard = None
    if handshake.sessions != table.sessions:
        # Its base is of an earlier plan; a session made with it would outlive this one.
        connection.set_options(SSL.OP_NO_TICKET)


def _verify(connection: SSL.Connection, certificate: Any, error: int, depth: int, ok: int) -> bool:
    """OpenSSL's verification has come to one certificate of a client's chain."""
    try:
        handshake = connection.get_app_data()
        if handshake.guard.verified(connection, certificate, error, depth, bool(ok)):
            return True
        handshake.failed = f"the client's certificate is refused: {openssl.verdict(error)}"
    except Exception:
        _log.failure("a client's certificate could not be judged; it is refused")
    return False


def refusal(connection: SSL.Connection) -> str:
    """
    Why a client may not be let in, though the handshake is done; empty: it may.

    To be asked after every handshake.
    """
    guard = connection.get_app_data().guard
    if guard is None:
        return ""
    try:
        return str(guard.refusal(connection))
    except Exception:
        _log.failure("a client's certificate could not be judged; it is refused")
        return "internal"


def _select_protocol(connection: SSL.Connection, offered: list[bytes]) -> Any:
    """The first of ours that the client offers; a client without one goes on without ALPN."""
    handshake = connection.get_app_data()
    for protocol in handshake.protocols:
        if protocol in offered:
            handshake.agreed = protocol
            return protocol
    return SSL.NO_OVERLAPPING_PROTOCOLS
