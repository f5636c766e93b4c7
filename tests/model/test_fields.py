"""The kinds that fields are of."""

from __future__ import annotations

import base64
from enum import Enum

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.fields import (
    Flag,
    Loading,
    Material,
    OneOf,
    Optional,
    Reference,
    Several,
    Text,
    Whole,
    Words,
    field,
)
from tests.model.documents import check_schema, loaded, refused, values


class Colour(Enum):
    """Words for the tests."""

    RED = "red"
    DARK_BLUE = "dark_blue"


class TextTests(SynchronousTestCase):
    """Texts."""

    def test_loaded(self) -> None:
        """Texts are kept; numbers of JSON are written out."""
        for value, wanted in (("", ""), ("ü €", "ü €"), (5, "5"), (1.5, "1.5"), ("x" * 255,) * 2):
            self.assertEqual(loaded(Text(), value), wanted)

    def test_refused(self) -> None:
        """Other things are not."""
        for value in values(None, True, False, [], {}, ["a"]):
            self.assertEqual(refused(Text(), value), "must be a text")
        self.assertEqual(refused(Text(3, 2), "abcd"), "must have 2 to 3 characters")
        self.assertEqual(refused(Text(3, 2), "a"), "must have 2 to 3 characters")

    def test_control_characters(self) -> None:
        """Nothing that could forge a line of a log, or cannot be encoded, gets in."""
        for character in "\x00\t\n\r\x1b\x7f\x80\x85\x9f":
            self.assertEqual(
                refused(Text(), f"a{character}"), "must not contain control characters"
            )
            loaded(Text(multiline=True), f"a{character}")
        for kind in (Text(), Text(multiline=True)):
            self.assertIn("surrogate", refused(kind, "a\ud800"))

    def test_pattern(self) -> None:
        """A pattern is for the whole text, and told by its name."""
        kind = Text(9, 0, "[a-z]+", "a word")
        self.assertEqual(loaded(kind, "abc"), "abc")
        for text in ("", "abc1", "1abc"):
            self.assertEqual(refused(kind, text), "must be a word")

    def test_schema(self) -> None:
        """Length and pattern are in the schema."""
        check_schema(Text(5, 1, "[a-z]+", "x"), ["abc", "a"], ["", "abcdef", "A"])


class WholeTests(SynchronousTestCase):
    """Whole numbers."""

    def test_loaded(self) -> None:
        """Numbers, digits as text, and floats that are whole."""
        for value, wanted in ((0, 0), (-5, -5), ("8080", 8080), ("-1", -1), (5.0, 5), ("007", 7)):
            self.assertEqual(loaded(Whole(-5, 9999), value), wanted)

    def test_refused(self) -> None:
        """Nothing else, and nothing out of range."""
        for value in values(
            None, True, "", "x", "1.0", "1e3", " 5", "+5", 1.5, float("nan"), [], {}
        ):
            self.assertEqual(refused(Whole(-5, 9999), value), "must be a whole number")
        for value in (-6, 10000, "10000", 1e300):
            self.assertEqual(refused(Whole(-5, 9999), value), "must be from -5 to 9999")
        self.assertEqual(refused(Whole(0, 9), "9" * 10000), "must be a whole number")

    def test_schema(self) -> None:
        """The range is in the schema."""
        check_schema(Whole(1, 9), [1, 9, 5.0], [0, 10, 1.5, "x", True])


class FlagTests(SynchronousTestCase):
    """Booleans."""

    def test_flags(self) -> None:
        """The two values and nothing like them."""
        self.assertIs(loaded(Flag(), True), True)
        self.assertIs(loaded(Flag(), False), False)
        for value in ("true", "yes", "on", 1, 0, None, ""):
            self.assertEqual(refused(Flag(), value), "must be true or false")
        check_schema(Flag(), [True], ["true", 1])


class OneOfTests(SynchronousTestCase):
    """Words."""

    kind = OneOf(Colour, {"rouge": "red"}, later=("green",))

    def test_loaded(self) -> None:
        """In any case, with hyphens, in other spellings."""
        for value in ("red", "RED", " Red ", "rouge", "ROUGE"):
            self.assertIs(loaded(self.kind, value), Colour.RED)
        for value in ("dark_blue", "Dark-Blue", "DARK_BLUE"):
            self.assertIs(loaded(self.kind, value), Colour.DARK_BLUE)
        self.assertEqual(self.kind.dump(Colour.DARK_BLUE), "dark_blue")

    def test_refused(self) -> None:
        """A word near to one is told which; one of a later version is told so."""
        self.assertEqual(
            refused(self.kind, "rd"), "'rd' is not one of red, dark_blue (did you mean 'red'?)"
        )
        self.assertEqual(refused(self.kind, "zzz"), "'zzz' is not one of red, dark_blue")
        self.assertEqual(refused(self.kind, "GREEN"), "green: known, not supported by this version")
        for value in values(None, 5, True, []):
            self.assertEqual(refused(self.kind, value), "must be one of red, dark_blue")

    def test_schema(self) -> None:
        """The schema has the words as they are written out."""
        check_schema(self.kind, ["red"], ["zzz", 5])


class ReferenceTests(SynchronousTestCase):
    """Names and ids of other objects."""

    def test_reference(self) -> None:
        """Any text but the empty one."""
        self.assertEqual(loaded(Reference("pools"), "a b"), "a b")
        for value in values("", None, 5, True, [], {}):
            self.assertEqual(refused(Reference("pools"), value), "must be a name or an id")


class OptionalTests(SynchronousTestCase):
    """Null or something."""

    def test_optional(self) -> None:
        """Null is itself, anything else is of the kind."""
        kind = Optional(Whole(1, 9))
        self.assertIsNone(loaded(kind, None))
        self.assertEqual(loaded(kind, 5), 5)
        self.assertEqual(refused(kind, 10), "must be from 1 to 9")
        self.assertEqual((kind.dump(None), kind.dump(5)), (None, 5))
        check_schema(kind, [None, 5], [10, "x"])


class SeveralTests(SynchronousTestCase):
    """Lists."""

    def test_lists(self) -> None:
        """Lists are tuples; each element's problem is told at its index."""
        kind = Several(Whole(1, 9), most=3)
        self.assertEqual(loaded(kind, [1, "2"]), (1, 2))
        self.assertEqual(loaded(kind, []), ())
        for value in values(None, 5, "5", {}):
            self.assertEqual(refused(kind, value), "must be a list")
        self.assertEqual(refused(kind, [1, 1, 1, 1]), "must have at most 3 elements")
        loading = Loading()
        kind.load([0, 5, 10], ("f",), loading)
        self.assertEqual([p.field for p in loading.problems], ["f[0]", "f[2]"])
        check_schema(kind, [[], [1]], [[0], [1] * 4, 5])

    def test_single(self) -> None:
        """Where allowed, one value is a list of one, and is written so."""
        kind = Several(Text(9), single=True)
        self.assertEqual(loaded(kind, "a"), ("a",))
        self.assertEqual(loaded(kind, None), ())
        self.assertEqual(loaded(kind, ["a", "b"]), ("a", "b"))
        self.assertEqual(kind.dump(("a",)), "a")
        self.assertEqual(kind.dump(("a", "b")), ["a", "b"])
        self.assertEqual(kind.dump(()), [])
        check_schema(kind, ["a", ["a"]], [{}])

    @given(st.lists(st.text("ab", max_size=2), max_size=4))
    def test_round_trip(self, words: list[str]) -> None:
        """What is written out reads the same."""
        for single in (False, True):
            kind = Several(Text(9), single=single)
            value = loaded(kind, words)
            self.assertEqual(loaded(kind, kind.dump(value)), value)


class WordsTests(SynchronousTestCase):
    """Mappings of words."""

    def test_any(self) -> None:
        """Any header name, the pairs sorted."""
        kind = Words(Text(9))
        self.assertEqual(loaded(kind, {"b": "1", "A-c": 2}), (("A-c", "2"), ("b", "1")))
        self.assertEqual(loaded(kind, None), ())
        self.assertEqual(kind.dump((("a", "1"),)), {"a": "1"})
        self.assertIn("is not a header name", refused(kind, {"a b": "1"}))
        self.assertIn("is not a header name", refused(kind, {"": "1"}))
        self.assertEqual(refused(kind, [1]), "must be a mapping")

    def test_twice(self) -> None:
        """One name in two cases is one name."""
        self.assertIn("x-a is given twice", refused(Words(Text(9)), {"X-A": "1", "x-a": "2"}))
        kind = Words(Flag(), ("X-A",), fold=True)
        self.assertIn("X-A is given twice", refused(kind, {"X-A": True, "x-a": False}))

    def test_known(self) -> None:
        """Only known keys, in any case where that is the same; later ones are told."""
        kind = Words(Flag(), ("X-For", "X-Proto"), later=("X-DN",), fold=True)
        self.assertEqual(loaded(kind, {"x-for": True}), (("X-For", True),))
        self.assertIn("did you mean 'X-Proto'?", refused(kind, {"X-Prto": True}))
        self.assertIn("known, not supported by this version", refused(kind, {"x-dn": True}))
        self.assertEqual(refused(kind, {"X-For": 1}).split(": ")[1], "must be true or false")
        check_schema(kind, [{"X-For": True}, {}], [{"X-Far": True}, {"X-For": 1}])


class MaterialTests(SynchronousTestCase):
    """PEM texts."""

    def test_text(self) -> None:
        """The text itself."""
        self.assertEqual(loaded(Material(), "-----BEGIN"), "-----BEGIN")
        for value in ("", None, 5, True):
            self.assertEqual(refused(Material(), value), "must be PEM text or file:PATH")
        self.assertIn("surrogate", refused(Material(), "\udcff"))

    def test_file(self) -> None:
        """A file's content, where files may be named."""
        loading = Loading({"a.pem": "PEM"}.__getitem__)
        self.assertEqual(Material().load("file:a.pem", (), loading), "PEM")
        self.assertIn("is for the configuration file", refused(Material(), "file:a.pem"))

    def test_unreadable(self) -> None:
        """A file that cannot be read is told by its name and the reason."""

        def read(name: str) -> str:
            if name == "binary":
                return b"\xff".decode()
            raise FileNotFoundError(2, "No such file or directory", name)

        loading = Loading(read)
        for name in ("gone", "binary"):
            Material().load(f"file:{name}", ("f",), loading)
        self.assertEqual(
            [str(p) for p in loading.problems],
            [
                "f: cannot read gone: No such file or directory",
                "f: binary is not text; PEM is expected",
            ],
        )

    def test_armour(self) -> None:
        """A file in DER becomes PEM where that is meant; other binary files do not."""
        der = b"\x30\x82\x01\x00" + bytes(range(256))
        files = {"der": der, "other": b"\xff"}
        loading = Loading(lambda name: files[name].decode())
        kind = Material(armour="X509 CRL")
        text = kind.load("file:der", (), loading)
        lines = text.splitlines()
        self.assertEqual(lines[0], "-----BEGIN X509 CRL-----")
        self.assertEqual(lines[-1], "-----END X509 CRL-----")
        self.assertEqual(base64.b64decode("".join(lines[1:-1])), der)
        kind.load("file:other", ("f",), loading)
        Material().load("file:der", ("f",), loading)
        self.assertEqual(
            [str(p) for p in loading.problems],
            ["f: other is not text; PEM is expected", "f: der is not text; PEM is expected"],
        )

    def test_secret(self) -> None:
        """A secret is never written out."""
        self.assertIsNone(Material(secret=True).dump("key"))
        self.assertEqual(Material().dump("pem"), "pem")


class FieldTests(SynchronousTestCase):
    """Declaring a field."""

    def test_mutable_default(self) -> None:
        """A default that could be changed for everyone is a mistake."""
        for default in values([], {}):
            with self.assertRaises(TypeError):
                field(Text(), default)
