"""Listeners."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import (
    ADD_TLS_CONFIG,
    Alpn,
    EncodedSlash,
    Listener,
    ListenerProtocol,
    PolicyOrder,
    TlsVersion,
)
from tests.model.documents import made, problems, values

LATER = "known, not supported by this version"
PLAIN: dict[str, Any] = {"port": 80, "protocol": "http"}
SECURE: dict[str, Any] = {"port": 443, "protocol": "https", "tls_config": {"certificate_id": "c"}}


class ListenerTests(SynchronousTestCase):
    """The fields."""

    def test_defaults(self) -> None:
        """A port and a protocol are all that is needed."""
        found = made(Listener, **PLAIN)
        self.assertEqual(
            (found.loadbalancer_id, found.address, found.https_redirect), ("default", (), 0)
        )
        self.assertFalse(found.terminates)
        self.assertTrue(found.speaks_http)
        self.assertFalse(made(Listener, port=1, protocol="TCP").speaks_http)

    def test_protocols(self) -> None:
        """TLS is terminated by two names."""
        for word in ("https", "HTTPS", "terminated_https", "TERMINATED_HTTPS", "terminated-https"):
            found = made(Listener, **{**SECURE, "protocol": word})
            self.assertTrue(found.terminates and found.speaks_http)

    def test_spelling(self) -> None:
        """The load balancer may be spelled with its underscore."""
        self.assertEqual(made(Listener, **PLAIN, load_balancer_id="x").loadbalancer_id, "x")

    def test_addresses(self) -> None:
        """One or several."""
        self.assertEqual(made(Listener, **PLAIN, address="::1").address, ("::1",))
        found = made(Listener, **PLAIN, address=["127.0.0.1", "2001:DB8::1"])
        self.assertEqual(found.address, ("127.0.0.1", "2001:db8::1"))

    def test_words(self) -> None:
        """Enums in any case."""
        found = made(Listener, **PLAIN, l7policy_order="Octavia", encoded_slash="KEEP")
        self.assertIs(found.l7policy_order, PolicyOrder.OCTAVIA)
        self.assertIs(found.encoded_slash, EncodedSlash.KEEP)

    def test_readiness_path(self) -> None:
        """A path, of listeners that understand requests."""
        self.assertEqual(made(Listener, **PLAIN, readiness_path="/ready").readiness_path, "/ready")
        for value in ("ready", "/a b", "/a?b", "/a#b", ""):
            self.assertEqual(len(problems(Listener, {**PLAIN, "readiness_path": value})), 1, value)
        found = problems(Listener, {"port": 1, "protocol": "tcp", "readiness_path": "/"})
        self.assertEqual(found, ["readiness_path: needs HTTP"])

    def test_https_redirect(self) -> None:
        """True is 308; a status is itself; false is none."""
        for value, wanted in values((True, 308), (False, 0), (301, 301), ("307", 307)):
            self.assertEqual(made(Listener, **PLAIN, https_redirect=value).https_redirect, wanted)
        for value in values(303, "yes", None, [], 0):
            self.assertEqual(
                problems(Listener, {**PLAIN, "https_redirect": value}),
                ["https_redirect: must be true, false, 301, 302, 307 or 308"],
            )
        self.assertEqual(
            problems(Listener, {**SECURE, "https_redirect": True}),
            ["https_redirect: is for http listeners only"],
        )

    def test_insert_headers(self) -> None:
        """Names in any case, booleans as Octavia's clients write them."""
        found = made(
            Listener, **PLAIN, insert_headers={"x-forwarded-for": "TRUE", "X-Forwarded-Port": False}
        )
        self.assertEqual(
            found.insert_headers, (("X-Forwarded-For", True), ("X-Forwarded-Port", False))
        )
        (told,) = problems(Listener, {**PLAIN, "insert_headers": {"X-SSL-Client-CN": True}})
        self.assertIn("this listener does not end it", told)
        found = made(Listener, **SECURE, insert_headers={"x-ssl-client-cn": "true"})
        self.assertEqual(found.insert_headers, (("X-SSL-Client-CN", True),))
        (told,) = problems(Listener, {**PLAIN, "insert_headers": {"X-Forwarded-Far": True}})
        self.assertIn("did you mean 'X-Forwarded-For'?", told)

    def test_levels(self) -> None:
        """Timeouts and limits of the listener alone."""
        found = made(Listener, **PLAIN, timeouts={"tunnel": "none"}, limits={"body": "1MiB"})
        self.assertEqual(
            (found.timeouts, found.limits), ((("tunnel", None),), (("body", 1048576),))
        )

    def test_refused(self) -> None:
        """Wrong values, each at its place."""
        found = problems(
            Listener,
            {
                "port": 0,
                "protocol": "htps",
                "address": "localhost",
                "allowed_cidrs": ["10.0.0.1/8"],
                "limits": {"uri": "1B"},
            },
        )
        self.assertEqual(
            [line.split(": ")[0] for line in found],
            ["port", "protocol", "address", "allowed_cidrs[0]", "limits.uri"],
        )
        self.assertEqual(problems(Listener, {}), ["port: is needed", "protocol: is needed"])

    def test_named(self) -> None:
        """Sockets with a name have no port; beside an IP address the port is that one's."""
        bare = {key: value for key, value in PLAIN.items() if key not in ("port", "address")}
        for text in ("unix:/run/x.sock", "fd:3", "fd:web", "fd:fiberlb.socket", "fd:a@b"):
            found = made(Listener, **{**bare, "address": text})
            self.assertEqual((found.address, found.port), ((text,), None))
        both = made(Listener, **{**bare, "address": ["::1", "unix:/x"], "port": 80})
        self.assertEqual(both.port, 80)
        for address, port, message in (
            ("unix:/x", 80, "port: does not go with unix:/x, which has no port"),
            (["fd:3", "fd:4"], 80, "port: does not go with fd:3, which has no port"),
            (["::1", "unix:/x"], None, "port: is needed"),
            ("fd:2", None, "is not fd: with a number from 3"),
            ("fd:a b", None, "is not fd: with a number from 3"),
            ("fd:", None, "is not fd: with a number from 3"),
            ("unix:x", None, "is not unix: and an absolute path"),
            (["unix:x"], None, "is not unix: and an absolute path"),
        ):
            given = {"port": port} if port else {}
            (told,) = problems(Listener, {**bare, "address": address, **given})
            self.assertIn(message, told)

    def test_later(self) -> None:
        """Keys, protocols and addresses of later versions."""
        for key in sorted(Listener.LATER):
            self.assertEqual(problems(Listener, {**PLAIN, key: None}), [f"{key}: {LATER}"])
        for text in ("onion:80",):
            (told,) = problems(Listener, {**PLAIN, "address": text})
            self.assertIn(f"{text.split(':')[0]}: {LATER}", told)

    def test_figures(self) -> None:
        """Figures of the node go with addresses and networks, and with nothing of traffic."""
        plain = {"port": 9, "protocol": "PROMETHEUS", "allowed_cidrs": ["10.0.0.0/8"]}
        found = made(Listener, **plain, connection_limit=9)
        self.assertTrue(found.shows_figures)
        self.assertFalse(found.speaks_http or found.datagrams or made(Listener, **PLAIN).terminates)
        for name, value in (
            ("accept_proxy_protocol", True),
            ("client_connection_limit", 5),
            ("default_pool_id", "p"),
            ("default_pools", [{"pool_id": "p"}]),
            ("insert_headers", {"x-forwarded-for": True}),
            ("limits", {"uri": "1KiB"}),
            ("timeouts", {"client_header": "5s"}),
        ):
            told = problems(Listener, {**plain, name: value})
            self.assertIn(f"{name}: does not go with prometheus", told)
        told = problems(Listener, {**plain, "readiness_path": "/x"})
        self.assertEqual(told, ["readiness_path: needs HTTP"])

    def test_datagrams(self) -> None:
        """UDP goes with IP addresses, and with nothing that needs connections."""
        udp = {"port": 53, "protocol": "UDP"}
        found = made(Listener, **udp, timeouts={"udp_idle": "5s"}, connection_limit=9)
        self.assertTrue(found.datagrams)
        self.assertFalse(found.speaks_http or found.terminates or made(Listener, **PLAIN).datagrams)
        for name, value in (
            ("accept_proxy_protocol", True),
            ("insert_headers", {"X-Forwarded-For": False}),
            ("address", ["::", "unix:/s"]),
            ("address", ["fd:3", "::"]),
            ("tls_config", {"certificate_id": "c"}),
            ("https_redirect", True),
        ):
            (told,) = problems(Listener, {**udp, name: value})
            self.assertTrue(told.startswith(name), told)


class TlsTests(SynchronousTestCase):
    """TLS termination."""

    def tls(self, **keys: Any) -> dict[str, Any]:
        """A listener's document with these keys of C{tls_config}."""
        return {**SECURE, "tls_config": {"certificate_id": "c", **keys}}

    def test_certificates(self) -> None:
        """One, several, or all there are."""
        for value, wanted in values(("c", ("c",)), (["a", "b"], ("a", "b"))):
            found = made(Listener, **self.tls(certificate_id=value)).tls_config
            assert found is not None
            self.assertEqual(found.certificate_id, wanted)
        for value, wanted in values(("all", None), (["a"], ("a",)), ([], ())):
            found = made(Listener, **self.tls(sni_certificate_ids=value)).tls_config
            assert found is not None
            self.assertEqual(found.sni_certificate_ids, wanted)

    def test_versions(self) -> None:
        """The seed's and Octavia's spelling."""
        for word in ("tls13", "TLSv1.3", "tls1.3"):
            found = made(Listener, **self.tls(min_version=word, max_version=word)).tls_config
            assert found is not None
            self.assertIs(found.min_version, TlsVersion.TLS13)
            self.assertIs(found.max_version, TlsVersion.TLS13)
        self.assertEqual(
            problems(Listener, self.tls(min_version="tls13", max_version="tls12")),
            ["tls_config.max_version: must not be below min_version"],
        )
        (told,) = problems(Listener, self.tls(min_version="TLSv1.1"))
        self.assertIn("'TLSv1.1' is not one of tls12, tls13", told)

    def test_passed_through(self) -> None:
        """https without its configuration is not read."""
        found = made(Listener, port=1, protocol="https")
        self.assertTrue(found.passes_tls)
        self.assertFalse(found.terminates or found.speaks_http)
        self.assertFalse(made(Listener, **SECURE).passes_tls)

    def test_refused(self) -> None:
        """No certificate, or no TLS to have it."""
        for document, wanted in (
            (
                {"port": 1, "protocol": "https", "insert_headers": {"X-Forwarded-For": False}},
                f"insert_headers: needs HTTP; {ADD_TLS_CONFIG}",
            ),
            (
                {"port": 1, "protocol": "terminated_https"},
                "tls_config: is needed by terminated_https",
            ),
            ({**SECURE, "protocol": "http"}, "tls_config: does not go with http; use https"),
            ({**SECURE, "protocol": "tcp"}, "tls_config: does not go with tcp; use https"),
            ({**SECURE, "tls_config": {}}, "tls_config.certificate_id: is needed"),
            (self.tls(certificate_id=[]), "tls_config.certificate_id: is needed"),
            (
                self.tls(certificate_id=["a"] * 9),
                "tls_config.certificate_id: must have at most 8 elements",
            ),
            (
                self.tls(cipher_suites=["a b"]),
                "tls_config.cipher_suites[0]: must be an OpenSSL cipher name",
            ),
        ):
            self.assertEqual(problems(Listener, document), [wanted])

    def test_profile(self) -> None:
        """The profile says what is oldest, unless the listener does."""
        for document, wanted in (
            ({}, TlsVersion.TLS12),
            ({"profile": "modern"}, TlsVersion.TLS13),
            ({"profile": "modern", "min_version": "tls12"}, TlsVersion.TLS12),
            ({"profile": "intermediate", "min_version": "tls13"}, TlsVersion.TLS13),
        ):
            found = made(Listener, **self.tls(**document)).tls_config
            assert found is not None
            self.assertIs(found.least, wanted)
        self.assertEqual(
            problems(Listener, self.tls(profile="modern", max_version="tls12")),
            ["tls_config.max_version: must not be below min_version"],
        )

    def test_alpn(self) -> None:
        """What this version serves; none is a choice."""
        found = made(Listener, **self.tls(alpn_protocols=["http/1.1"])).tls_config
        assert found is not None
        self.assertEqual(found.alpn_protocols, (Alpn.HTTP11,))
        found = made(Listener, **self.tls(alpn_protocols=[])).tls_config
        assert found is not None
        self.assertEqual(found.alpn_protocols, ())
        (told,) = problems(Listener, self.tls(alpn_protocols=["h2", "http/1.1"]))
        self.assertIn(LATER, told)

    def test_client_authentication(self) -> None:
        """It needs somebody to vouch, and what goes with it does nothing without it."""
        names = ["Api.Example.org.", "*.example.org"]
        asked = {"client_ca_certificate_id": "ca", "client_authentication_names": names}
        for word in ("optional", "MANDATORY"):
            found = made(Listener, **self.tls(client_authentication=word, **asked)).tls_config
            assert found is not None
            self.assertTrue(found.asks_clients)
            (told,) = problems(Listener, self.tls(client_authentication=word))
            self.assertEqual(
                told,
                f"tls_config.client_ca_certificate_id: is needed by client_authentication"
                f" {word.lower()}",
            )
        for told in problems(Listener, self.tls(**asked)):
            self.assertIn("does nothing: set client_authentication", told)
        for bad in ("a b", "a.*.b", "**.a", "*", "a/b", "é.example"):
            self.assertIn(
                "must be a server name",
                problems(
                    Listener,
                    self.tls(
                        client_authentication="optional",
                        client_ca_certificate_id="ca",
                        client_authentication_names=[bad],
                    ),
                )[0],
            )

    def test_words(self) -> None:
        """Protocol words are what they are in documents."""
        self.assertIs(ListenerProtocol("terminated_https"), ListenerProtocol.TERMINATED_HTTPS)
