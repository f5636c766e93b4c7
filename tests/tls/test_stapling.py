"""Tests of fiberlb.tls.stapling, with clients that ask."""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs
from OpenSSL import SSL
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.ocsp import Staple
from fiberlb.tls.contexts import TlsSlot
from tests.support.certificates import Leaf
from tests.support.ocsp import NOW, Word, watched
from tests.tls.handshake import Plan

AT = NOW.timestamp()
A, B = watched("a.test"), watched("b.test")
RSA = watched("a.test", kind="rsa", serial=2)
VERSIONS = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)


@cache
def staple(one: Leaf, until: float = AT + 100) -> Staple:
    """A good response."""
    return Staple(Word().about(one), AT - 100, until)


def bearing(one: Leaf, found: Staple | None) -> Any:
    """A certificate as it is put in force."""
    return attrs.evolve(one.model(), staple=found)


class Client:
    """
    One handshake in memory.

    @ivar stapled: what the client was shown; C{None}: it has not been asked about anything.
    """

    def __init__(
        self,
        slot: TlsSlot,
        name: bytes = b"a.test",
        version: int = SSL.TLS1_3_VERSION,
        *,
        asks: bool = True,
        sigalgs: bytes = b"",
        resumes: Client | None = None,
    ) -> None:
        before: Any = None if resumes is None else resumes.client
        context = SSL.Context(SSL.TLS_CLIENT_METHOD) if before is None else before.get_context()
        self.stapled: bytes | None = None
        if before is None:
            self._configure(context, version, sigalgs)
        self.client: SSL.Connection = SSL.Connection(context, None)
        self.client.set_tlsext_host_name(name)
        if asks:
            self.client.request_ocsp()
        session = None if before is None else before.get_session()
        if session is not None:
            self.client.set_session(session)
        self.client.set_connect_state()
        self.server = slot.connection(None)
        self._shake()

    def _configure(self, context: SSL.Context, version: int, sigalgs: bytes) -> None:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        if sigalgs:
            SSL._lib.SSL_CTX_set1_sigalgs_list(  # type: ignore[attr-defined]
                context._context,
                sigalgs,
            )
        context.set_ocsp_client_callback(self._shown)

    def _shown(self, connection: SSL.Connection, data: bytes, _: Any) -> bool:
        self.stapled = data
        return True

    def _shake(self) -> None:
        for _ in range(4):
            for one, other in ((self.client, self.server), (self.server, self.client)):
                try:
                    one.do_handshake()
                except SSL.WantReadError:
                    pass
                self._move(one, other)
        self.server.send(b"x")
        self._move(self.server, self.client)
        self.client.recv(1)

    def _move(self, one: SSL.Connection, other: SSL.Connection) -> None:
        try:
            while True:
                other.bio_write(one.bio_read(65536))
        except SSL.WantReadError:
            pass


class StaplingTests(SynchronousTestCase):
    """A slot whose certificates bear responses."""

    def setUp(self) -> None:
        """The time."""
        self.now = AT

    def slot(self, *default: Any, others: tuple[Any, ...] = ()) -> TlsSlot:
        """One that serves these."""
        made = TlsSlot("listener", now=lambda: self.now)
        made.use(made.prepare(Plan(default=default, others=others)))
        return made

    def test_shown(self) -> None:
        """By the name asked for, in both versions, to clients that ask; others are served too."""
        made = self.slot(bearing(A, staple(A)), others=(bearing(B, staple(B)),))
        for version in VERSIONS:
            for name, one in ((b"a.test", A), (b"b.test", B), (b"else.test", A)):
                self.assertEqual(Client(made, name, version).stapled, staple(one).response)
            self.assertIsNone(Client(made, version=version, asks=False).stapled)

    def test_none(self) -> None:
        """Without a response the handshake is as ever; beside one with a response too."""
        made = self.slot(bearing(A, None), others=(bearing(B, staple(B)),))
        for version in VERSIONS:
            self.assertEqual(Client(made, b"a.test", version).stapled, b"")
            self.assertEqual(Client(made, b"b.test", version).stapled, staple(B).response)

    def test_kinds_of_key(self) -> None:
        """Each kind of key has its own response, or none."""
        for pair in ((staple(A), staple(RSA)), (staple(A), None), (None, staple(RSA))):
            made = self.slot(bearing(A, pair[0]), bearing(RSA, pair[1]))
            for version in VERSIONS:
                for sigalgs, expected in (
                    (b"ECDSA+SHA256", pair[0]),
                    (b"RSA-PSS+SHA256:RSA+SHA256", pair[1]),
                ):
                    found = Client(made, version=version, sigalgs=sigalgs).stapled
                    self.assertEqual(found, expected.response if expected else b"")

    def test_ended(self) -> None:
        """From its end on it is not shown, though nothing else has come."""
        made = self.slot(bearing(A, staple(A)))
        self.now = AT + 99
        self.assertEqual(Client(made).stapled, staple(A).response)
        for self.now in (AT + 100, AT - 101):
            self.assertEqual(Client(made).stapled, b"")

    def test_renewed(self) -> None:
        """The next handshake gets the newer one; sessions resume, and bring none."""
        for version in VERSIONS:
            made = self.slot(bearing(A, staple(A)))
            first = Client(made, version=version)
            newer = Staple(Word(since=-60).about(A), AT, AT + 200)
            made.use(made.prepare(Plan(default=(bearing(A, newer),))))
            self.assertEqual(Client(made, version=version).stapled, newer.response)
            again = Client(made, version=version, resumes=first)
            # Asked for, and not even found wanting: there was no certificate to say it of.
            self.assertIsNone(again.stapled)

    def test_nothing_made_anew(self) -> None:
        """A table with the same responses has the same contexts."""
        made = self.slot(bearing(A, staple(A)))
        table = made.table
        assert table is not None
        again = made.prepare(Plan(default=(bearing(A, staple(A, AT + 100)),)))
        assert table.default is not None and again.default is not None
        self.assertEqual(len(set(again.leaves.values()) - set(table.leaves.values())), 1)
        found = self.slot(bearing(A, None)).table
        assert found is not None and found.default is not None

    def test_exception(self) -> None:
        """A fault of ours is logged, and leaves the response out."""
        made = TlsSlot("listener", now=lambda: 1 // 0)
        made.use(made.prepare(Plan(default=(bearing(A, staple(A)),))))
        with capturedLogs() as caught:
            self.assertEqual(Client(made).stapled, b"")
        self.assertIn("left out", caught[0]["log_format"])
        self.flushLoggedErrors(ZeroDivisionError)
