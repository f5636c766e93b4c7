"""Fields by their names."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire.field_lines import cutter, finder, line, put

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx_a:2\r\nX-Ab: 3\r\nY: X-A: 4\r\n\r\n"


class CutTests(SynchronousTestCase):
    """Taking fields away."""

    def test_cut(self) -> None:
        """Every field of a name in any spelling, and no other."""
        left = b"GET / HTTP/1.1\r\nHost: a\r\nX-Ab: 3\r\nY: X-A: 4\r\n\r\n"
        self.assertEqual(cutter(["X-A"])(HEAD), left)
        self.assertEqual(cutter(["nothing"])(HEAD), HEAD)
        every = cutter(["host", "x-a", "x-ab", "y"])(HEAD)
        self.assertEqual(every, b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(cutter(["host"])(HEAD[:-2]), HEAD.replace(b"Host: a\r\n", b"")[:-2])

    def test_odd_names(self) -> None:
        """Characters of names are no pattern."""
        head = b"GET / HTTP/1.1\r\nA.B: 1\r\nAxB: 2\r\nA*: 3\r\nA|B^$+: 4\r\n\r\n"
        self.assertEqual(cutter(["a.b", "A*", "A|B^$+"])(head), b"GET / HTTP/1.1\r\nAxB: 2\r\n\r\n")

    def test_put(self) -> None:
        """Lines come at the end."""
        self.assertEqual(put(b"A\r\n\r\n", b"B: c\r\n"), b"A\r\nB: c\r\n\r\n")
        self.assertEqual(put(b"A\r\n\r\n", b""), b"A\r\n\r\n")


class FindTests(SynchronousTestCase):
    """Reading them."""

    def test_found(self) -> None:
        """All values of a name in any case, joined; the start line is none."""
        find = finder("Accept")
        for head, wanted in (
            (b"accept: x\r\nAccept: a\r\nACCEPT:b \r\n", b"a,b"),
            (b"\r\nAccept:\t*/*\r\n", b"*/*"),
            (b"\r\nAccept-Encoding: gzip\r\nX-Accept: y\r\n", b""),
            (b"", b""),
        ):
            self.assertEqual(find(head).replace(b" ", b""), wanted)


class LineTests(SynchronousTestCase):
    """Making one."""

    def test_nothing(self) -> None:
        """Nothing to say is no line."""
        self.assertEqual(line(b"A", b" "), b"")
        self.assertEqual(line(b"A", b" b c "), b"A: b c\r\n")

    @given(st.binary(max_size=20))
    def test_one_line(self, value: bytes) -> None:
        """Whatever the value, it is one line or none."""
        made = line(b"A", value)
        self.assertTrue(not made or re.fullmatch(rb"A: [^\x00-\x08\x0a-\x1f\x7f]+\r\n", made))
