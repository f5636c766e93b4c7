"""Look-ups of literals, against looking at each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import RuleType
from fiberlb.routing.actions import refusal
from fiberlb.routing.candidates import MOST_ELEMENTS, Named
from fiberlb.routing.entries import Row
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT
from fiberlb.routing.tables import (
    FEW_NAMES,
    FINDS,
    Find,
    Names,
    Rows,
    folding,
    one,
    several,
    together,
)
from tests.routing.made import path_rule, request
from tests.routing.test_entries import entry
from tests.routing.test_policies import done

DECISION = refusal("rejected")
TEXTS = st.text("ab", max_size=5).map(str.encode)


def row(position: int) -> Row:
    """A policy, by its place alone."""
    return (position, (), DECISION)


def finder(kind: str, texts: Iterable[bytes]) -> Find:
    """Entries of which each has a row, numbered in order."""
    rows: Rows = {text: (row(number),) for number, text in enumerate(texts)}
    return done(FINDS[kind](rows, {}))


def positions(find: Find, text: bytes) -> list[int]:
    """What is found for a text."""
    found: list[Row] = []
    find(text, request(), found)
    return sorted(position for position, _, _ in found)


class FindTests(SynchronousTestCase):
    """Entries by texts."""

    COMPARE: dict[str, Callable[[bytes, bytes], bool]] = {
        "exact": bytes.__eq__,
        "prefixes": bytes.startswith,
        "suffixes": bytes.endswith,
    }

    @given(st.sampled_from(sorted(FINDS)), st.lists(TEXTS, unique=True), TEXTS)
    @settings(max_examples=600, deadline=None)
    def test_all(self, kind: str, texts: list[bytes], text: bytes) -> None:
        """Every entry that the text has, and no other one, the empty one included."""
        compare = self.COMPARE[kind]
        wanted = [number for number, each in enumerate(texts) if compare(text, each)]
        self.assertEqual(positions(finder(kind, texts), text), wanted)

    def test_octets(self) -> None:
        """Octets above ASCII sort and compare like any."""
        find = finder("prefixes", [b"\xff", b"\xff\xff", b"\x7f"])
        self.assertEqual(positions(find, b"\xff\xff\xff"), [0, 1])

    def test_further(self) -> None:
        """Where an entry has more to look up, it is, with the request."""
        asked = []

        def collect(made: Request, found: list[Row]) -> None:
            asked.append(made.path)
            found.append(row(9))

        for kind, text in (("exact", b"/ab"), ("prefixes", b"/a"), ("suffixes", b"ab")):
            find = done(FINDS[kind]({text: (), b"/": (row(1),)}, {text: collect}))
            found: list[Row] = []
            find(b"/ab", request(b"/ab"), found)
            self.assertIn(row(9), found, kind)
        self.assertEqual(asked, [b"/ab"] * 3)

    def test_when_found(self) -> None:
        """The rows of entries are made when a text first leads to them, and kept."""
        for kind in FINDS:
            made = entry(path_rule("/a"), position=3)
            find = done(FINDS[kind]({b"ab": [made], b"c": [entry(path_rule("/c"))]}, {}))
            found: list[Row] = []
            for _ in range(2):
                find(b"ab", request(), found)
            self.assertEqual([position for position, _, _ in found], [3, 3])
            self.assertIs(found[0], found[1])

    def test_steps(self) -> None:
        """Many texts take many steps."""
        rows: Rows = {b"%d" % number: (row(number),) for number in range(5000)}
        for kind in ("prefixes", "suffixes"):
            self.assertGreater(len(list(FINDS[kind](rows, {}))), 10)

    def test_folding(self) -> None:
        """Texts of any case find what is in lower case."""
        find = folding(finder("exact", [b"ab"]))
        self.assertEqual(positions(find, b"aB"), [0])


class CollectTests(SynchronousTestCase):
    """Entries by requests."""

    def test_one(self) -> None:
        """The text of a request, if it has it."""
        finds = [finder("exact", [b"a"]), finder("prefixes", [b"x", b"a"])]
        for some, wanted in ((finds[:1], [0]), (finds, [0, 1])):
            collect = one(lambda made: made.sni, some)
            found: list[Row] = []
            collect(request(), found)
            self.assertEqual(found, [])
            collect(request(sni=b"a"), found)
            self.assertEqual([position for position, _, _ in found], wanted)

    def names(self, count: int, *lines: bytes) -> list[int]:
        """What is found in header fields, where entries have so many names."""
        source = EXTRACT[RuleType.HEADER].source
        assert isinstance(source, Named)
        entries: Names = {
            source.name(f"X-{number}"): ([finder("exact", [b"a", b"b"])], (row(7),))
            for number in range(count)
        }
        found: list[Row] = []
        several(source, entries)(request(b"/", b"h", *lines), found)
        return sorted(position for position, _, _ in found)

    def test_several(self) -> None:
        """Every text of every name, however many names there are."""
        for count in (1, FEW_NAMES, FEW_NAMES + 1, 20):
            self.assertEqual(self.names(count), [])
            self.assertEqual(self.names(count, b"x-0:a", b"X-9000: a"), [0])
            self.assertEqual(self.names(count, b"X-0: a, b"), [0, 1])
            self.assertEqual(self.names(count, b"X-0: b", b"A: c", b"X-0: b")[0], 1)

    def test_too_many(self) -> None:
        """Where a request has more than is looked at, the undecided are found too."""
        many = b"X-0: " + b"w," * MOST_ELEMENTS + b"a"
        for count in (1, 20):
            self.assertEqual(self.names(count, many), [7])
            self.assertEqual(self.names(count, b"X-0: b", many), [1, 7])

    def test_together(self) -> None:
        """Rows, and what is found."""
        collect = together([one(lambda made: b"a", [finder("exact", [b"a"])])], [row(3)])
        found: list[Row] = []
        collect(request(), found)
        self.assertEqual([position for position, _, _ in found], [3, 0])
