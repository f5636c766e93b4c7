"""Tests of fiberlb.tls.clients: real handshakes of clients with certificates and without."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
from OpenSSL import crypto

from fiberlb.errors import ConfigurationError
from fiberlb.snapshot import ClientPlan
from fiberlb.tls.authorities import inspect_authorities
from fiberlb.tls.clients import MOST_NAMES, Guard
from fiberlb.tls.contexts import TlsSlot
from tests.support.certificates import Leaf, authority, judge, leaf, revoked
from tests.tls.asking import CA, OTHER_CA, Visit, asking, client, person
from tests.tls.handshake import V12, V13, HandshakeCase, Plan, change, slot

D, A = leaf("default.test"), leaf("a.test")
BOTH = (V12, V13)
GOOD, FOREIGN = person(), person(issuer=OTHER_CA)
EXPIRED, SERVERS = person(days=-2), person(purpose="server")


class AskingTests(HandshakeCase):
    """Who is let in."""

    def check(
        self, made: TlsSlot, certificate: Leaf | None, wanted: str, name: str = "a.test"
    ) -> None:
        """What a client gets in either version; empty: it is let in."""
        for version in BOTH:
            visit = Visit(made, "a.test", client(version, certificate))
            self.assertEqual((version, visit.alert, visit.refusal), (version, wanted, ""))

    def test_mandatory(self) -> None:
        """Only clients with a good certificate; each of the others gets the alert of its fault."""
        made = slot(D, others=(A,), client=asking())
        self.check(made, GOOD, "")
        self.check(made, person(purpose=None), "")
        self.check(made, FOREIGN, "UNKNOWN_CA")
        self.check(made, EXPIRED, "CERTIFICATE_EXPIRED")
        self.check(made, SERVERS, "UNSUPPORTED_CERTIFICATE")
        visit = Visit(made, "a.test", client(V13))
        self.assertEqual(visit.alert, "CERTIFICATE_REQUIRED")
        self.assertEqual(Visit(made, None, client(V12)).alert, "HANDSHAKE_FAILURE")

    def test_optional(self) -> None:
        """Those without one too; a bad one is as bad as ever."""
        made = slot(D, others=(A,), client=asking(mandatory=False))
        self.check(made, None, "")
        self.check(made, GOOD, "")
        self.check(made, FOREIGN, "UNKNOWN_CA")
        self.check(made, EXPIRED, "CERTIFICATE_EXPIRED")

    def test_names(self) -> None:
        """Only clients of these server names are asked; a client that names none is not."""
        names = ("a.test", "*.wild.test")
        made = slot(D, others=(A,), client=asking(names=names))
        for name in ("a.test", "A.TEST", "x.wild.test"):
            self.assertEqual(Visit(made, name, client(V13)).alert, "CERTIFICATE_REQUIRED", msg=name)
        others: tuple[str | None, ...] = ("default.test", "wild.test", "x.y.wild.test", None)
        for other in others:
            self.assertTrue(Visit(made, other, client(V13)).welcome, msg=other)
            shown = Visit(made, other, client(V13, GOOD))
            self.assertIsNone(shown.pair.server.get_peer_certificate())

    def test_default_leaf(self) -> None:
        """Unknown names get the default certificate, and are asked like the others."""
        made = slot(D, others=(A,), client=asking())
        for name in (None, "unknown.test"):
            self.assertTrue(Visit(made, name, client(V13, GOOD)).welcome)
            self.assertFalse(Visit(made, name, client(V13)).welcome)

    def test_intermediates(self) -> None:
        """What the client sends leads to a root; without it there is no way."""
        lower = authority("Lower", CA)
        made = slot(D, client=asking())
        self.check(made, person(issuer=lower, issuers=(lower,)), "")
        self.check(made, person(issuer=lower), "UNKNOWN_CA")

    def test_any_authority(self) -> None:
        """An intermediate alone is trusted, as is a certificate signed by itself."""
        lower = authority("Lower", CA)
        self.check(slot(D, client=asking(lower)), person(issuer=lower), "")
        self.check(slot(D, client=asking(lower)), GOOD, "UNKNOWN_CA")
        self.check(slot(D, client=asking(CA, OTHER_CA)), FOREIGN, "")

    def test_revoked(self) -> None:
        """Who has been revoked is told so, by a client's and by an intermediate's list."""
        gone, stays = person("gone"), person("stays")
        made = slot(D, client=asking(crl=revoked(gone, by=CA)))
        self.check(made, gone, "CERTIFICATE_REVOKED")
        self.check(made, stays, "")

    def test_revoked_beside(self) -> None:
        """A list that comes beside the authorities counts like theirs, and is one of theirs."""
        gone, late = person("gone"), person("late")
        own, more, foreign = (
            revoked(gone, by=CA),
            judge(CA, crl=revoked(late, by=CA)),
            judge(OTHER_CA, crl=revoked(by=OTHER_CA)),
        )
        self.check(
            slot(D, client=attrs.evolve(asking(), revoker=more)), late, "CERTIFICATE_REVOKED"
        )
        made = slot(D, client=attrs.evolve(asking(crl=own), revoker=more))
        for version in BOTH:
            # Of two lists of one authority OpenSSL looks at one; the other counts after it.
            welcome = [
                Visit(made, None, client(version, one)).welcome for one in (gone, late, GOOD)
            ]
            self.assertEqual(welcome, [False, False, True])
        with self.assertRaises(ConfigurationError) as caught:
            slot(D, client=attrs.evolve(asking(), revoker=foreign))
        (problem,) = caught.exception.problems
        self.assertEqual(problem.path, ("certificates", foreign.id, "crl"))

    def test_lists_of_some(self) -> None:
        """An authority that has given no list has revoked nothing."""
        lower = authority("Lower", CA)
        made = slot(D, client=asking(CA, OTHER_CA, crl=revoked(person("x"), by=CA)))
        self.check(made, FOREIGN, "")
        self.check(made, person(issuer=lower, issuers=(lower,)), "")

    def test_overdue_list(self) -> None:
        """A list that is overdue says nothing any more, and nobody it is about gets in."""
        made = slot(D, client=asking(CA, OTHER_CA, crl=revoked(by=CA, days=-2)))
        self.check(made, GOOD, "CERTIFICATE_EXPIRED")
        self.check(made, FOREIGN, "")

    def test_told_names(self) -> None:
        """Clients are told whom we trust, unless these are too many."""
        made = slot(D, client=asking(CA, OTHER_CA))
        visit = Visit(made, "a.test", client(V13, GOOD))
        names = {name.CN for name in visit.pair.server.get_client_ca_list()}
        self.assertEqual(names, {"Clients", "Other clients"})
        crowd = [authority(f"{n:064}") for n in range(MOST_NAMES // 64)]
        visit = Visit(slot(D, client=asking(CA, *crowd)), "a.test", client(V13, GOOD))
        self.assertTrue(visit.welcome)
        self.assertEqual(visit.pair.server.get_client_ca_list(), [])


class ChangeTests(HandshakeCase):
    """Changes apply to the next handshake."""

    def test_live(self) -> None:
        """From nobody asked to all, to other authorities, and back; sessions do not help."""
        for version in BOTH:
            made = slot(D)
            nobody, good = client(version), client(version, GOOD)
            session = Visit(made, None, nobody).session
            change(made, D, client=asking())
            self.assertFalse(Visit(made, None, nobody).welcome)
            self.assertFalse(Visit(made, None, nobody, session).welcome)
            session = Visit(made, None, good).session
            change(made, D, client=asking(OTHER_CA))
            self.assertFalse(Visit(made, None, good, session).welcome)
            change(made, D, client=asking(OTHER_CA, mandatory=False))
            self.assertTrue(Visit(made, None, nobody).welcome)
            change(made, D)
            self.assertTrue(Visit(made, None, good).welcome)

    def test_during_handshake(self) -> None:
        """A connection from before a change is judged by the new plan, and begins no session."""
        made = slot(D)
        before = made.connection
        old = [before(None)]
        made.connection = lambda sock: old.pop() if old else before(sock)  # type: ignore[method-assign]
        change(made, D, client=asking())
        self.assertFalse(Visit(made, None, client(V13)).welcome)
        change(made, D)
        old.append(before(None))
        change(made, D, client=asking(mandatory=False))
        first = Visit(made, None, client(V13))
        self.assertTrue(first.welcome)
        self.assertFalse(Visit(made, None, client(V13), first.session).reused)

    def test_revoked_later(self) -> None:
        """A newer list reaches sessions that are there already."""
        made = slot(D, client=asking(crl=revoked(by=CA)))
        session = Visit(made, None, client(V13, GOOD)).session
        change(made, D, client=asking(crl=revoked(GOOD, by=CA)))
        visit = Visit(made, None, client(V13, GOOD), session)
        self.assertTrue(visit.reused)
        self.assertIn("has been revoked", visit.refusal)

    def test_guard_kept(self) -> None:
        """What has not changed is not made anew."""
        made = slot(D, client=asking())
        first = made.table
        second = change(made, D, others=(A,), client=asking())
        assert first is not None
        self.assertIs(first.guard, second.guard)
        self.assertIs(first.default, second.default)


@attrs.frozen(kw_only=True)
class Careless(Plan):
    """A plan whose sessions are never told apart, as those of names on one base are not."""

    @property
    def sessions(self) -> object:
        """Always the same."""
        return ()


class Resumed:
    """What a connection is asked for after a resumed handshake."""

    def __init__(self, shown: Leaf) -> None:
        self.shown = shown

    def get_peer_certificate(self) -> crypto.X509:
        """What the session holds."""
        return crypto.X509.from_cryptography(self.shown.certificate)

    def get_peer_cert_chain(self) -> None:
        """A session holds none."""


class SessionTests(HandshakeCase):
    """Sessions bring back what they began with, so all are judged again."""

    def use(self, made: TlsSlot, part: ClientPlan | None) -> None:
        """Another plan on the same base."""
        made.use(made.prepare(Careless(default=(D.model(),), others=(A.model(),), client=part)))

    def test_resumed(self) -> None:
        """A good client of TLS 1.3 resumes, and is judged again; in TLS 1.2 it begins anew."""
        made = slot(D, client=asking())
        for version, wanted in ((V13, True), (V12, False)):
            first = Visit(made, None, client(version, GOOD))
            again = Visit(made, None, client(version, GOOD), first.session)
            self.assertTrue(again.welcome)
            self.assertIs(again.reused, wanted)
            if wanted:
                shown = again.pair.server.get_peer_certificate(as_cryptography=True)
                self.assertEqual(shown, GOOD.certificate)

    def test_intermediates(self) -> None:
        """Whoever needs certificates that no session holds gets a full handshake."""
        lower = authority("Lower", CA)
        context = client(V13, person(issuer=lower, issuers=(lower,)))
        made = slot(D, client=asking())
        first = Visit(made, None, context)
        again = Visit(made, None, context, first.session)
        self.assertTrue(again.welcome)
        self.assertFalse(again.reused)

    def test_matrix(self) -> None:
        """Neither a session without a certificate nor one of CA 1 opens what CA 2 vouches for."""
        for version in BOTH:
            for shown, before in ((None, None), (GOOD, asking(CA))):
                made = TlsSlot("listener")
                self.use(made, before)
                context = client(version, shown)
                session = Visit(made, "a.test", context).session
                self.use(made, asking(OTHER_CA))
                visit = Visit(made, "a.test", context, session)
                self.assertFalse(visit.welcome, msg=(version, shown))
                if version is V13 or shown is None:
                    # Else the handshake was a full one, and OpenSSL has refused it.
                    self.assertTrue(visit.reused or visit.alert)

    def test_no_certificate(self) -> None:
        """A session of a name that asks for nothing gets no further at one that does."""
        for version in BOTH:
            made = slot(D, others=(A,), client=asking(names=("a.test",)))
            session = Visit(made, "default.test", client(version)).session
            visit = Visit(made, "a.test", client(version), session)
            if version is V13:
                self.assertTrue(visit.reused)
                self.assertIn("no certificate", visit.refusal)
            elif visit.welcome:
                # It goes on under its old name, and a request for the other one is misdirected.
                self.assertEqual(visit.pair.server.get_servername(), b"default.test")

    def test_expired_later(self) -> None:
        """A certificate whose time is over resumes nothing; nor does one for servers."""
        for shown, part in ((EXPIRED, "expired"), (SERVERS, "not for clients")):
            guard = Guard(asking(), inspect_authorities(asking().judge))
            self.assertIn(part, guard.refusal(Resumed(shown)))  # type: ignore[arg-type]

    def test_overdue(self) -> None:
        """A list that has become overdue meanwhile."""
        late = datetime.now(UTC) + timedelta(days=40)
        part = asking(crl=revoked(by=CA, days=30))
        made = slot(D, client=part)
        session = Visit(made, None, client(V13, GOOD)).session
        assert made.table is not None and made.table.guard is not None
        made.table.guard._now = lambda: late
        self.assertIn("overdue", Visit(made, None, client(V13, GOOD), session).refusal)


class FaultTests(HandshakeCase):
    """Whatever goes wrong refuses."""

    def test_fault(self) -> None:
        """In the callback, and after the handshake."""
        made = slot(D, client=asking())
        assert made.table is not None and made.table.guard is not None
        guard = made.table.guard

        def broken(*arguments: object) -> str:
            raise LookupError("broken")

        guard._unrooted = broken  # type: ignore[method-assign, assignment]
        visit = Visit(made, None, client(V12, GOOD))
        self.assertNotEqual(visit.alert, "")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        del guard._unrooted
        guard._unfit = broken  # type: ignore[method-assign, assignment]
        self.assertEqual(Visit(made, None, client(V12, GOOD)).refusal, "internal")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)

    def test_never_chosen(self) -> None:
        """A handshake whose server name callback never ran counts as one that is to be judged."""
        made = slot(D, client=asking())
        connection = made.connection(None)
        self.assertIs(connection.get_app_data().guard, made.table and made.table.guard)
