"""A client of Python's C{ssl} against a server connection, in memory."""

from __future__ import annotations

import ssl
import sys
from functools import cache
from typing import Any

import attrs
from cryptography import x509
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import TlsVersion
from fiberlb.snapshot import ClientPlan
from fiberlb.tls.contexts import TlsSlot
from fiberlb.tls.table import TlsTable
from tests.support.certificates import Leaf, leaf

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@attrs.frozen(kw_only=True)
class Plan:
    """A plan of the shape that the snapshot has."""

    default: tuple[Any, ...]
    others: tuple[Any, ...] = ()
    strict: bool = False
    min_version: TlsVersion = TlsVersion.TLS12
    max_version: TlsVersion | None = None
    cipher_suites: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("http/1.1",)
    client: ClientPlan | None = None

    @property
    def sessions(self) -> object:
        """As the snapshot's."""
        return self.cipher_suites, self.client.sessions if self.client else None


def plan(*leaves: Leaf, others: tuple[Leaf, ...] = (), **settings: Any) -> Plan:
    """A plan that serves these by default and C{others} by name."""
    default = tuple(one.model() for one in leaves or (leaf("default.test"),))
    return Plan(default=default, others=tuple(one.model() for one in others), **settings)


def slot(*leaves: Leaf, **settings: Any) -> TlsSlot:
    """A slot that uses such a plan."""
    made = TlsSlot("listener")
    change(made, *leaves, **settings)
    return made


def change(made: TlsSlot, *leaves: Leaf, **settings: Any) -> TlsTable:
    """Have a slot use another plan."""
    table = made.prepare(plan(*leaves, **settings))
    made.use(table)
    return table


@cache
def client_context(
    least: ssl.TLSVersion = V12,
    most: ssl.TLSVersion = V13,
    alpn: tuple[str, ...] = (),
    ciphers: str = "",
) -> ssl.SSLContext:
    """A client that trusts anybody; the tests look at the certificate themselves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = least, most
    # Some builds of Python let an end without close_notify pass for an orderly one.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if ciphers:
        context.set_ciphers(ciphers)
    return context


class Pair:
    """
    A client and a server connection, joined by memory.

    @ivar server: the slot's connection.
    @ivar client: the client's half.
    """

    def __init__(
        self,
        made: TlsSlot,
        name: str | None = None,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.server = made.connection(None)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = (context or client_context()).wrap_bio(
            self._incoming, self._outgoing, server_hostname=name, session=session
        )

    def move(self) -> None:
        """Pass on what either side has written."""
        sent = self._outgoing.read()
        if sent:
            self.server.bio_write(sent)
        try:
            while True:
                self._incoming.write(self.server.bio_read(65536))
        except SSL.WantReadError:
            pass

    def handshake(self) -> Pair:
        """
        Both sides to the end of the handshake.

        @raise ssl.SSLError: the client got an alert, or gave up.
        """
        for _ in range(8):
            for step, retry in (
                (self.client.do_handshake, ssl.SSLWantReadError),
                (self.server.do_handshake, SSL.WantReadError),
            ):
                try:
                    step()
                except retry:
                    pass
                except SSL.Error:
                    # The client's view is what the tests look at: pass the alert on.
                    self.move()
                    self.client.do_handshake()
                self.move()
        self.exchange()
        return self

    def exchange(self) -> None:
        """Bytes in both directions; in TLS 1.3 this brings the tickets too."""
        self.client.write(b"ping")
        self.move()
        assert self.server.recv(10) == b"ping"
        self.server.send(b"pong")
        self.move()
        assert self.client.read(10) == b"pong"

    @property
    def certificate(self) -> x509.Certificate:
        """What the client was shown."""
        der = self.client.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der)

    def shows(self, expected: Leaf) -> bool:
        """Whether the client was shown this certificate."""
        return self.certificate == expected.certificate


def alert(text: BaseException) -> str:
    """The alert that a client's error speaks of, such as C{UNRECOGNIZED_NAME}."""
    reason = str(getattr(text, "reason", ""))
    return reason.rpartition("ALERT_")[2].removeprefix("TLSV1_")


class HandshakeCase(SynchronousTestCase):
    """Refused handshakes are told to nobody but the client."""

    def setUp(self) -> None:
        """Record what would go to the standard error."""
        self.unhandled: list[Any] = []
        self.patch(sys, "excepthook", lambda *what: self.unhandled.append(what))

    def refused(self, pair: Pair) -> str:
        """The alert with which a handshake ends."""
        why = self.assertRaises(ssl.SSLError, pair.handshake)
        self.assertEqual(self.unhandled, [])
        return alert(why)
