"""Tests of L{fiberlb.observe.fields}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.fields import clock_time, fields, internet_time, quotable, quoted, word


class FieldsTests(SynchronousTestCase):
    """Three fields out of a block."""

    def test_found(self) -> None:
        """Names in any case, blanks around values left out, the first of several lines."""
        lines = [b"host:a", b"X-Referer: no", b"USER-AGENT: \t b c \t", b"Host: d", b"RefererX: e"]
        text = b"\r\n" + b"\r\n".join(lines) + b"\r\n"
        self.assertEqual(fields(text), {b"host": b"a", b"user-agent": b"b c"})

    def test_empty(self) -> None:
        """No fields, or no block at all."""
        self.assertEqual((fields(b"\r\n"), fields(b"")), ({}, {}))

    def test_empty_value(self) -> None:
        """An empty value does not take the next line for its own."""
        self.assertEqual(fields(b"\r\nReferer:\r\nHost: h\r\n"), {b"referer": b"", b"host": b"h"})


class TextTests(SynchronousTestCase):
    """Times, and what may stand where."""

    def test_times(self) -> None:
        """Both are UTC."""
        self.assertEqual(clock_time(1700000000), "14/Nov/2023:22:13:20")
        self.assertEqual(internet_time(1700000000.1239), "2023-11-14T22:13:20.123Z")

    def test_escapes(self) -> None:
        """Quotes, backslashes and what is not printable ASCII; blanks only in words."""
        nasty = b'a "b\\\r\n\xff'
        self.assertEqual(quoted(nasty), "a \\x22b\\x5C\\x0D\\x0A\\xFF")
        self.assertEqual(word(nasty), "a\\x20\\x22b\\x5C\\x0D\\x0A\\xFF")
        self.assertEqual(quotable("é"), "\\xE9")
        self.assertEqual((quoted(b""), word("")), ("-", "-"))
