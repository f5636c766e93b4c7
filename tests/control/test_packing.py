"""Large documents of the history."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.packing import LARGE, packed, unpacked


class PackingTests(SynchronousTestCase):
    """What is stored says what was to be stored."""

    def test_large(self) -> None:
        """What is large is stored in much less, what is small as it is."""
        small, large = [{"a": 1}], [{"object": f"pools/{n}"} for n in range(LARGE // 10)]
        for document in (small, large, {"changes": large}):
            text = json.dumps(document).encode()
            self.assertEqual(unpacked(packed(text)), document)
        self.assertEqual(packed(b'{"a":1}'), b'{"a":1}')
        text = json.dumps(large).encode()
        self.assertLess(len(packed(text)), len(text) // 3)

    def test_sealed(self) -> None:
        """Secrets are found in it when keys are exchanged."""
        text = json.dumps(["sealed:v1:0:1:2", "x" * LARGE]).encode()
        self.assertEqual(packed(text), text)

    def test_damaged(self) -> None:
        """Neither JSON, nor compressed JSON."""
        for damaged in (b"", b"{", b"x", packed(b"[" + b" " * LARGE + b"]")[:-5]):
            self.assertRaises(ValueError, unpacked, damaged)
