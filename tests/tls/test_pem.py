"""Tests of fiberlb.tls.pem."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.pem import blocks

ONE = "-----BEGIN ONE-----\nAAAA\n-----END ONE-----\n"


class BlocksTests(SynchronousTestCase):
    """L{blocks}."""

    def test_several(self) -> None:
        """Blocks come in order, and what is written between them is skipped."""
        text = f"a comment\n{ONE}more\n-----BEGIN TWO WORDS-----\nBB\n-----END TWO WORDS-----"
        self.assertEqual(
            list(blocks(text)),
            [
                ("ONE", ONE.encode()),
                ("TWO WORDS", b"-----BEGIN TWO WORDS-----\nBB\n-----END TWO WORDS-----\n"),
            ],
        )

    def test_indented_and_crlf(self) -> None:
        """Indentation and Windows line ends do not matter."""
        text = ONE.replace("\n", "\r\n   ")
        self.assertEqual(list(blocks(text)), [("ONE", ONE.encode())])

    def test_headers_are_kept(self) -> None:
        """The header of an old encrypted key, with its empty line, is part of the block."""
        text = "-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\n\nAA\n-----END K-----\n"
        self.assertEqual(list(blocks(text)), [("K", text.encode())])

    def test_no_end(self) -> None:
        """A block that another one interrupts, or the end of the text, is none."""
        self.assertEqual(list(blocks("-----BEGIN A-----\nAA\n" + ONE)), [("ONE", ONE.encode())])
        self.assertEqual(list(blocks(ONE[:-5])), [])

    def test_wrong_end(self) -> None:
        """A block ends with its own label only."""
        self.assertEqual(list(blocks("-----BEGIN A-----\nAA\n-----END B-----\n")), [])

    def test_many_beginnings(self) -> None:
        """Time does not grow with the square of what is never ended."""
        self.assertEqual(list(blocks("-----BEGIN A-----\n" * 50000)), [])

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """No text makes it fail, and none without a block yields one."""
        for label, pem in blocks(text):
            self.assertIn(label, text)
            self.assertTrue(pem.startswith(b"-----BEGIN "))
