"""Tests of sessions that come back to a L{fiberlb.tls.contexts.TlsSlot}."""

from __future__ import annotations

from OpenSSL import SSL

from fiberlb.tls.contexts import TlsSlot
from tests.support.certificates import leaf
from tests.tls.handshake import V12, V13, HandshakeCase, Pair, change, client_context, slot

D, A = leaf("default.test"), leaf("a.test")
BOTH = (client_context(V12, V12), client_context(V13, V13))


class ResumptionTests(HandshakeCase):
    """Sessions that come back."""

    def test_resumed(self) -> None:
        """With a name and without one, in both versions."""
        made = slot(D, others=(A,))
        for context in BOTH:
            for name in (None, "a.test"):
                session = Pair(made, name, context).handshake().client.session
                again = Pair(made, name, context, session).handshake()
                self.assertTrue(again.client.session_reused)

    def test_after_certificate_swap(self) -> None:
        """Tickets outlive certificates."""
        for context in BOTH:
            made = slot(D, others=(A,))
            session = Pair(made, "a.test", context).handshake().client.session
            renewed = leaf("a.test", serial=2)
            change(made, D, others=(renewed,))
            self.assertTrue(Pair(made, "a.test", context).handshake().shows(renewed))
            again = Pair(made, "a.test", context, session).handshake()
            self.assertTrue(again.client.session_reused)

    def test_other_listener(self) -> None:
        """A session of another listener is not taken, and the handshake is a full one."""
        for context in BOTH:
            session = Pair(slot(D), None, context).handshake().client.session
            pair = Pair(slot(D), None, context, session).handshake()
            self.assertFalse(pair.client.session_reused)

    def test_strict_holds(self) -> None:
        """A session does not open a strict listener to a name it does not know."""
        for context in BOTH:
            made = slot(D, others=(A,))
            session = Pair(made, "gone.test", context).handshake().client.session
            change(made, D, others=(A,), strict=True)
            pair = Pair(made, "gone.test", context, session)
            self.assertEqual(self.refused(pair), "UNRECOGNIZED_NAME")

    def test_bases(self) -> None:
        """A base is made once, and once more when the cipher suites change."""
        base: list[SSL.Context] = []

        def make() -> SSL.Context:
            base.append(SSL.Context(SSL.TLS_SERVER_METHOD))
            return base[-1]

        made = TlsSlot("listener", make)
        for _ in range(3):
            change(made, D)
        self.assertEqual(len(base), 1)
        change(made, D, cipher_suites=("TLS_AES_128_GCM_SHA256",))
        self.assertEqual(len(base), 2)

    def test_rotated(self) -> None:
        """Keys that are replaced end the sessions made with them; connections do not notice."""
        for context in BOTH:
            made = slot(D, others=(A,))
            before = made.connection
            old = before(None)
            session = Pair(made, "a.test", context).handshake().client.session
            made.rotate()
            pair = Pair(made, "a.test", context, session).handshake()
            self.assertFalse(pair.client.session_reused)
            again = Pair(made, "a.test", context, pair.client.session).handshake()
            self.assertTrue(again.client.session_reused)
            made.connection = lambda sock, old=old: old  # type: ignore[method-assign, misc]
            self.assertTrue(Pair(made, "a.test", context).handshake().shows(A))
        TlsSlot("listener").rotate()
