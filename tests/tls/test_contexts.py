"""Tests of fiberlb.tls.contexts: real handshakes, in memory."""

from __future__ import annotations

import gc
import ssl
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from fiberlb.errors import ConfigurationError
from fiberlb.model.listener import TlsVersion
from fiberlb.tls.contexts import TlsSlot, up_to_date
from tests.support.certificates import authority, leaf
from tests.tls.handshake import (
    V12,
    V13,
    HandshakeCase,
    Pair,
    change,
    client_context,
    plan,
    slot,
)

D, A, B, W = leaf("default.test"), leaf("a.test"), leaf("b.test"), leaf("*.w.test")
OLD, NEW = client_context(V12, V12), client_context(V13, V13)
BOTH = (OLD, NEW)


class NameTests(HandshakeCase):
    """Which certificate a client is shown."""

    def test_names(self) -> None:
        """Exact, wildcard and default, in any case and with a final dot, in both versions."""
        made = slot(D, others=(A, B, W))
        for name, expected in (
            (None, D),
            ("a.test", A),
            ("A.tEST", A),
            ("a.test.", A),
            ("x.w.test", W),
            ("x.y.w.test", D),
            ("w.test", D),
            ("default.test", D),
            ("unknown.test", D),
        ):
            for context in BOTH:
                self.assertTrue(Pair(made, name, context).handshake().shows(expected), name)

    def test_strict(self) -> None:
        """Strict: known names only; the alert says which way the name is wrong."""
        made = slot(D, others=(A,), strict=True)
        for context in BOTH:
            self.assertTrue(Pair(made, "a.test", context).handshake().shows(A))
            self.assertTrue(Pair(made, "default.test", context).handshake().shows(D))
            self.assertEqual(self.refused(Pair(made, "b.test", context)), "UNRECOGNIZED_NAME")
        self.assertEqual(self.refused(Pair(made, None, NEW)), "MISSING_EXTENSION")
        # TLS 1.2 has no such alert; OpenSSL sends the general one instead.
        self.assertEqual(self.refused(Pair(made, None, OLD)), "HANDSHAKE_FAILURE")

    def test_rsa_and_ecdsa(self) -> None:
        """Two kinds of key for one name: each client gets the one it can use, with its chain."""
        lower, other = authority("Lower", authority()), authority("Other", authority())
        ecdsa = leaf("a.test", issuer=lower, issuers=(lower,))
        rsa = leaf("a.test", kind="rsa", issuer=other, issuers=(other,))
        for made in (slot(rsa, ecdsa), slot(D, others=(rsa, ecdsa))):
            for ciphers, expected, issuer in (
                ("ECDHE-RSA-AES128-GCM-SHA256", rsa, other),
                ("ECDHE-ECDSA-AES128-GCM-SHA256", ecdsa, lower),
            ):
                context = client_context(V12, V12, ciphers=ciphers)
                pair = Pair(made, "a.test", context).handshake()
                self.assertTrue(pair.shows(expected))
                # The client's library shows no chain; what the server's context holds does.
                chain = handed_over(made, context, "a.test")
                self.assertEqual(chain, [expected.certificate, issuer.certificate])

    def test_first_counts(self) -> None:
        """Of several certificates for one name the first is served, the default before others."""
        second = leaf("a.test", serial=1)
        self.assertTrue(Pair(slot(D, others=(A, second)), "a.test").handshake().shows(A))
        self.assertTrue(Pair(slot(second, others=(A,)), "a.test").handshake().shows(second))

    def test_expired(self) -> None:
        """An expired certificate is served, and the table tells of it."""
        old = leaf("old.test", days=-1)
        made = TlsSlot("listener")
        table = change(made, old)
        self.assertTrue(Pair(made).handshake().shows(old))
        (material,) = table.materials.values()
        self.assertTrue(material.expired(material.not_after.timestamp() + 1))

    def test_alpn(self) -> None:
        """http/1.1 is agreed on where it is offered; other offers, and none, work without."""
        made = slot(D)
        for offered, agreed in (
            (("h2", "http/1.1"), "http/1.1"),
            (("h2",), None),
            (("x-unknown",), None),
            ((), None),
        ):
            for least in (V12, V13):
                context = client_context(least, least, alpn=offered)
                pair = Pair(made, "default.test", context).handshake()
                self.assertEqual(pair.client.selected_alpn_protocol(), agreed)


def handed_over(made: TlsSlot, context: ssl.SSLContext, name: str) -> list[Any]:
    """The chain on the wire, as pyOpenSSL's client sees it."""
    cipher = context.get_ciphers()[-1]["name"]
    theirs = SSL.Context(SSL.TLS_CLIENT_METHOD)
    theirs.set_max_proto_version(SSL.TLS1_2_VERSION)
    theirs.set_cipher_list(cipher.encode())
    client, server = SSL.Connection(theirs, None), made.connection(None)
    client.set_tlsext_host_name(name.encode())
    client.set_connect_state()
    for _ in range(6):
        for one, other in ((client, server), (server, client)):
            try:
                one.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                other.bio_write(one.bio_read(65536))
            except SSL.WantReadError:
                pass
    return list(client.get_peer_cert_chain(as_cryptography=True) or [])


class VersionTests(HandshakeCase):
    """Protocol versions and cipher suites."""

    def test_minimum(self) -> None:
        """A listener for TLS 1.3 refuses TLS 1.2, whatever name is sent or not."""
        made = slot(D, others=(A,), min_version=TlsVersion.TLS13)
        for name in (None, "a.test", "unknown.test"):
            self.assertEqual(self.refused(Pair(made, name, OLD)), "PROTOCOL_VERSION")
            self.assertEqual(Pair(made, name).handshake().client.version(), "TLSv1.3")

    def test_maximum(self) -> None:
        """A listener up to TLS 1.2 serves clients of both at 1.2, and refuses those of 1.3."""
        made = slot(D, max_version=TlsVersion.TLS12)
        for name in (None, "default.test"):
            self.assertEqual(Pair(made, name).handshake().client.version(), "TLSv1.2")
            self.assertEqual(self.refused(Pair(made, name, NEW)), "PROTOCOL_VERSION")

    def test_change(self) -> None:
        """The bounds change back and forth while the listener is in use."""
        made = slot(D)
        Pair(made, None, OLD).handshake()
        for name in (None, "default.test"):
            change(made, D, min_version=TlsVersion.TLS13)
            self.assertEqual(self.refused(Pair(made, name, OLD)), "PROTOCOL_VERSION")
            change(made, D, max_version=TlsVersion.TLS12)
            self.assertEqual(self.refused(Pair(made, name, NEW)), "PROTOCOL_VERSION")
            self.assertEqual(Pair(made, name).handshake().client.version(), "TLSv1.2")
            change(made, D)
            self.assertEqual(Pair(made, name).handshake().client.version(), "TLSv1.3")

    def test_change_before_the_hello(self) -> None:
        """A connection that was accepted before the change keeps to the bounds after it."""
        for name in (None, "default.test"):
            made = slot(D)
            pair = Pair(made, name, OLD)
            change(made, D, min_version=TlsVersion.TLS13)
            self.assertEqual(self.refused(pair), "PROTOCOL_VERSION")

    def test_up_to_date(self) -> None:
        """One that has read nothing is made anew after a change, and only then."""
        made = slot(D, min_version=TlsVersion.TLS13)
        pair = Pair(made, None)
        self.assertIs(up_to_date(pair.server, None), pair.server)
        change(made, D, max_version=TlsVersion.TLS12)
        pair.server = up_to_date(pair.server, None)
        self.assertEqual(pair.handshake().client.version(), "TLSv1.2")

    def test_old_session(self) -> None:
        """A session of TLS 1.2 does not get around a new minimum."""
        made = slot(D)
        session = Pair(made, None, OLD).handshake().client.session
        change(made, D, min_version=TlsVersion.TLS13)
        self.assertEqual(self.refused(Pair(made, None, OLD, session)), "PROTOCOL_VERSION")

    def test_ancient_versions(self) -> None:
        """TLS 1.0 and 1.1 are refused."""
        made = slot(D)
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = client_context(version, version, ciphers="ALL:@SECLEVEL=0")
            self.assertEqual(self.refused(Pair(made, None, context)), "PROTOCOL_VERSION")

    def test_default_suites(self) -> None:
        """Without a list TLS 1.2 has forward secrecy and no CBC."""
        made = slot(leaf("a.test", kind="rsa"))
        for cipher in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA"):
            context = client_context(V12, V12, ciphers=cipher)
            self.assertEqual(self.refused(Pair(made, None, context)), "HANDSHAKE_FAILURE")
        for context, best in (
            (OLD, "ECDHE-RSA-AES128-GCM-SHA256"),
            (NEW, "TLS_AES_128_GCM_SHA256"),
            (client_context(V12, V12, ciphers="AES256"), "ECDHE-RSA-AES256-GCM-SHA384"),
            (client_context(V12, V12, ciphers="CHACHA20"), "ECDHE-RSA-CHACHA20-POLY1305"),
        ):
            chosen = Pair(made, None, context).handshake().client.cipher()
            self.assertEqual(chosen and chosen[0], best)

    def test_suites(self) -> None:
        """The list rules in both versions, and its order over the client's."""
        names = (
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "TLS_AES_128_GCM_SHA256",
        )
        made = slot(D)
        Pair(made).handshake()
        change(made, D, cipher_suites=names)
        for context, expected in ((OLD, names[0]), (NEW, names[2])):
            chosen = Pair(made, "x", context).handshake().client.cipher()
            self.assertEqual(chosen and chosen[0], expected)
        other = client_context(V12, V12, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
        self.assertEqual(self.refused(Pair(made, None, other)), "HANDSHAKE_FAILURE")

    def test_suite_taken_away(self) -> None:
        """A session does not bring back a suite that is no longer in the list."""
        for context, old, new in (
            (OLD, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
            (NEW, "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"),
        ):
            made = slot(D, cipher_suites=(old,))
            session = Pair(made, None, context).handshake().client.session
            change(made, D, cipher_suites=(new,))
            pair = Pair(made, None, context, session).handshake()
            self.assertFalse(pair.client.session_reused)
            chosen = pair.client.cipher()
            self.assertEqual(chosen and chosen[0], new)


class ChangeTests(HandshakeCase):
    """Tables come and go."""

    def test_live_connections(self) -> None:
        """A connection goes on over changes, also when everything older is forgotten."""
        made = slot(D, others=(A,))
        pairs = [Pair(made, "a.test", context).handshake() for context in BOTH]
        change(made, B, cipher_suites=("TLS_AES_128_GCM_SHA256",))
        gc.collect()
        for pair in pairs:
            pair.exchange()
            self.assertTrue(pair.shows(A))

    def test_half_way(self) -> None:
        """A handshake goes on that a change, and the end of its slot, meet half way."""

        def demanding() -> SSL.Context:
            # Clients have guessed another curve: they are asked for a second hello.
            base = SSL.Context(SSL.TLS_SERVER_METHOD)
            base.set_tmp_ecdh(ec.SECP384R1())
            return base

        made = TlsSlot("listener", demanding)
        change(made, D, others=(A,))
        pair = Pair(made, "a.test", NEW)
        self.assertRaises(ssl.SSLWantReadError, pair.client.do_handshake)
        pair.move()
        self.assertRaises(SSL.WantReadError, pair.server.do_handshake)
        pair.move()
        change(made, D, others=(B,), cipher_suites=("TLS_AES_256_GCM_SHA384",))
        del made
        gc.collect()
        pair.handshake()
        self.assertIn(pair.certificate, (A.certificate, D.certificate))

    def test_prepare_changes_nothing(self) -> None:
        """What is prepared and not used, or refused, leaves no trace."""
        made = slot(D)
        made.prepare(plan(A, min_version=TlsVersion.TLS13, strict=True))
        self.assertRaises(ConfigurationError, made.prepare, plan(D, cipher_suites=("x",)))
        for context in BOTH:
            self.assertTrue(Pair(made, None, context).handshake().shows(D))

    def test_back_to_an_old_table(self) -> None:
        """A table can be used again after another one was."""
        made = slot(D)
        first = made.table
        assert first is not None
        change(made, A)
        made.use(first)
        self.assertTrue(Pair(made).handshake().shows(D))

    def test_reuse(self) -> None:
        """What has not changed is not made again."""
        made = slot(D, others=(A, B))
        first = made.table
        second = change(made, D, others=(A, W), min_version=TlsVersion.TLS13)
        assert first is not None
        self.assertIs(second.names.select("a.test"), first.names.select("a.test"))
        self.assertIs(second.default, first.default)
        self.assertIs(second.base, first.base)
        self.assertEqual(len(second.leaves), 3)
        ident = A.model().id
        self.assertIs(second.materials[ident], first.materials[ident])

    def test_not_yet(self) -> None:
        """No connection without a table."""
        self.assertRaises(RuntimeError, TlsSlot("listener").connection, None)

    def test_problems(self) -> None:
        """Every bad certificate is told, by its id and field."""
        good, bad = A.model(), leaf("x.test", kind="secp256k1").model()
        mixed = attrs.evolve(good, private_key=B.key_pem())
        wrong = attrs.evolve(plan(D), others=(bad, mixed))
        why = self.assertRaises(ConfigurationError, TlsSlot("listener").prepare, wrong)
        self.assertEqual(
            [problem.path for problem in why.problems],
            [
                ("certificates", bad.id, "private_key"),
                ("certificates", mixed.id, "private_key"),
            ],
        )


class FailureTests(HandshakeCase):
    """What goes wrong inside the choice."""

    def test_exception(self) -> None:
        """An exception is logged by us and refuses the handshake; the next one is served."""
        made = slot(D)
        table = made.table

        class Broken:
            """Fails where a table chooses."""

            base, options, sessions = table and table.base, 0, table and table.sessions
            guard, protocols = None, ()

            def choose(self, version: int, name: bytes | None) -> int:
                """Fails."""
                raise LookupError("broken")

        made.use(Broken())  # type: ignore[arg-type]
        for context in BOTH:
            self.assertEqual(self.refused(Pair(made, "a.test", context)), "INTERNAL_ERROR")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)
        assert table is not None
        made.use(table)
        Pair(made, "a.test").handshake()

    def test_renegotiation(self) -> None:
        """A client of TLS 1.2 cannot have the handshake repeated."""
        made = slot(D)
        theirs = SSL.Context(SSL.TLS_CLIENT_METHOD)
        theirs.set_max_proto_version(SSL.TLS1_2_VERSION)
        client, server = SSL.Connection(theirs, None), made.connection(None)
        client.set_connect_state()

        def turn() -> None:
            for one, other in ((client, server), (server, client)):
                try:
                    one.recv(100)
                except SSL.WantReadError:
                    pass
                try:
                    other.bio_write(one.bio_read(65536))
                except SSL.WantReadError:
                    pass

        def turns() -> None:
            for _ in range(4):
                turn()

        turns()
        client.renegotiate()
        self.assertRaises(SSL.Error, turns)
        self.assertEqual(server.total_renegotiations(), 0)

    def test_garbage(self) -> None:
        """Plain HTTP, empty and random records fail at once and disturb nobody."""
        made = slot(D)
        for junk in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x01\x01", b"\0" * 64):
            server = made.connection(None)
            server.bio_write(junk)
            if junk[0] == 0x16:
                self.assertRaises(SSL.WantReadError, server.do_handshake)
            else:
                self.assertRaises(SSL.Error, server.do_handshake)
            Pair(made).handshake()
