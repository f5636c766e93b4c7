"""Tests of fiberlb.tls.ocsp."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, SignatureAlgorithmOID
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.ocsp import AUTO, MOST_RESPONSE, NONE, armoured
from fiberlb.tls.material import inspect
from fiberlb.tls.ocsp import (
    SKEW,
    Unfit,
    fingerprint,
    issuer,
    judged,
    must_staple,
    request,
    responder,
    unshown,
    unstapled,
    untimely,
)
from tests.support.certificates import Leaf, authority, leaf
from tests.support.ocsp import ISSUER, NOW, REVOKED, UNKNOWN, Word, delegate, signed_pss, watched

URL = "http://ocsp.test/x"
ONE = watched("a.test", URL)
OTHER = watched("b.test", URL)
MATERIAL = inspect(ONE.model())
AT = NOW.timestamp()


class QuestionTests(SynchronousTestCase):
    """What certificates say, and what is asked."""

    def test_responder(self) -> None:
        """By http only; others, and none, are none."""
        method = AuthorityInformationAccessOID
        places = [
            (method.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.test/")),
            (method.OCSP, x509.DNSName("ocsp.test")),
            (method.OCSP, x509.UniformResourceIdentifier("https://ocsp.test/")),
        ]
        odd = x509.AuthorityInformationAccess([x509.AccessDescription(*p) for p in places])
        self.assertEqual(responder(leaf("a.test", extensions=(odd,)).certificate), "")
        self.assertEqual(responder(leaf("a.test").certificate), "")
        self.assertEqual(responder(ONE.certificate), URL)

    def test_must_staple(self) -> None:
        """Who demands it, and who does not."""
        self.assertTrue(must_staple(watched("a.test", must=True).certificate))
        self.assertFalse(must_staple(ONE.certificate))

    def test_request(self) -> None:
        """It names the certificate by serial number and issuer, and has no nonce."""
        read = ocsp.load_der_ocsp_request(request(ONE.certificate, ISSUER.certificate))
        self.assertEqual(read.serial_number, ONE.certificate.serial_number)
        self.assertEqual(list(read.extensions), [])

    def test_issuer(self) -> None:
        """The one that stands behind it in the chain."""
        self.assertEqual(issuer(MATERIAL), ISSUER.certificate)
        self.assertIsNone(issuer(inspect(leaf("a.test").model())))
        self.assertEqual(len(fingerprint(ONE.certificate)), 64)


class JudgedTests(SynchronousTestCase):
    """What may be shown."""

    def refused(self, response: bytes, one: Leaf = ONE) -> Unfit:
        """Why a response is not taken."""
        return self.assertRaises(Unfit, judged, response, inspect(one.model()))

    def test_good(self) -> None:
        """By the issuer itself or its responder, named by name or key, whatever the digest."""
        by = delegate()
        for word in (
            Word(),
            Word(by_key=True),
            Word(digest=hashes.SHA256()),
            Word(by=by, certificates=[by.certificate]),
            Word(by=by, by_key=True, certificates=[authority().certificate, by.certificate]),
        ):
            response = word.about(ONE)
            staple = judged(response, MATERIAL)
            self.assertEqual(staple.response, response)
            self.assertLess(abs(staple.since - (AT - 3600 - SKEW)), 1)
            self.assertLess(abs(staple.until - (AT + 86400)), 1)

    def test_keys(self) -> None:
        """Responders with other kinds of key."""
        for kind in ("rsa", "p384", "ed25519"):
            by = delegate(kind=kind)
            digest = None if kind == "ed25519" else hashes.SHA384()
            word = Word(by=by, certificates=[by.certificate], signed_with=digest)
            judged(word.about(ONE), MATERIAL)

    def test_pss(self) -> None:
        """OpenSSL's responses with RSASSA-PSS, of any digest and salt that is not weak."""
        asked = request(ONE.certificate, ISSUER.certificate)
        for digest, *options in (
            ("sha256",),
            ("sha384", "rsa_pss_saltlen:20"),
            ("sha512", "rsa_pss_saltlen:max"),
        ):
            response = signed_pss(ONE, asked, digest, *options)
            self.assertEqual(judged(response, MATERIAL).response, response)
            read = ocsp.load_der_ocsp_response(response)
            self.assertEqual(read.signature_algorithm_oid, SignatureAlgorithmOID.RSASSA_PSS)
            at = response.index(read.signature)
            wrong = response[:at] + bytes([response[at] ^ 1]) + response[at + 1 :]
            self.assertIn("is not signed by the issuer", str(self.refused(wrong)))
        self.assertIn("another certificate", str(self.refused(response, OTHER)))
        weak = signed_pss(ONE, asked, "sha1")
        self.assertIn("is not signed by the issuer", str(self.refused(weak)))

    def test_status(self) -> None:
        """Revoked is told apart; unknown is as good as none."""
        why = self.refused(Word(status=REVOKED).about(ONE))
        self.assertTrue(why.revoked)
        self.assertIn("revoked, since 20", str(why))
        why = self.refused(Word(status=UNKNOWN).about(ONE))
        self.assertFalse(why.revoked)
        self.assertIn("does not know the certificate", str(why))

    def test_about_another(self) -> None:
        """Another serial number, and the same one under another issuer."""
        self.assertIn("another certificate", str(self.refused(Word().about(OTHER))))
        word = Word(issuer=authority("Someone else"))
        self.assertIn("another certificate", str(self.refused(word.about(ONE))))

    def test_signers(self) -> None:
        """Other authorities; responders of others, without the purpose, or whose time is over."""
        strange = authority("Someone else")
        theirs, plain = delegate(strange), delegate(purpose=False)
        twin = authority("OCSP Lower CA", strange)
        for by, certificates in (
            (strange, [strange.certificate]),
            (theirs, [theirs.certificate]),
            (plain, [plain.certificate]),
            (delegate(), []),
            (twin, [twin.certificate]),
        ):
            response = Word(by=by, certificates=certificates).about(ONE)
            self.assertIn("is not signed by the issuer", str(self.refused(response)))
        old = delegate(days=-5)
        response = Word(by=old, certificates=[old.certificate]).about(ONE)
        self.assertIn("ends before it begins", str(self.refused(response)))

    def test_revoked_by_others(self) -> None:
        """Whoever may not say that it is good may not say that it is revoked."""
        response = Word(status=REVOKED, by=authority("Someone else")).about(ONE)
        self.assertFalse(self.refused(response).revoked)

    def test_tampered(self) -> None:
        """Any octet that is another one."""
        response = Word().about(ONE)
        for at in range(0, len(response), 7):
            wrong = response[:at] + bytes([response[at] ^ 1]) + response[at + 1 :]
            try:
                # A few octets are outside of what is signed, and mean the same.
                staple = judged(wrong, MATERIAL)
            except Unfit:
                continue
            self.assertEqual(staple.until, judged(response, MATERIAL).until)

    def test_no_answer(self) -> None:
        """What responders say in place of an answer; garbage; nothing; too much."""
        status = ocsp.OCSPResponseStatus.TRY_LATER
        later = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
        self.assertIn("'try later'", str(self.refused(later)))
        good = Word().about(ONE)
        for response in (b"", b"nonsense", b"<html>", good[:-1], good + b"\0", b"\x30" * 1000):
            self.assertEqual(str(self.refused(response)), "cannot be read")
        self.assertIn("longer than", str(self.refused(b"0" * (MOST_RESPONSE + 1))))

    def test_no_end(self) -> None:
        """One that does not say until when it is good would be shown for ever."""
        self.assertIn("until when", str(self.refused(Word(until=None).about(ONE))))

    def test_no_issuer(self) -> None:
        """Without the issuer's certificate nothing can be said."""
        alone = watched("a.test", URL, issuers=())
        self.assertIn("is missing in the chain", str(self.refused(b"", alone)))


class ConcernTests(SynchronousTestCase):
    """What is told of certificates."""

    def said(self, one: Leaf, how: str, now: float = AT) -> list[str]:
        """All of it."""
        material = inspect(one.model())
        late = unshown(material, how, now)
        return [*unstapled(material, how), *([late] if late else [])]

    def test_nothing(self) -> None:
        """All is well."""
        for how in (NONE, AUTO, armoured(Word().about(ONE))):
            self.assertEqual(self.said(ONE, how), [])

    def test_must_staple(self) -> None:
        """Clients insist on what is switched off."""
        one = watched("a.test", URL, must=True)
        ((said,), nothing) = self.said(one, NONE), self.said(one, AUTO)
        self.assertIn("must-staple", said)
        self.assertEqual(nothing, [])

    def test_auto(self) -> None:
        """Nobody to ask, nothing to judge by."""
        (said,) = self.said(leaf("a.test"), AUTO)
        self.assertIn("names no OCSP responder", said)
        (said,) = self.said(watched("a.test", URL, issuers=()), AUTO)
        self.assertIn("without its issuer's", said)

    def test_given(self) -> None:
        """What does not fit, is too old, or too new."""
        good = Word().about(ONE)
        (said,) = self.said(OTHER, armoured(good))
        self.assertIn("not shown: it is about another certificate", said)
        (said,) = self.said(ONE, armoured(good), AT + 86401)
        self.assertIn("it ended on 20", said)
        (said,) = self.said(ONE, armoured(good), AT - 5000)
        self.assertIn("does not begin before 20", said)
        self.assertEqual(untimely(judged(good, MATERIAL), AT), "")
