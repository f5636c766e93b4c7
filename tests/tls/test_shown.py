"""Tests of fiberlb.tls.shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import CLIENT_FIELDS
from fiberlb.tls.shown import Shown, told

KEY = ec.generate_private_key(ec.SECP256R1())
FROM, TO = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2051, 6, 7, 8, 9, 10, tzinfo=UTC)


def certificate(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Certificate:
    """One with this subject, signed by itself."""
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.public_key(KEY.public_key()).not_valid_before(FROM).not_valid_after(TO)
    return builder.sign(KEY, hashes.SHA256())


def lines(shown: Shown) -> dict[str, bytes]:
    """All header fields; each is one line whatever is in it."""
    text = shown.lines(CLIENT_FIELDS)
    found = text.split(b"\r\n")
    assert found.pop() == b""
    assert not re.search(rb"[\x00-\x1f\x7f]", b"".join(found))
    pairs = [line.partition(b": ") for line in found]
    return {name.decode(): value for name, _, value in pairs}


class ShownTests(SynchronousTestCase):
    """What members and rules are told."""

    def test_lines(self) -> None:
        """Every field, in the spelling that Octavia's users know."""
        one = certificate(
            (NameOID.COUNTRY_NAME, "AT"),
            (NameOID.ORGANIZATION_NAME, "Acme, Söhne"),
            (NameOID.COMMON_NAME, "alice"),
        )
        self.assertEqual(
            lines(Shown(one)),
            {
                "X-SSL-Client-Verify": b"0",
                "X-SSL-Client-Has-Cert": b"1",
                "X-SSL-Client-DN": "CN=alice,O=Acme\\, Söhne,C=AT".encode(),
                "X-SSL-Client-CN": b"alice",
                "X-SSL-Issuer": "CN=alice,O=Acme\\, Söhne,C=AT".encode(),
                "X-SSL-Client-SHA1": one.fingerprint(hashes.SHA1()).hex().upper().encode(),
                "X-SSL-Client-Not-Before": b"260102030405Z",
                "X-SSL-Client-Not-After": b"20510607080910Z",
            },
        )

    def test_some(self) -> None:
        """Those that are asked for, in that order; what is not there is left out."""
        shown = Shown(certificate((NameOID.ORGANIZATION_NAME, "x")))
        names = ("X-SSL-Client-CN", "X-SSL-Client-DN")
        self.assertEqual(shown.lines(names), b"X-SSL-Client-DN: O=x\r\n")
        self.assertEqual(shown.lines(()), b"")

    def test_control_characters(self) -> None:
        """No value begins another line, or passes for what it is not."""
        evil = "a\r\nX-SSL-Client-CN: root\0\x7f\\0D"
        found = lines(Shown(certificate((NameOID.COMMON_NAME, evil))))
        self.assertEqual(found["X-SSL-Client-CN"], rb"a\0D\0AX-SSL-Client-CN: root\00\7F\5C0D")
        self.assertIn(rb"a\0D\0AX-SSL", found["X-SSL-Client-DN"])

    def test_fields(self) -> None:
        """Rules find the values of an attribute by its short name, in order, undisguised."""
        shown = Shown(
            certificate(
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "One"),
                (NameOID.COMMON_NAME, "a\nb"),
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "Zwei ü"),
                (x509.ObjectIdentifier("1.2.3.4"), "unknown"),
            )
        )
        self.assertEqual(shown.fields, {b"ou": [b"One", "Zwei ü".encode()], b"cn": [b"a\nb"]})

    def test_none(self) -> None:
        """Without a certificate that is all there is to say; above all no result of 0."""
        self.assertEqual(told(None, CLIENT_FIELDS), b"X-SSL-Client-Has-Cert: 0\r\n")
        self.assertEqual(told(None, ("X-SSL-Client-Verify",)), b"")
