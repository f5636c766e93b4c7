"""YAML files: what is read, what is refused and where."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.yaml_file import LARGEST, Document, read_yaml
from fiberlb.errors import ConfigurationError, Position, Problem


def read(text: str | bytes, **environ: str) -> Document:
    """A document of the file C{f}."""
    content = text if isinstance(text, bytes) else text.encode()
    return read_yaml(content, "f", environ)


def refusal(text: str | bytes, **environ: str) -> str:
    """The one problem for which a file is refused at once."""
    try:
        read(text, **environ)
    except ConfigurationError as why:
        (problem,) = why.problems
        return str(problem)
    raise AssertionError("was read")


def told(document: Document) -> list[str]:
    """The problems noted on the way."""
    return [str(problem) for problem in document.problems]


class ContentTests(SynchronousTestCase):
    """The octets of a file."""

    def test_nothing(self) -> None:
        """A file without a value holds nothing."""
        for text in ("", "# only a comment\n", "---\n", "\ufeff"):
            self.assertIsNone(read(text).tree)

    def test_mark(self) -> None:
        """A byte order mark at the beginning is passed over and moves no column."""
        document = read("\ufeffa: 1")
        self.assertEqual(document.tree, {"a": "1"})
        self.assertEqual(str(document.position(("a",))), "f:1:1")

    def test_not_utf8(self) -> None:
        """Octets that are not UTF-8 are refused where they stand, columns counted in characters."""
        self.assertEqual(refusal(b"a: 1\n\xc3\xbc: \xff\n"), "f:2:4: not UTF-8: byte 0xff")
        self.assertIn("f:1:1: not UTF-8", refusal("a: 1".encode("utf-16")))

    def test_control_characters(self) -> None:
        """Control characters are refused where they stand, wherever that is."""
        for character, name in (("\x00", "U+0000"), ("\x07", "U+0007"), ("\x7f", "U+007F")):
            wanted = f"f:2:5: control character {name}"
            self.assertEqual(refusal(f"a: 1\nb: x{character}y"), wanted)
            self.assertEqual(refusal(f"a: 1\n# co{character}"), wanted)
        self.assertIn("U+FEFF", refusal("a: b\ufeff"))
        self.assertIn("U+009F", refusal("a: \x9f"))

    def test_size(self) -> None:
        """A file that is larger than the limit is not looked into."""
        self.assertEqual(refusal(b"#" * (LARGEST + 1)), "f:1:1: is larger than 16MiB")


class SyntaxTests(SynchronousTestCase):
    """What is not YAML, or more of it than is wanted."""

    def test_documents(self) -> None:
        """One document, which may have its marks."""
        self.assertEqual(read("---\na: 1\n...\n").tree, {"a": "1"})
        message = "a second document; a file holds one"
        self.assertEqual(refusal("a: 1\n---\nb: 2\n"), f"f:2:1: {message}")
        self.assertEqual(refusal("a: 1\n---\n"), f"f:2:1: {message}")

    def test_directive(self) -> None:
        """A file that says it is of another version would be read wrongly."""
        self.assertIn("f:1:1: the file is read as YAML 1.2", refusal("%YAML 1.1\n---\na: off"))
        self.assertEqual(read("%YAML 1.2\n---\na: off").tree, {"a": "off"})

    def test_tab(self) -> None:
        """A tab that indents is called one."""
        found = refusal("a:\n\tb: 1")
        self.assertTrue(found.startswith("f:2:1: not YAML: a tab cannot indent, use spaces"), found)

    def test_indicator(self) -> None:
        """A text that begins with a reserved character needs quotes."""
        for character in "@`%":
            found = refusal(f"a: {character}x")
            self.assertTrue(found.startswith("f:1:4: not YAML: a text that begins with"), found)

    def test_variable_in_braces(self) -> None:
        """A variable unquoted in a flow mapping is told how to stand there."""
        found = refusal("a: {p: ${PORT}}", PORT="1")
        self.assertTrue(found.startswith("f:1:9: not YAML: quote ${NAME} inside"), found)

    def test_not_closed(self) -> None:
        """A bracket or a quote that is never closed is told where it was opened."""
        for opening in ("[1", "{b: 1", "'text", '"text'):
            self.assertTrue(refusal(f"x: 0\na: {opening}\n").startswith("f:2:4: not YAML: "))

    def test_others(self) -> None:
        """Any other fault is told in the parser's words, where it found it."""
        self.assertTrue(refusal("a: b: c").startswith("f:1:5: not YAML: "))
        self.assertTrue(refusal("a: [1\nb: 2\n").startswith("f:2:2: not YAML: "))
        self.assertTrue(refusal("- a\nb: c").startswith("f:2:1: not YAML: "))
        self.assertTrue(refusal('a: "\\q"').startswith("f:1:5: not YAML: "))
        self.assertTrue(refusal("!x!y z").startswith("f:1:1: not YAML: "))


class PositionTests(SynchronousTestCase):
    """Every field has a place."""

    text = "ü: 1\nlist:\n  - {a: x, 'b c': y}\n  -   k:\n        deep: [1, 2]\nempty:\n"

    def at(self, *path: str | int) -> tuple[int, int]:
        """Line and column."""
        position = read(self.text).position(path)
        self.assertEqual(position.file, "f")
        return position.line, position.column

    def test_keys(self) -> None:
        """A field of a mapping stands where its key does."""
        self.assertEqual(self.at("ü"), (1, 1))
        self.assertEqual(self.at("list"), (2, 1))
        self.assertEqual(self.at("list", 0, "a"), (3, 6))
        self.assertEqual(self.at("list", 0, "b c"), (3, 12))
        self.assertEqual(self.at("list", 1, "k"), (4, 7))
        self.assertEqual(self.at("list", 1, "k", "deep"), (5, 9))
        self.assertEqual(self.at("empty"), (6, 1))

    def test_items(self) -> None:
        """An element of a list stands where it begins."""
        self.assertEqual(self.at("list", 0), (3, 5))
        self.assertEqual(self.at("list", 1), (4, 7))
        self.assertEqual(self.at("list", 1, "k", "deep", 1), (5, 19))

    def test_nearest(self) -> None:
        """What is not there is told at the nearest thing around it."""
        self.assertEqual(self.at("list", 0, "port"), (3, 5))
        self.assertEqual(self.at("list", 7), (2, 1))
        self.assertEqual(self.at("list", 0, "a", "b", "c"), (3, 6))
        self.assertEqual(self.at("list", "a"), (2, 1))
        self.assertEqual(self.at(), (1, 1))
        self.assertEqual(self.at("nope"), (1, 1))

    def test_aliases(self) -> None:
        """What an alias repeats stands where it was written; the field itself where it is used."""
        document = read("a: &x {p: 1}\nb: *x\nc: [*x]")
        self.assertEqual(str(document.position(("b",))), "f:2:1")
        self.assertEqual(str(document.position(("b", "p"))), "f:1:8")
        self.assertEqual(str(document.position(("c", 0, "p"))), "f:1:8")

    def test_located(self) -> None:
        """A problem gets a position once."""
        document = read("a: 1")
        problem = document.located(Problem(("a",), "no"))
        self.assertEqual(str(problem), "f:1:1: a: no")
        elsewhere = Problem(("a",), "no", position=Position("g", 7, 7))
        self.assertIs(document.located(elsewhere), elsewhere)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
)
_KEYS = st.text("abcdefghij", min_size=1, max_size=4)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


def _as_read(value: Any) -> Any:
    """A value as the loader gives it."""
    if isinstance(value, dict):
        return {key: _as_read(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_as_read(content) for content in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


class AnyTests(SynchronousTestCase):
    """Whatever a file holds."""

    @given(_TREES)
    @settings(deadline=None, max_examples=60)
    def test_written(self, tree: Any) -> None:
        """What a program writes is read as it was meant, and every field has a place."""
        text = yaml.safe_dump(tree, allow_unicode=True)
        document = read(text.replace("${", "$${"))
        self.assertEqual(document.tree, _as_read(tree))
        self.assertEqual(document.problems, ())

    @given(st.text("ab: -[]{}&*!|>'\"#%@\n\t$<0", max_size=40) | st.binary(max_size=30))
    @settings(deadline=None, max_examples=200)
    def test_garbage(self, content: str | bytes) -> None:
        """Any octets are read or refused, with positions inside them."""
        data = content.encode() if isinstance(content, str) else content
        try:
            problems = read(data).problems
        except ConfigurationError as why:
            problems = why.problems
        lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + 2
        for problem in problems:
            assert problem.position is not None
            self.assertLessEqual(problem.position.line, lines)
