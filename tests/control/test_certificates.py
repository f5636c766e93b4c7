"""What is told of certificates, and what is kept."""

from __future__ import annotations

import json
from typing import Any

import attrs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.certificates import (
    MARK,
    CertificateFacts,
    has_key,
    public_text,
    separated,
)
from fiberlb.model.certificate import Certificate
from tests.control.stage import Stage, create, patch, replace
from tests.support.certificates import authority, judge, leaf, revoked


class TextTests(SynchronousTestCase):
    """PEM texts with keys among the certificates."""

    def test_public(self) -> None:
        """The key is cut out, certificates stay as they are."""
        made = leaf("a.example")
        for form in ("pkcs8", "traditional"):
            text = made.key_pem(form) + made.pem
            self.assertEqual(public_text(text), made.pem)
            self.assertTrue(has_key(text))
        self.assertEqual(public_text(made.pem), made.pem)
        self.assertFalse(has_key(made.pem))

    def test_damaged_key(self) -> None:
        """A key whose block does not end is cut out as well."""
        made = leaf("a.example")
        text = made.pem + made.key_pem().replace("END", "EMD")
        self.assertEqual(public_text(text), made.pem)

    def test_separated(self) -> None:
        """The key moves to its own field, unless there is one already."""
        made = leaf("a.example")
        both = Certificate(id="x", certificate=made.pem + made.key_pem())
        done = separated(both)
        self.assertEqual((done.certificate, done.private_key), (made.pem, made.key_pem()))
        kept = separated(attrs.evolve(both, private_key="mine"))
        self.assertEqual((kept.certificate, kept.private_key), (made.pem, "mine"))
        alone = Certificate(id="x", certificate=made.pem)
        self.assertIs(separated(alone), alone)


class FactsTests(SynchronousTestCase):
    """Fingerprints, names and dates."""

    def test_facts(self) -> None:
        """They are those of the leaf."""
        made = leaf("A.example", "*.b.example")
        facts = CertificateFacts().of(made.model("x"))
        self.assertEqual(
            facts["fingerprint_sha256"], made.certificate.fingerprint(hashes.SHA256()).hex()
        )
        self.assertEqual(facts["names"], ["a.example", "*.b.example"])
        self.assertRegex(facts["expires_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_changed(self) -> None:
        """Another certificate under the same id has facts of its own."""
        facts = CertificateFacts()
        self.assertEqual(facts.of(leaf("a").model("x"))["names"], ["a"])
        self.assertEqual(facts.of(leaf("b").model("x"))["names"], ["b"])
        facts.keep(set())
        self.assertEqual(facts.of(leaf("a").model("x"))["names"], ["a"])

    def test_unreadable(self) -> None:
        """What cannot be read has none, and no mark."""
        facts = CertificateFacts()
        bad = Certificate(id="x", certificate="x")
        self.assertEqual(set(facts.of(bad).values()), {None})
        self.assertIsNone(facts.mark(bad))

    def test_mark(self) -> None:
        """The mark is of the key: the same for a renewed certificate of that key."""
        facts = CertificateFacts()
        first = leaf("a.example", kind="rsa", serial=1)
        second = leaf("a.example", kind="rsa", serial=2)
        mark = facts.mark(first.model("x"))
        assert mark is not None
        self.assertTrue(mark.startswith(MARK))
        self.assertEqual(mark, facts.mark(second.model("y")))
        self.assertNotEqual(mark, facts.mark(leaf("a.example").model("z")))


class StoredTests(SynchronousTestCase):
    """Certificates through the control service."""

    def setUp(self) -> None:
        """One node."""
        self.stage = Stage(self)
        self.leaf = leaf("a.example")

    def kept(self) -> bytes:
        """Everything that the store holds."""
        loading = Deferred.fromCoroutine(self.stage.store.load())
        _, entries = self.successResultOf(loading)
        return b"".join(value for value, _ in entries.values())

    def body(self, **more: Any) -> dict[str, Any]:
        """A certificate with its key in its own field."""
        key = {"private_key": self.leaf.key_pem()}
        return {"name": "c", "certificate": self.leaf.pem, **key, **more}

    def test_sealed(self) -> None:
        """A key is sealed at rest, wherever in the body it stood, and comes back at a restart."""
        text = {"name": "d", "certificate": self.leaf.pem + self.leaf.key_pem()}
        self.stage.write(create("certificates", self.body()), create("certificates", text))
        secret = self.leaf.key_pem().splitlines()[1]
        self.assertNotIn(secret.encode(), self.kept())
        again = Stage(self, store=self.stage.store, clock=self.stage.clock)
        for name in "cd":
            self.assertEqual(again.find("certificates", name).private_key, self.leaf.key_pem())

    def test_passphrase_sealed(self) -> None:
        """So is a passphrase."""
        key = self.leaf.key_pem(passphrase="correct horse")
        self.stage.create("certificates", self.body(private_key=key, passphrase="correct horse"))
        self.assertNotIn(b"correct horse", self.kept())

    def test_not_matching(self) -> None:
        """A key of another certificate is refused at its field."""
        body = self.body(private_key=leaf("b.example").key_pem())
        self.assertEqual(
            self.stage.problems(create("certificates", body)),
            [("/private_key", "does not match the certificate")],
        )

    def test_nothing_told(self) -> None:
        """No refusal repeats a piece of a key."""
        half = self.leaf.key_pem()[:90]
        problems = self.stage.problems(create("certificates", self.body(private_key=half)))
        self.assertNotIn(half[30:50], json.dumps(problems))

    def test_replaced(self) -> None:
        """A document without the key keeps it; a renewed certificate of the same key goes alone."""
        made = leaf("a.example", kind="rsa", serial=1)
        renewed = leaf("a.example", kind="rsa", serial=2)
        body = {"name": "c", "certificate": made.pem, "private_key": made.key_pem()}
        self.stage.create("certificates", body)
        self.stage.write(replace("certificates", "c", {"certificate": renewed.pem}))
        found = self.stage.find("certificates", "c")
        self.assertEqual((found.certificate, found.private_key), (renewed.pem, made.key_pem()))

    def test_patched(self) -> None:
        """Other fields are patched without the key; one text brings certificate and key."""
        self.stage.create("certificates", self.body())
        self.stage.write(patch("certificates", "c", {"description": "x"}))
        self.assertEqual(self.stage.find("certificates", "c").private_key, self.leaf.key_pem())
        other = leaf("b.example")
        self.stage.write(patch("certificates", "c", {"certificate": other.pem + other.key_pem()}))
        self.assertEqual(self.stage.find("certificates", "c").private_key, other.key_pem())


class AuthorityTests(SynchronousTestCase):
    """Authorities through the control service."""

    def setUp(self) -> None:
        """One node with an authority that has revoked something."""
        self.stage = Stage(self)
        self.ca = authority("Clients")
        crl = revoked(leaf("x"), by=self.ca).public_bytes(Encoding.PEM).decode()
        self.body = {
            "name": "ca",
            "certificate": self.ca.pem,
            "cert_type": "client_ca",
            "crl": crl,
        }

    def test_kept(self) -> None:
        """It is there after a restart, without a key."""
        self.stage.create("certificates", self.body)
        again = Stage(self, store=self.stage.store, clock=self.stage.clock)
        found = again.find("certificates", "ca")
        self.assertTrue(found.judges)
        self.assertEqual((found.crl, found.private_key), (self.body["crl"], None))

    def test_facts(self) -> None:
        """The first authority's fingerprint, no names, the earliest end; no key to mark."""
        facts, ca = CertificateFacts(), judge(self.ca, authority("Others"))
        told = facts.of(ca)
        self.assertEqual(
            told["fingerprint_sha256"], self.ca.certificate.fingerprint(hashes.SHA256()).hex()
        )
        self.assertEqual(told["names"], [])
        self.assertRegex(told["expires_at"], r"^\d{4}-\d\d-\d\dT")
        self.assertIsNone(facts.mark(ca))

    def test_key_refused(self) -> None:
        """A key is not taken along into the store, wherever it stands."""
        key = leaf("a.example").key_pem()
        for changes in ({"private_key": key}, {"certificate": self.ca.pem + key}):
            problems = self.stage.problems(create("certificates", {**self.body, **changes}))
            self.assertEqual([place for place, _ in problems], [f"/{next(iter(changes))}"])

    def test_foreign_list(self) -> None:
        """A list that another authority has signed is refused at its field."""
        foreign = revoked(by=authority("Others")).public_bytes(Encoding.PEM).decode()
        self.assertEqual(
            self.stage.problems(create("certificates", {**self.body, "crl": foreign})),
            [("/crl", "list number 1 is not signed by any of the authorities")],
        )

    def test_becomes_one(self) -> None:
        """A certificate that is replaced by an authority does not keep its key."""
        made = leaf("a.example")
        key = made.key_pem()
        self.stage.create(
            "certificates", {"name": "ca", "certificate": made.pem, "private_key": key}
        )
        self.stage.write(replace("certificates", "ca", self.body))
        self.assertIsNone(self.stage.find("certificates", "ca").private_key)

    def test_list_patched(self) -> None:
        """A newer list alone is a patch; none is one too."""
        self.stage.create("certificates", self.body)
        newer = revoked(leaf("y"), by=self.ca).public_bytes(Encoding.PEM).decode()
        self.stage.write(patch("certificates", "ca", {"crl": newer}))
        self.assertEqual(self.stage.find("certificates", "ca").crl, newer)
        self.stage.write(patch("certificates", "ca", {"crl": None}))
        self.assertIsNone(self.stage.find("certificates", "ca").crl)
