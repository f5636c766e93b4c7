"""Paths as rules see them."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.path import PLAIN, PLAIN_TARGET, folded, readings, respelled

#: Pieces that paths go wrong with, rather than any bytes.
PIECES = st.sampled_from(
    rb"/ // . .. /. /.. /../ a B ~ % %2 %2e %2E %2f %2F %5c \ %25 %41 %7e %c3%a9".split()
    + b"\xc3\xa9,|,%7C,;x=1,=,*, ,%20,[,%zz".split(b",")
)
PATHS = st.lists(PIECES, max_size=12).map(lambda pieces: b"/" + b"".join(pieces))


class ExampleTests(SynchronousTestCase):
    """Spellings of one resource, one by one."""

    SAME = {
        b"/": (b"/", b"//", b"/.", b"/./", b"/..", b"/../..", b"/a/..", b"/a/../", b"/%2e/"),
        b"/admin": (b"/admin", b"//admin", b"/x/../admin", b"/%61dmin", b"/./admin", b"/../admin"),
        b"/admin/": (b"/admin/", b"/admin/.", b"/admin/x/..", b"/admin//", b"/admin/%2e"),
        b"/b": (b"/a//../b", b"/a/%2e%2e/b", b"/a/.%2E/b", b"/%62"),
        b"/caf\xc3\xa9": (b"/caf\xc3\xa9", b"/caf%C3%A9", b"/caf%c3%a9"),
        b"/a%20b": (b"/a%20b", b"/a b"),
        b"/%7C": (b"/%7c", b"/%7C", b"/|"),
        b"/100%25": (b"/100%25", b"/100%"),
        b"/...": (b"/...",),
        b"/.git": (b"/.git", b"/%2egit"),
        b"/a.": (b"/a.",),
        b"*": (b"*",),
    }

    def test_same(self) -> None:
        """Every spelling of a resource has one normal form, and one reading."""
        for normal, spellings in self.SAME.items():
            for spelling in spellings:
                self.assertEqual(readings(spelling), (normal, None), spelling)

    def test_decoded_once(self) -> None:
        """What an escaped percent sign escapes stays escaped."""
        self.assertEqual(readings(b"/%252e%252e/%2541"), (b"/%252e%252e/%2541", None))

    def test_no_escape_arises(self) -> None:
        """A stray percent sign does not join what follows it to an escape."""
        self.assertEqual(readings(b"/%%32%46"), (b"/%252F", None))

    def test_encoded_separators(self) -> None:
        """An encoded slash or backslash is a character in one reading, a separator in the other."""
        self.assertEqual(readings(b"/a%2fb"), (b"/a%2Fb", b"/a/b"))
        self.assertEqual(readings(b"/a%5Cb"), (b"/a%5Cb", b"/a/b"))
        self.assertEqual(readings(b"/a\\b"), (b"/a%5Cb", b"/a/b"))
        self.assertEqual(readings(b"/a/..%2f..%2Fetc"), (b"/a/..%2F..%2Fetc", b"/etc"))

    def test_must_not_pass(self) -> None:
        """NUL in any spelling, and a fragment, are told apart from every other path."""
        for path in (b"/%00", b"/a%00.js", b"/a\x00", b"/a#/b"):
            self.assertEqual(readings(path)[1], b"", path)
        self.assertEqual(readings(b"/%2500"), (b"/%2500", None))


class PropertyTests(SynchronousTestCase):
    """What holds for any path."""

    @given(PATHS)
    @settings(max_examples=300, deadline=None)
    def test_idempotent(self, path: bytes) -> None:
        """The normal form of a normal form is itself."""
        normal, _ = readings(path)
        self.assertEqual(readings(normal)[0], normal)
        self.assertEqual(respelled(respelled(path)), respelled(path))

    @given(PATHS)
    @settings(max_examples=300, deadline=None)
    def test_rooted(self, path: bytes) -> None:
        """No reading has empty or dot segments, so none leaves the root."""
        for reading in readings(path):
            if reading:
                segments = reading[1:].split(b"/")
                self.assertEqual(reading[:1], b"/")
                self.assertNotIn(b"", segments[:-1])
                self.assertFalse({b".", b".."} & set(segments), reading)

    @given(PATHS)
    @settings(max_examples=300, deadline=None)
    def test_same_resource(self, path: bytes) -> None:
        """An origin that decodes once reads the spelling that rules see as it reads the path."""
        self.assertEqual(unquote_to_bytes(respelled(path)), unquote_to_bytes(path))
        self.assertEqual(respelled(path).translate(None, PLAIN + b"%"), b"")

    @given(PATHS)
    @settings(max_examples=300, deadline=None)
    def test_separators(self, path: bytes) -> None:
        """There is a second reading exactly when a separator is encoded, as if it were not."""
        encoded = any(mark in path.lower() for mark in (b"%2f", b"%5c", b"\\"))
        bare = respelled(path).replace(b"%2F", b"/").replace(b"%5C", b"/")
        self.assertEqual(readings(path)[1], folded(bare) if encoded else None)

    @given(PATHS, st.sampled_from([b"", b"?", b"?x=/../%2e"]))
    @settings(max_examples=300, deadline=None)
    def test_plain(self, path: bytes, query: bytes) -> None:
        """The short way takes a target only if its path is its own normal form."""
        found = PLAIN_TARGET.match(path + query)
        if found is not None:
            self.assertEqual(found[1], path)
            self.assertEqual(readings(path), (path, None))

    def test_short_way(self) -> None:
        """Ordinary targets go the short way."""
        for target in (b"/", b"/a", b"/a/b.html?q=1", b"/a/", b"/a..b/c;d=1", b"/\xc3\xa9", b"/?"):
            self.assertIsNotNone(PLAIN_TARGET.match(target), target)
        for target in (b"*", b"", b"?a", b"http://h/a", b"//", b"/.", b"/a//b", b"/%41", b"/#"):
            self.assertIsNone(PLAIN_TARGET.match(target), target)
