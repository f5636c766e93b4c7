"""Tests of L{fiberlb.store.sealed}."""

from __future__ import annotations

import os
import traceback

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.sealed import KEY_SIZE, PREFIX, Keyring, SealError, WrongKey, is_sealed

OLD, NEW = b"o" * KEY_SIZE, b"n" * KEY_SIZE
SECRET = b"-----BEGIN PRIVATE KEY-----"
CONTEXT = b"certificates/1/private_key"


class SealTests(SynchronousTestCase):
    """Sealing and opening."""

    def setUp(self) -> None:
        """A keyring of one key."""
        self.ring = Keyring([OLD], os.urandom)

    def test_round(self) -> None:
        """What was sealed opens, by any process that has the key."""
        for plain in (SECRET, b"", bytes(range(256)) * 100):
            text = self.ring.seal(plain, CONTEXT)
            self.assertEqual(Keyring([OLD], os.urandom).open(text, CONTEXT), plain)

    def test_text(self) -> None:
        """A sealed text is one word of ASCII without the secret, another one each time."""
        text = self.ring.seal(SECRET, CONTEXT)
        self.assertRegex(text, r"\Asealed:v1:[0-9a-f]{16}:[-_=A-Za-z0-9]+:[-_=A-Za-z0-9]+\Z")
        self.assertNotEqual(text, self.ring.seal(SECRET, CONTEXT))
        self.assertTrue(is_sealed(text))
        self.assertFalse(is_sealed(SECRET.decode()))

    def test_randomness(self) -> None:
        """Data key and nonces are drawn for each text, in the sizes they have."""
        drawn: list[int] = []

        def draw(size: int) -> bytes:
            drawn.append(size)
            return bytes([len(drawn)]) * size

        Keyring([OLD], draw).seal(SECRET, CONTEXT)
        self.assertEqual(sorted(drawn), [12, 12, 32])

    def test_moved(self) -> None:
        """A text does not open for another object."""
        text = self.ring.seal(SECRET, CONTEXT)
        self.assertRaises(SealError, self.ring.open, text, b"certificates/2/private_key")

    def test_damaged(self) -> None:
        """No text with one letter changed, missing or added opens."""
        text = self.ring.seal(SECRET, CONTEXT)
        for at in range(len(text)):
            other = "A" if text[at] != "A" else "B"
            for damaged in (
                text[:at] + other + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + other + text[at:],
            ):
                try:
                    opened = self.ring.open(damaged, CONTEXT)
                except SealError:
                    continue
                # The last letter of base64 may bear bits that mean nothing.
                self.assertEqual(opened, SECRET)

    def test_no_text(self) -> None:
        """What is no sealed text at all is told so, without repeating it."""
        for text in ("", "secret", PREFIX, PREFIX + "a:b", PREFIX + "a:ü:c", PREFIX + "::"):
            with self.assertRaises(SealError) as caught:
                self.ring.open(text, CONTEXT)
            self.assertNotIn("secret", str(caught.exception))

    def test_mixed(self) -> None:
        """The data key of one text does not open the secret of another one."""
        one, two = (self.ring.seal(SECRET, CONTEXT).split(":") for _ in range(2))
        self.assertRaises(SealError, self.ring.open, ":".join([*one[:4], two[4]]), CONTEXT)


class RotationTests(SynchronousTestCase):
    """Keys that come and go."""

    def test_wrong_key(self) -> None:
        """A missing key is named; the names of keys tell nothing about them."""
        text = Keyring([OLD], os.urandom).seal(SECRET, CONTEXT)
        ring = Keyring([NEW], os.urandom)
        with self.assertRaises(WrongKey) as caught:
            ring.open(text, CONTEXT)
        (missing,) = Keyring([OLD], os.urandom).key_ids
        self.assertEqual(caught.exception.key_id, missing)
        self.assertIn(missing, str(caught.exception))
        self.assertNotEqual(ring.key_ids, (missing,))

    def test_first_seals(self) -> None:
        """The first key seals, all of them open."""
        text = Keyring([OLD], os.urandom).seal(SECRET, CONTEXT)
        both = Keyring([NEW, OLD], os.urandom)
        self.assertEqual(both.open(text, CONTEXT), SECRET)
        fresh = both.seal(SECRET, CONTEXT)
        self.assertEqual(Keyring([NEW], os.urandom).open(fresh, CONTEXT), SECRET)

    def test_rewrap(self) -> None:
        """Rewrapping exchanges the key and leaves the encrypted secret as it is."""
        old = Keyring([OLD], os.urandom).seal(SECRET, CONTEXT)
        both = Keyring([NEW, OLD], os.urandom)
        self.assertTrue(both.stale(old))
        new = both.rewrap(old)
        self.assertFalse(both.stale(new))
        self.assertEqual(both.rewrap(new), new)
        self.assertEqual(new.split(":")[4], old.split(":")[4])
        self.assertEqual(Keyring([NEW], os.urandom).open(new, CONTEXT), SECRET)
        self.assertRaises(WrongKey, Keyring([OLD], os.urandom).open, new, CONTEXT)
        self.assertRaises(WrongKey, Keyring([NEW], os.urandom).rewrap, old)

    def test_renamed(self) -> None:
        """A text that claims to be under another key does not open."""
        both = Keyring([NEW, OLD], os.urandom)
        parts = both.seal(SECRET, CONTEXT).split(":")
        parts[2] = both.key_ids[1]
        self.assertRaises(SealError, both.open, ":".join(parts), CONTEXT)
        self.assertRaises(SealError, both.rewrap, ":".join(parts))

    def test_keys(self) -> None:
        """A ring has at least one key, of the one size there is."""
        self.assertRaises(SealError, Keyring, [], os.urandom)
        self.assertRaises(SealError, Keyring, [b"short"], os.urandom)

    def test_silent(self) -> None:
        """Neither its representation nor a failure's traceback shows a key or a secret."""
        ring = Keyring([OLD, NEW], os.urandom)
        self.assertEqual(repr(ring), f"<Keyring {ring.key_ids[0]} {ring.key_ids[1]}>")
        text = ring.seal(SECRET, CONTEXT)
        with self.assertRaises(SealError) as caught:
            ring.open(text, b"")
        told = "".join(traceback.format_exception(caught.exception))
        self.assertNotIn("oooo", told)
        self.assertIsNone(caught.exception.__cause__)
