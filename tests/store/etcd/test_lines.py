"""Tests of L{fiberlb.store.etcd.lines}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.etcd.lines import Lines


class LinesTests(SynchronousTestCase):
    """Pieces into lines."""

    def test_any_pieces(self) -> None:
        """However the bytes come, the lines are the same; what has no end yet is kept."""
        whole = b"one\n\ntwo\nthree\nfour"
        for size in range(1, len(whole) + 1):
            lines = Lines()
            found: list[bytes] = []
            for start in range(0, len(whole), size):
                found += lines.take(whole[start : start + size])
            self.assertEqual(found, [b"one", b"two", b"three"], size)
            self.assertEqual(lines.take(b"\n"), [b"four"])

    def test_long(self) -> None:
        """A long line takes each piece up once."""
        lines = Lines()
        piece = bytes(65536).replace(b"\0", b"x")
        for _ in range(256):
            self.assertEqual(lines.take(piece), [])
            self.assertEqual(lines._pieces[-1], piece)
        self.assertEqual(len(lines._pieces), 256)
        self.assertEqual([len(line) for line in lines.take(b"\n")], [256 * 65536])
