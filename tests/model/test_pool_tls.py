"""Tests of fiberlb.model.pool_tls, and of what a pool says of TLS."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import unstructure
from fiberlb.model.listener import TlsVersion
from fiberlb.model.pool import Pool, PoolProtocol
from fiberlb.model.pool_tls import PoolTlsConfig, ServerName
from fiberlb.model.referring import references
from tests.model.documents import loaded, made, problems, refused, values

DEFAULTS = {
    "server_name": None,
    "ca_certificate_id": "system",
    "client_certificate_id": None,
    "min_version": "tls12",
    "insecure_skip_verify": False,
}


class ServerNameTests(SynchronousTestCase):
    """The name of one server."""

    def test_taken(self) -> None:
        """Names and addresses, in one spelling."""
        for given, wanted in {
            "API.Internal.": "api.internal",
            "a_b-c.x1": "a_b-c.x1",
            "xn--bcher-kva.example": "xn--bcher-kva.example",
            "192.0.2.1": "192.0.2.1",
            "2001:DB8:0::1": "2001:db8::1",
        }.items():
            self.assertEqual(loaded(ServerName(), given), wanted)

    def test_refused(self) -> None:
        """What is no name of one server."""
        for given, words in {
            "*.a.test": "without wildcards",
            "bücher.example": "did you mean 'xn--bcher-kva.example'",
            "": "not a host name",
            "a..b": "not a host name",
            "-a.test": "not a host name",
            "a.test:443": "not a host name",
            "https://a.test": "not a host name",
            "1.2.3": "not a host name",
            "a" * 64: "not a host name",
            "a\n": "not a host name",
            ".".join(["abc"] * 70): "not a host name",
        }.items():
            self.assertIn(words, refused(ServerName(), given))
        self.assertEqual(refused(ServerName(), 5), "must be a host name")


class PoolTlsTests(SynchronousTestCase):
    """The settings as a document."""

    def test_defaults(self) -> None:
        """Verified by the system's authorities, unless told otherwise."""
        self.assertEqual(unstructure(made(PoolTlsConfig)), DEFAULTS)
        pool = made(Pool, protocol="https", tls_config={})
        self.assertIs(pool.protocol, PoolProtocol.HTTPS)
        self.assertTrue(pool.encrypts)

    def test_given(self) -> None:
        """Everything set, and what it refers to."""
        given: dict[str, Any] = {
            "server_name": "a.test",
            "ca_certificate_id": "ca",
            "client_certificate_id": "own",
            "min_version": "TLSv1.3",
            "insecure_skip_verify": True,
        }
        pool = made(Pool, protocol="https", tls_config=given)
        assert pool.tls_config is not None
        self.assertIs(pool.tls_config.min_version, TlsVersion.TLS13)
        self.assertEqual(
            list(references(pool)),
            [
                ("certificates", "ca", ("tls_config", "ca_certificate_id")),
                ("certificates", "own", ("tls_config", "client_certificate_id")),
            ],
        )

    def test_one_switch(self) -> None:
        """Nothing but C{true} turns verification off, and no other key does."""
        for value in values("true", "yes", 1, None, "on", []):
            self.assertEqual(
                problems(PoolTlsConfig, {"insecure_skip_verify": value}),
                ["insecure_skip_verify: must be true or false"],
            )
        for value in values(None, "", False, []):
            self.assertEqual(
                problems(PoolTlsConfig, {"ca_certificate_id": value}),
                ["ca_certificate_id: must be a name or an id"],
            )
        for key in ("verify", "insecure", "skip_verify"):
            self.assertIn("unknown key", problems(PoolTlsConfig, {key: False})[0])

    def test_without_tls(self) -> None:
        """Where nothing speaks TLS its settings are refused; checks may be what does."""
        for protocol in ("http", "tcp"):
            (found,) = problems(Pool, {"protocol": protocol, "tls_config": {}})
            self.assertIn(f"tls_config: does not go with protocol {protocol}", found)
            self.assertIn("protocol: https", found)
            for kind in ("https", "tls_hello"):
                pool = made(Pool, protocol=protocol, tls_config={}, health_monitor=kind)
                self.assertTrue(pool.checks_tls and not pool.encrypts)
