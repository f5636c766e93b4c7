"""Tests of fiberlb.model.ocsp."""

from __future__ import annotations

import base64
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import REFUSED, Loading
from fiberlb.model.ocsp import (
    AUTO,
    GIVEN,
    MOST_RESPONSE,
    NONE,
    Staple,
    Stapling,
    armoured,
    response,
    source,
)

DER = b"\x30\x82\xff" + bytes(range(256))


class StaplingTests(SynchronousTestCase):
    """What the key takes."""

    def load(self, value: Any, files: dict[str, bytes] | None = None) -> Any:
        """The model's value, or the problems."""

        def read(name: str) -> str:
            if files is None or name not in files:
                raise OSError(None, "no such file")
            return files[name].decode("utf-8")

        loading = Loading(None if files is None else read)
        found = Stapling().load(value, ("ocsp",), loading)
        self.assertEqual(found is REFUSED, bool(loading.problems), value)
        if not loading.problems:
            return found
        return [("/".join(map(str, p.path)), p.message) for p in loading.problems]

    def test_words(self) -> None:
        """none and auto in any case; nothing is none."""
        for value, expected in (("none", NONE), ("AUTO", AUTO), (" auto ", AUTO), (None, NONE)):
            self.assertEqual(self.load(value), expected)
        self.assertEqual([source(NONE), source(AUTO), source("x")], [NONE, AUTO, GIVEN])

    def test_response(self) -> None:
        """PEM, or base64 of DER; both become PEM."""
        for value in (armoured(DER), base64.b64encode(DER).decode(), f"x\n{armoured(DER)}"):
            self.assertEqual(self.load(value), armoured(DER))
        self.assertEqual(response(armoured(DER)), DER)
        self.assertEqual(response("-"), b"")

    def test_files(self) -> None:
        """DER or PEM; whatever else there is is taken, for it is judged elsewhere."""
        files = {
            "der": DER,
            "pem": armoured(DER).encode(),
            "later": b"0\x03\n\x01\x03",
            "empty": b"",
            "text": b"nonsense",
            "broken": b"-----BEGIN OCSP RESPONSE-----\n?\n-----END OCSP RESPONSE-----\n",
        }
        for name, expected in {**files, "pem": DER}.items():
            self.assertEqual(response(self.load(f"file:{name}", files)), expected, name)

    def test_refused_files(self) -> None:
        """One that is not there, is too large, or is named through the API."""
        files = {"large": b"\xff" * (MOST_RESPONSE + 1)}
        self.assertEqual(
            self.load("file:gone", files), [("ocsp", "cannot read gone: no such file")]
        )
        ((_, said),) = self.load("file:large", files)
        self.assertIn("larger than a response can be (32KiB)", said)
        ((_, said),) = self.load("file:x")
        self.assertIn("send the response in PEM", said)

    def test_refused(self) -> None:
        """Anything else."""
        wrong: list[Any] = [True, 1, [], "atuo", "stand-in", "", "A" * (2 * MOST_RESPONSE + 1)]
        for value in wrong:
            ((place, _),) = self.load(value)
            self.assertEqual(place, "ocsp")

    def test_answered(self) -> None:
        """What an answer of the API had may be sent back."""
        seen = {"status": "good", "next_update": "2026-01-01T00:00:00Z", "response": None}
        self.assertEqual(self.load({"source": "auto", **seen}), AUTO)
        self.assertEqual(self.load({"source": "none"}), NONE)
        given = {"source": "given", "response": armoured(DER), "last_error": None}
        self.assertEqual(self.load(given), armoured(DER))
        for value in ({"source": "x"}, {}, {"source": "auto", "x": 1}, {"source": "given"}):
            self.assertEqual(len(self.load(value)), 1, value)


class CertificateTests(SynchronousTestCase):
    """The key of certificates."""

    def test_round_trip(self) -> None:
        """What is written is what is read."""
        for value in (NONE, AUTO, armoured(DER)):
            made = Certificate(id="x", certificate="c", ocsp=value)
            self.assertEqual(unstructure(made)["ocsp"], value)
            self.assertNotIn("staple", unstructure(made))

    def test_types(self) -> None:
        """It goes with what is shown to clients only."""
        for kind in CertificateType:
            loading = Loading()
            document = {"name": "x", "certificate": "c", "cert_type": kind.value, "ocsp": "auto"}
            structure(Certificate, document, (), loading)
            refused = [p.path for p in loading.problems]
            shown = kind in (CertificateType.SERVER, CertificateType.SNI)
            self.assertEqual(refused, [] if shown else [("ocsp",)])

    def test_time(self) -> None:
        """A response is good from its begin on, up to its end."""
        staple = Staple(b"", 10.0, 20.0)
        times = (9.9, 10.0, 19.9, 20.0)
        self.assertEqual([staple.good(at) for at in times], [False, True, True, False])
