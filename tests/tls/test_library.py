"""
What pyOpenSSL and OpenSSL do that one would not expect, each beside what is made of it here.

The first test of a pair shows the library as it is, so that a new version that behaves otherwise is
noticed; the second one is about us. Pairs whose second part is elsewhere name it.

=======================================================  =========================================
what the library does                                    what is shown of FiberLB
=======================================================  =========================================
a context is frozen by its first connection              C{FrozenTests}; C{test_chain.test_frozen},
                                                         C{test_contexts.test_reuse}
C{set_context} freezes the context it switches to        C{FrozenTests}
C{set_context} brings certificate, suites, ALPN and      C{SwitchTests.test_carried};
the OCSP callback                                        C{test_stapling.test_shown}
C{set_context} does not bring the verify mode            C{SwitchTests.test_verify_mode};
                                                         C{test_clients.test_mandatory}
nor the protocol versions, and options set in the        C{SwitchTests.test_versions};
callback come too late                                   C{test_contexts.test_minimum},
                                                         C{test_change_before_the_hello}
a client resumes or sends no server name, and names      C{tests/live/test_clients.test_host},
another Host                                             C{tests/relay/test_agreement}
an exception in the server name callback goes to         C{CallbackTests};
C{sys.excepthook}                                        C{test_contexts.test_exception}
without a server name the callback runs all the same     C{CallbackTests.test_no_name};
                                                         C{test_contexts.test_names}
an exception in the ALPN, verify or OCSP callback        C{CallbackTests};
comes out of C{do_handshake}                             C{test_stapling.test_exception}
an OCSP response that does not parse, or is about        C{OcspTests};
another certificate, is dropped without a word           C{test_ocsp}
RSA and ECDSA stand side by side in one context          C{test_contexts.test_rsa_and_ecdsa},
                                                         C{test_stapling.test_kinds_of_key}
the group is a post-quantum hybrid by itself             C{GroupTests}
parts of C{OpenSSL.crypto} are gone or deprecated        C{DeprecationTests}
there is no type for revocation lists                    C{test_clients.test_revoked},
                                                         C{test_overdue_list}
there is no call for the keys of tickets; they come      C{TicketTests};
with the first context, before a fork                    C{tests/live/test_workers_tls}
resumption does not mind the verify mode                 C{test_clients.test_matrix}
in TLS 1.2 a resumed session reports its old name        C{test_clients.test_matrix},
                                                         C{tests/live/test_clients.test_host}
=======================================================  =========================================
"""

from __future__ import annotations

import ast
import ssl
import sys
import warnings
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.chain import install
from fiberlb.tls.contexts import TlsSlot
from fiberlb.tls.material import inspect
from tests.support.certificates import Leaf, leaf
from tests.support.ocsp import Word, watched
from tests.support.sources import sources
from tests.tls.handshake import V12, V13, Pair, Plan, client_context, plan, slot
from tests.tls.test_stapling import Client, bearing, staple

A, B = leaf("a.test"), leaf("b.test")
A_WATCHED, B_WATCHED = watched("a.test"), watched("b.test")
BOTH = (client_context(V12, V12), client_context(V13, V13))


def context(one: Leaf) -> SSL.Context:
    """A context that serves a certificate, as the library makes it."""
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    install(made, inspect(one.model()))
    return made


class Raw:
    """
    A listener as one would write it with the library alone: a base, and a callback that switches.

    @param switch: called with the connection, in the callback.
    """

    def __init__(self, switch: Callable[[SSL.Connection], None]) -> None:
        self._base = context(A)
        self._base.set_tlsext_servername_callback(switch)

    def connection(self, sock: Any) -> SSL.Connection:
        """As a slot has it."""
        made = SSL.Connection(self._base, None)
        # Callbacks live in the base, which the switch lets go of.
        made.set_app_data(self._base)
        made.set_accept_state()
        return made


def raw(switch: Callable[[SSL.Connection], None]) -> Any:
    """What stands in for a slot."""
    return Raw(switch)


def to(chosen: SSL.Context) -> Callable[[SSL.Connection], None]:
    """A callback that switches, and nothing more."""
    return lambda connection: connection.set_context(chosen)


class FrozenTests(SynchronousTestCase):
    """Contexts that cannot be changed any more."""

    def test_by_connection(self) -> None:
        """The first connection freezes a context; a slot never changes one that is in use."""
        made = context(A)
        SSL.Connection(made, None)
        self.assertRaises(ValueError, made.set_cipher_list, b"DEFAULT")
        self.assertRaises(ValueError, made.set_ocsp_server_callback, lambda *_: b"")
        changing = slot(A)
        Pair(changing, "a.test").handshake()
        for one in (B, A):
            changing.use(changing.prepare(plan(one)))
            self.assertTrue(Pair(changing, None).handshake().shows(one))

    def test_by_switch(self) -> None:
        """So does a switch to it."""
        made = context(B)
        Pair(raw(to(made)), "b.test").handshake()
        self.assertRaises(ValueError, made.use_certificate, B.certificate)


class SwitchTests(SynchronousTestCase):
    """What comes with a context that was switched to."""

    def test_carried(self) -> None:
        """Certificate, suites of TLS 1.2, ALPN."""
        made = context(B)
        made.set_cipher_list(b"ECDHE-ECDSA-CHACHA20-POLY1305")
        made.set_alpn_select_callback(lambda connection, offered: b"two")
        for client in (
            client_context(V12, V12, ("one", "two")),
            client_context(V13, V13, ("two",)),
        ):
            pair = Pair(raw(to(made)), "b.test", client).handshake()
            self.assertTrue(pair.shows(B))
            self.assertEqual(pair.client.selected_alpn_protocol(), "two")
            cipher = pair.client.cipher()
            assert cipher is not None
            if cipher[1] == "TLSv1.2":
                self.assertEqual(cipher[0], "ECDHE-ECDSA-CHACHA20-POLY1305")

    def test_verify_mode(self) -> None:
        """Not the verify mode: nobody is asked, unless the callback says so itself."""
        made = context(B)
        made.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        for client in BOTH:
            Pair(raw(to(made)), "b.test", client).handshake()

        def asking(connection: SSL.Connection) -> None:
            connection.set_context(made)
            connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)

        for client in BOTH:
            pair = Pair(raw(asking), "b.test", client)
            # In TLS 1.3 it is the server that sees it, after the client is done.
            self.assertRaises((ssl.SSLError, SSL.Error), pair.handshake)

    def test_versions(self) -> None:
        """Not the versions; to switch one off there is too late, but the callback can see it."""
        made = context(B)
        made.set_min_proto_version(SSL.TLS1_3_VERSION)
        seen: list[int] = []

        def late(connection: SSL.Connection) -> None:
            connection.set_context(made)
            connection.set_options(SSL.OP_NO_TLSv1_2)
            seen.append(connection.get_protocol_version())

        for switch in (to(made), late):
            pair = Pair(raw(switch), "b.test", BOTH[0]).handshake()
            self.assertEqual(pair.client.version(), "TLSv1.2")
        self.assertEqual(seen, [SSL.TLS1_2_VERSION])


class CallbackTests(SynchronousTestCase):
    """Exceptions, and names that are missing."""

    def setUp(self) -> None:
        """Record what would go to the standard error."""
        self.unhandled: list[Any] = []
        self.patch(sys, "excepthook", lambda *what: self.unhandled.append(what))

    def broken(self, *_: Any) -> Any:
        """A callback with a fault."""
        raise LookupError("broken")

    def test_server_name(self) -> None:
        """The client gets an alert, and the error goes where no log sees it; ours are logged."""
        for client in BOTH:
            self.assertRaises(ssl.SSLError, Pair(raw(self.broken), "b.test", client).handshake)
        self.assertEqual(len(self.unhandled), 2)

    def test_no_name(self) -> None:
        """The callback runs without a name, too."""
        names: list[bytes | None] = []
        for client in BOTH:
            Pair(raw(lambda c: names.append(c.get_servername())), None, client).handshake()
        self.assertEqual(names, [None, None])

    def test_alpn(self) -> None:
        """An exception of the ALPN callback comes out of the handshake; ours has no way to fail."""
        made = SSL.Context(SSL.TLS_SERVER_METHOD)
        install(made, inspect(B.model()))
        made.set_alpn_select_callback(self.broken)
        client = client_context(V13, V13, ("one",))
        self.assertRaises(LookupError, Pair(raw(to(made)), "b.test", client).handshake)
        pair = Pair(slot(A), "a.test", client_context(V13, V13, ("odd", "http/1.1"))).handshake()
        self.assertEqual(pair.client.selected_alpn_protocol(), "http/1.1")

    def test_ocsp(self) -> None:
        """As one of the OCSP callback does."""
        made = context(B)
        made.set_ocsp_server_callback(self.broken)
        self.assertRaises(LookupError, Client, raw(to(made)), b"b.test")


class OcspTests(SynchronousTestCase):
    """Responses that do not fit."""

    def test_dropped(self) -> None:
        """The library drops what it can see to be wrong, and shows what is wrong otherwise."""
        one, other = watched("a.test"), watched("b.test")

        def shown(data: bytes) -> bytes | None:
            made = context(one)
            made.set_ocsp_server_callback(lambda *_: data)
            return Client(raw(to(made))).stapled

        good = Word().about(one)
        self.assertEqual(shown(good), good)
        for wrong in (b"garbage", Word().about(other)):
            self.assertEqual(shown(wrong), b"")
        ended = Word(since=-7200, until=-60).about(one)
        self.assertEqual(shown(ended), ended)

    def test_base_or_leaf(self) -> None:
        """It is the leaf that is asked, whatever the base has."""
        made = TlsSlot("listener", now=lambda: staple(B_WATCHED).since)
        others = (bearing(B_WATCHED, staple(B_WATCHED)),)
        made.use(made.prepare(Plan(default=(bearing(A_WATCHED, None),), others=others)))
        self.assertEqual(Client(made, b"b.test").stapled, staple(B_WATCHED).response)
        self.assertEqual(Client(made, b"a.test").stapled, b"")


class GroupTests(SynchronousTestCase):
    """How keys are agreed on."""

    def test_hybrid(self) -> None:
        """Clients that can do it get what outlives quantum computers."""
        client = Client(slot(A), asks=False)
        self.assertEqual(client.server.get_group_name(), "X25519MLKEM768")
        self.assertEqual(client.client.get_group_name(), "X25519MLKEM768")


class DeprecationTests(SynchronousTestCase):
    """Parts that are gone, or will be."""

    GONE = frozenset(
        "PKCS12 load_pkcs12 X509Req CRL Revoked load_crl X509Extension NetscapeSPKI sign verify"
        " load_certificate_request load_certificate load_privatekey dump_privatekey"
        " X509Name".split()
    )

    def test_unused(self) -> None:
        """Nothing of it is used: C{cryptography} reads and writes."""
        found = [
            f"{source.name}:{node.lineno}: {node.attr}"
            for source in sources("fiberlb")
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "crypto"
            and node.attr in self.GONE
        ]
        self.assertEqual(found, [])

    def test_silent(self) -> None:
        """No deprecated call is made by a handshake, or before it."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            for client in BOTH:
                Pair(slot(A), "a.test", client).handshake()


class TicketTests(SynchronousTestCase):
    """The keys of tickets."""

    def test_first_context(self) -> None:
        """They are those of the context that a connection is made with, not of the one it has."""
        chosen = context(B)
        for client in BOTH:
            one, other = raw(to(chosen)), raw(to(chosen))
            session = Pair(one, "b.test", client).handshake().client.session
            self.assertTrue(Pair(one, "b.test", client, session).handshake().client.session_reused)
            again = Pair(other, "b.test", client, session).handshake()
            self.assertFalse(again.client.session_reused)

    def test_no_call(self) -> None:
        """The library has still no call for them; with one, rotation need not replace contexts."""
        names = [name for name in dir(SSL.Context) if "ticket" in name.lower()]
        self.assertEqual(names, [])
