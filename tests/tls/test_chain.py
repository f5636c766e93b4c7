"""Tests of fiberlb.tls.chain."""

from __future__ import annotations

import os

import attrs
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.tls.chain import install, servable
from fiberlb.tls.material import inspect
from tests.support.certificates import authority, leaf


class InstallTests(SynchronousTestCase):
    """L{install}; what clients then get is in the tests of contexts."""

    def test_shown(self) -> None:
        """The context serves the leaf, with its chain or without one."""
        lower = authority("Lower", authority())
        for one in (leaf("a.test"), leaf("a.test", issuer=lower, issuers=(lower,))):
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            install(context, inspect(one.model()))
            shown = SSL.Connection(context, None).get_certificate(as_cryptography=True)
            self.assertEqual(shown, one.certificate)

    def test_no_descriptor_left(self) -> None:
        """The chain's file is closed again."""
        lower = authority("Lower", authority())
        material = inspect(leaf("a.test", issuer=lower, issuers=(lower,)).model())
        before = os.listdir("/proc/self/fd")
        install(SSL.Context(SSL.TLS_SERVER_METHOD), material)
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_frozen(self) -> None:
        """A context that has had a connection takes no certificate any more."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        SSL.Connection(context, None)
        self.assertRaises(ValueError, install, context, inspect(leaf("a.test").model()))


class ServableTests(SynchronousTestCase):
    """L{servable}."""

    def test_served(self) -> None:
        """What OpenSSL takes passes."""
        lower = authority("Lower", authority())
        servable(inspect(leaf("a.test", issuer=lower, issuers=(lower,)).model()))

    def test_refused(self) -> None:
        """What it does not take is told at the certificate, and its errors are forgotten."""
        material = inspect(leaf("a.test").model())
        other = attrs.evolve(material, key=inspect(leaf("b.test").model()).key)
        why = self.assertRaises(ConfigurationError, servable, other)
        self.assertEqual(why.problems[0].path, ("certificate",))
        self.assertIn("refused by OpenSSL", why.problems[0].message)
