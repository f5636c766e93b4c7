"""Tests of L{fiberlb.acme.challenge}."""

from __future__ import annotations

import hashlib

from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.challenge import Shown, challenge_certificate
from fiberlb.model.acme import ChallengeKind
from fiberlb.model.challenges import Challenges


class ShownTests(SynchronousTestCase):
    """Challenges of several orders at once."""

    def test_put_up(self) -> None:
        """Each change puts up all of them, and only those that are not hidden yet."""
        seen: list[Challenges] = []

        async def put_up(challenges: Challenges) -> None:
            seen.append(challenges)

        async def work() -> None:
            shown = Shown(put_up)
            await shown.show(ChallengeKind.HTTP_01, "a.test", "t1", "t1.x")
            await shown.show(ChallengeKind.TLS_ALPN_01, "b.test", "t2", "t2.x")
            await shown.hide(ChallengeKind.HTTP_01, "a.test", "t1")
            await shown.hide(ChallengeKind.TLS_ALPN_01, "b.test", "t2")

        self.successResultOf(Deferred.fromCoroutine(work()))
        self.assertEqual(seen[0].answers, {"/.well-known/acme-challenge/t1": b"t1.x"})
        self.assertEqual((len(seen[1].answers), list(seen[1].certificates)), (1, ["b.test"]))
        self.assertEqual((len(seen[2].answers), list(seen[2].certificates)), (0, ["b.test"]))
        self.assertFalse(seen[3])

    def test_certificate(self) -> None:
        """The proof's digest stands in a critical extension, the name is the only one."""
        made = x509.load_pem_x509_certificate(challenge_certificate("b.test", "p")[0].encode())
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        self.assertEqual(names.value.get_values_for_type(x509.DNSName), ["b.test"])
        proof = made.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
        self.assertTrue(proof.critical)
        assert isinstance(proof.value, x509.UnrecognizedExtension)
        self.assertEqual(proof.value.value, b"\x04\x20" + hashlib.sha256(b"p").digest())
