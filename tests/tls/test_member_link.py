"""Tests of fiberlb.tls.member_link: who is believed."""

from __future__ import annotations

import ipaddress
import ssl
from typing import Any

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import TlsVersion
from fiberlb.tls.member_link import SESSION_LIFE, MemberLink, doubt
from tests.support.certificates import Leaf, authority, judge, leaf, revoked
from tests.tls.members import OTHER, ROOT, V12, V13, MemberPair, plan, pool_tls, server

GOOD = leaf("api.test", "*.wild.test", issuer=ROOT)
LOWER = authority("Members' lower", ROOT)
UNKNOWN = "certificate is signed by an unknown authority"


def at_address(*addresses: str) -> Leaf:
    """A certificate for IP addresses."""
    names = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    return leaf(*names, issuer=ROOT)


class NameTests(SynchronousTestCase):
    """Names: what is asked for and what is found."""

    def outcome(self, one: Leaf, name: str | None, address: str = "192.0.2.1") -> str:
        """What comes of a handshake with a member that has this certificate."""
        pair = MemberPair(pool_tls(plan(name)), server(one), address)
        self.names = pair.names
        return pair.handshake()

    def test_name(self) -> None:
        """The name is asked for, and the certificate has to be for it."""
        self.assertEqual(self.outcome(GOOD, "api.test"), "")
        self.assertEqual(self.names, ["api.test"])
        self.assertEqual(
            self.outcome(GOOD, "other.test"),
            "certificate is not for other.test (it is for api.test, *.wild.test)",
        )

    def test_wildcard(self) -> None:
        """A wildcard stands for one whole label."""
        self.assertEqual(self.outcome(GOOD, "a.wild.test"), "")
        for name in ("a.b.wild.test", "wild.test"):
            self.assertIn(f"not for {name}", self.outcome(GOOD, name))
        self.assertIn("not for", self.outcome(leaf("f*.a.test", issuer=ROOT), "foo.a.test"))
        self.assertIn("not for", self.outcome(leaf("*", issuer=ROOT), "test"))

    def test_common_name(self) -> None:
        """The common name does not count."""
        found = self.outcome(leaf(issuer=ROOT, common="api.test"), "api.test")
        self.assertEqual(found, "certificate is not for api.test (it has no names that count)")

    def test_address(self) -> None:
        """Without a name the member's address is looked for, and no name is asked for."""
        one = at_address("192.0.2.1", "2001:db8::1")
        self.assertEqual(self.outcome(one, None), "")
        self.assertEqual(self.names, [None])
        self.assertEqual(self.outcome(one, None, "2001:db8::1%eth0"), "")
        self.assertEqual(
            self.outcome(one, None, "192.0.2.2"),
            "certificate is not for 192.0.2.2 (it is for 192.0.2.1, 2001:db8::1)",
        )
        self.assertEqual(self.outcome(one, "192.0.2.1", "192.0.2.9"), "")

    def test_address_as_name(self) -> None:
        """An address written as a DNS name is none."""
        self.assertIn("not for", self.outcome(leaf("192.0.2.1", issuer=ROOT), None))


class ChainTests(SynchronousTestCase):
    """Who may have signed."""

    def outcome(self, one: Leaf, *authorities: object, **settings: object) -> str:
        """What comes of a handshake in TLS 1.2 and in 1.3."""
        trusted = judge(*(authorities or (ROOT,)), **settings)  # type: ignore[arg-type]
        found = {
            MemberPair(
                pool_tls(plan(authorities=trusted)), server(one, least=v, most=v)
            ).handshake()
            for v in (V12, V13)
        }
        self.assertEqual(len(found), 1)
        return found.pop()

    def test_authorities(self) -> None:
        """The authority that is named, and no other."""
        self.assertEqual(self.outcome(GOOD), "")
        self.assertEqual(self.outcome(leaf("api.test", issuer=OTHER)), UNKNOWN)
        self.assertEqual(self.outcome(GOOD, OTHER, ROOT), "")

    def test_intermediate(self) -> None:
        """What stands between is sent by the member, or trusted itself."""
        below = leaf("api.test", issuer=LOWER, issuers=(LOWER,))
        self.assertEqual(self.outcome(below), "")
        alone = leaf("api.test", issuer=LOWER)
        self.assertEqual(self.outcome(alone), UNKNOWN)
        self.assertEqual(self.outcome(alone, LOWER), "")

    def test_dates_and_purpose(self) -> None:
        """An expired certificate, and one that is for clients."""
        old = leaf("api.test", issuer=ROOT, days=-1)
        self.assertEqual(self.outcome(old), "certificate has expired")
        client = leaf("api.test", issuer=ROOT, purpose="client")
        self.assertEqual(
            self.outcome(client), "certificate is not for servers (extended key usage)"
        )

    def test_revoked(self) -> None:
        """What a list of the authority's names is refused; a list must be there, and current."""
        bad = leaf("api.test", issuer=ROOT, serial=5)
        now, overdue = revoked(bad, by=ROOT), revoked(bad, by=ROOT, days=-1)
        self.assertEqual(self.outcome(bad, crl=now), "certificate has been revoked")
        self.assertEqual(self.outcome(GOOD, crl=now), "")
        self.assertEqual(self.outcome(GOOD, crl=overdue), "revocation list has expired")
        below = leaf("api.test", issuer=LOWER, issuers=(LOWER,))
        missing = "no revocation list of the authority that signed the certificate"
        self.assertEqual(self.outcome(below, crl=now), missing)

    def test_insecure(self) -> None:
        """Only the one switch takes anybody for a member."""
        tls = pool_tls(plan("x.test", judge(OTHER), insecure=True))
        old = leaf("api.test", days=-1)
        pair = MemberPair(tls, server(old))
        self.assertEqual((pair.handshake(), pair.names), ("", ["x.test"]))
        self.assertEqual(doubt(pair.ours, tls, False), "")


def _certificate(pair: MemberPair) -> Any:
    return pair.theirs.getpeercert()


class ClientTests(SynchronousTestCase):
    """What is shown to a member, and in which version."""

    def test_certificate(self) -> None:
        """A member that asks is shown the certificate; one that gets none says so."""
        own = leaf("client", issuer=OTHER, purpose="client")
        for version in (V12, V13):
            context = server(GOOD, least=version, most=version, asks_for=OTHER.pem)
            pair = MemberPair(pool_tls(plan(client=own.model())), context)
            self.assertEqual(pair.handshake() + pair.exchange(), "")
            self.assertEqual(_certificate(pair)["issuer"][0][0][1], "Other root")
            pair = MemberPair(pool_tls(plan()), context)
            self.assertIn("alert", pair.handshake() or pair.exchange())

    def test_not_shown_to_strangers(self) -> None:
        """A member that is not believed does not see the certificate."""
        own = leaf("client", issuer=OTHER, purpose="client")
        context = server(leaf("api.test", issuer=OTHER), asks_for=OTHER.pem)
        pair = MemberPair(pool_tls(plan(client=own.model())), context)
        self.assertEqual(pair.handshake(), UNKNOWN)
        self.assertRaises(ValueError, pair.theirs.getpeercert)  # it has not come so far

    def test_versions(self) -> None:
        """A member that has nothing new enough is refused, in words."""
        tls = pool_tls(plan(least=TlsVersion.TLS13))
        self.assertEqual(MemberPair(tls, server(GOOD)).handshake(), "")
        found = MemberPair(tls, server(GOOD, most=V12)).handshake()
        self.assertIn("no TLS version in common with the member", found)

    def test_alpn(self) -> None:
        """HTTP/1.1 is offered; a member may ignore that."""
        tls = pool_tls(plan())
        for offers, agreed in ((("h2", "http/1.1"), "http/1.1"), ((), None), (("h2",), None)):
            pair = MemberPair(tls, server(GOOD, alpn=offers))
            if pair.handshake() == "":
                self.assertEqual(pair.theirs.selected_alpn_protocol(), agreed)
                self.assertEqual(doubt(pair.ours, tls, False), "")

    def test_doubt(self) -> None:
        """A handshake without verification is not good enough, whatever OpenSSL says."""
        tls = pool_tls(plan())
        pair = MemberPair(tls, server(GOOD))
        pair.handshake()
        self.assertEqual(doubt(pair.ours, tls, False), "")
        pair.ours.expected.verified = False
        self.assertEqual(doubt(pair.ours, tls, False), "certificate was not verified")
        self.assertEqual(doubt(pair.ours, tls, True), "")


class SessionTests(SynchronousTestCase):
    """Sessions, which spare the certificates, and what they must not spare."""

    def once(self, link: MemberLink, context: ssl.SSLContext, now: float) -> bool:
        """A connection, kept for the next one; whether it was resumed."""
        made, offered = link.connection(None, now)
        pair = MemberPair(link.tls, context, made=made)
        self.assertEqual(pair.handshake() + pair.exchange(), "")
        link.keep(made.get_session(), now, offered)
        made.set_shutdown(3)
        return bool(pair.theirs.session_reused)

    def test_resumed(self) -> None:
        """A session is taken up again for an hour, then it is a full handshake."""
        for version in (V12, V13):
            context = server(GOOD, least=version, most=version)
            link = MemberLink(pool_tls(plan()), "192.0.2.1")
            self.assertFalse(self.once(link, context, 0.0))
            for now in (1.0, 2.0, SESSION_LIFE - 1):
                self.assertTrue(self.once(link, context, now), version)
            self.assertFalse(self.once(link, context, SESSION_LIFE))
            self.assertTrue(self.once(link, context, SESSION_LIFE + 1))
            link.forget()
            self.assertFalse(self.once(link, context, SESSION_LIFE + 2))

    def test_other_settings(self) -> None:
        """Other settings are another link, without a session: they verify anew."""
        context = server(GOOD)
        lax = MemberLink(pool_tls(plan(insecure=True)), "192.0.2.1")
        self.once(lax, context, 0.0)
        self.assertTrue(self.once(lax, context, 0.0))
        strict = MemberLink(pool_tls(plan(authorities=judge(OTHER))), "192.0.2.1")
        made, offered = strict.connection(None, 0.0)
        self.assertFalse(offered)
        self.assertEqual(MemberPair(strict.tls, context, made=made).handshake(), UNKNOWN)
