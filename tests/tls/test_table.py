"""Tests of fiberlb.tls.table."""

from __future__ import annotations

from typing import Any

import attrs
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.listener import TlsVersion
from fiberlb.snapshot import TlsPlan
from fiberlb.tls import openssl
from fiberlb.tls.ciphers import Suites
from fiberlb.tls.table import Plan, TlsTable, build
from tests.support.certificates import Leaf, leaf
from tests.tls.handshake import plan

D, A, B, W = leaf("default.test"), leaf("a.test"), leaf("b.test"), leaf("*.w.test")
OLD, NEW = SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION


def bare() -> SSL.Context:
    """A leaf before it has a certificate."""
    return SSL.Context(SSL.TLS_SERVER_METHOD)


def zero() -> float:
    """The time."""
    return 0.0


def table(
    *leaves: Leaf, previous: TlsTable | None = None, suites: Suites | None = None, **settings: Any
) -> TlsTable:
    """A table for such a plan."""
    return build(plan(*leaves, **settings), suites or Suites(), bare(), bare, previous, zero)


class ChooseTests(SynchronousTestCase):
    """L{TlsTable.choose}."""

    def served(self, made: TlsTable, name: bytes | None) -> Any:
        """The certificate that is chosen, or the alert."""
        found = made.choose(NEW, name)
        if isinstance(found, int):
            return found
        return SSL.Connection(found, None).get_certificate(as_cryptography=True)

    def test_names(self) -> None:
        """Exact, wildcard, default."""
        made = table(D, others=(A, W))
        for name, expected in (
            (b"a.test", A),
            (b"A.TEST.", A),
            (b"x.w.test", W),
            (b"w.test", D),
            (b"\xff\xfe", D),
            (b"", D),
            (None, D),
        ):
            self.assertEqual(self.served(made, name), expected.certificate, name)

    def test_strict(self) -> None:
        """Strict: an alert of its own for no name."""
        made = table(D, others=(A,), strict=True)
        self.assertEqual(self.served(made, b"a.test"), A.certificate)
        self.assertEqual(self.served(made, b"default.test"), D.certificate)
        self.assertEqual(self.served(made, b"x.test"), openssl.UNRECOGNIZED_NAME)
        self.assertEqual(self.served(made, b""), openssl.UNRECOGNIZED_NAME)
        self.assertEqual(self.served(made, None), openssl.MISSING_EXTENSION)

    def test_versions(self) -> None:
        """Outside of the bounds nobody is served, by whatever name."""
        cases: tuple[tuple[dict[str, Any], set[int]], ...] = (
            ({"min_version": TlsVersion.TLS13}, {NEW}),
            ({"max_version": TlsVersion.TLS12}, {OLD}),
            ({}, {OLD, NEW}),
        )
        for settings, served in cases:
            made = table(D, **settings)
            for version in (OLD, NEW, SSL.TLS1_1_VERSION):
                for name in (None, b"default.test"):
                    refused = made.choose(version, name) == openssl.PROTOCOL_VERSION
                    self.assertEqual(refused, version not in served)

    def test_options(self) -> None:
        """Connections switch off what is outside of the bounds."""
        self.assertEqual(table(D).options, 0)
        self.assertEqual(table(D, min_version=TlsVersion.TLS13).options, SSL.OP_NO_TLSv1_2)
        self.assertEqual(table(D, max_version=TlsVersion.TLS12).options, SSL.OP_NO_TLSv1_3)


class BuildTests(SynchronousTestCase):
    """L{build}."""

    def test_kinds_of_key(self) -> None:
        """One leaf holds one certificate of each kind of key; names are grouped the same way."""
        rsa = leaf("a.test", "r.test", kind="rsa")
        made = table(D, others=(rsa, A))
        both, alone = made.names.select("a.test"), made.names.select("r.test")
        self.assertIsNot(both, alone)
        self.assertEqual(len(made.leaves), 3)
        # As the default in the other order it is another leaf, with the same certificates.
        again = table(A, rsa)
        self.assertIs(again.default, again.names.select("a.test"))

    def test_other_suites(self) -> None:
        """Leaves hold suites, so other suites are other leaves; what was read stays."""
        first = table(D)
        second = table(D, previous=first, suites=Suites(b"AES128-GCM-SHA256"))
        self.assertIsNot(second.default, first.default)
        self.assertIs(second.materials[D.model().id], first.materials[D.model().id])
        third = table(D, previous=second, suites=Suites(b"AES128-GCM-SHA256"))
        self.assertIs(third.default, second.default)

    def test_forgotten(self) -> None:
        """What a table does not need it does not hold."""
        first = table(D, others=(A, B))
        second = table(D, previous=first)
        self.assertEqual(len(second.leaves), 1)
        self.assertEqual(len(second.inspected), 1)

    def test_given_twice(self) -> None:
        """A certificate that is default and named is one, and its problem is told once."""
        broken = attrs.evolve(D.model(), private_key="garbage")
        twice = attrs.evolve(plan(D), default=(broken,), others=(broken,))
        why = self.assertRaises(
            ConfigurationError, build, twice, Suites(), bare(), bare, None, zero
        )
        (problem,) = why.problems
        self.assertEqual(problem.path, ("certificates", broken.id, "private_key"))

    def test_refused_by_openssl(self) -> None:
        """What only OpenSSL minds is a problem of its certificate, in OpenSSL's words."""

        def demanding() -> SSL.Context:
            context = bare()
            context.set_cipher_list(b"DEFAULT:@SECLEVEL=4")
            return context

        why = self.assertRaises(
            ConfigurationError, build, plan(D), Suites(), bare(), demanding, None, zero
        )
        (problem,) = why.problems
        self.assertEqual(problem.path, ("certificates", D.model().id, "certificate"))
        self.assertEqual(problem.message, "is refused by OpenSSL: ee key too small")

    def test_snapshots_plan(self) -> None:
        """The snapshot's plans have the shape."""
        real: Plan = TlsPlan((D.model(),), (), False, TlsVersion.TLS12, None, ())
        self.assertIsNotNone(build(real, Suites(), bare(), bare, None, zero).default)
