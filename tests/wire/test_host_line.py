"""The Host field on its way to a member."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire.host_line import hosted, named


class HostTests(SynchronousTestCase):
    """Another host."""

    def test_hosted(self) -> None:
        """The one field, wherever it stands; nothing of a body."""
        head = b"GET / HTTP/1.1\r\nA: b\r\nhost: a\r\nX-Host: c\r\n\r\nx\nHost: d\r\n"
        self.assertEqual(hosted(head, b"m:1"), head.replace(b"host: a", b"Host: m:1"))

    def test_named(self) -> None:
        """The usual port goes without saying; a socket has no name."""
        for given, wanted in (
            (("a.example", 80, 80), b"a.example"),
            (("a.example", 81, 80), b"a.example:81"),
            (("::1", 443, 443), b"[::1]"),
            (("::1", 9, 443), b"[::1]:9"),
            (("unix:/x", 0, 80), b"localhost"),
        ):
            self.assertEqual(named(*given), wanted)
