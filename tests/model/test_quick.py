"""Documents read quickly and with care: the same objects, the same problems."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import Any, ClassVar, cast

import attrs
from twisted.trial.unittest import SynchronousTestCase

import fiberlb.model
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import Nested, kinds, structure, with_care
from fiberlb.model.fields import (
    REFUSED,
    Flag,
    Kind,
    Loading,
    OneOf,
    Optional,
    Reference,
    Several,
    Text,
    Whole,
    field,
)
from fiberlb.model.l7 import L7Policy
from fiberlb.model.quick import READERS, UNUSUAL, take
from fiberlb.model.written import Written
from tests.model.objects import ident

#: Documents of each class that are tried.
DOCUMENTS = 80
#: Values that mean something to some kind, and others that mean nothing to any.
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 80, 1.0, 1.5, -1, 10**20, "", "a", "A b", "é", "\u00a0", "a\x00b"),
    *("\ud800", "x" * 300, "x" * 3000, "5", "true", ident(1), ident(1).upper() + "x", [], ["a"]),
    *([1, None], ["a", "a"], {}, {"a": 1}, {"X-A": "b"}, [[]], [{}], "10.0.0.1", "10.0.0.0/8"),
    *("::1", "5s", "10MiB", "100/s", "none", "all", "example.com", "/path", "https://a/b", "GET"),
    *("10.0.0.1:80", "unix:/a", "dns:a:80", "header X", "client_address", "200", "200-299"),
    *(Written("5", 5), Written("true", True), Written("1.5", 1.5), Written("0x10", 16)),
)


def model_classes() -> list[type]:
    """Every class of the model that documents are read to."""
    found: dict[type, None] = {}
    for module in pkgutil.iter_modules(fiberlb.model.__path__):
        for each in vars(importlib.import_module(f"fiberlb.model.{module.name}")).values():
            if isinstance(each, type) and attrs.has(each) and kinds(each):
                made = {a.name for a in attrs.fields(cast(Any, each)) if a.init}
                if made == kinds(each).keys():
                    found[each] = None
    return list(found)


def likely(kind: Kind, random: Random, depth: int = 0) -> Any:
    """A value that a kind may take, or hardly so."""
    if random.random() < 0.15:
        return random.choice(ODD)
    if isinstance(kind, Optional):
        return None if random.random() < 0.3 else likely(kind.kind, random, depth)
    if isinstance(kind, Several):
        several = [likely(kind.kind, random, depth + 1) for _ in range(random.randrange(3))]
        return several if random.random() < 0.8 else (several or [None])[0]
    if isinstance(kind, Nested) and depth < 3:
        return document(kind.cls, random, depth + 1)
    if isinstance(kind, OneOf):
        words = [*(one.value for one in kind.words), *kind.aliases, *kind.later]
        word = random.choice(words)
        return random.choice([word, word.upper(), word.replace("_", "-"), f" {word}"])
    if isinstance(kind, Whole):
        near = [kind.least, kind.most, kind.least - 1, kind.most + 1]
        number = random.choice([*near, (kind.least + kind.most) // 2])
        return random.choice([number, str(number), float(number), Written(str(number), number)])
    if isinstance(kind, Flag):
        return random.choice([True, False, "true", 1])
    if isinstance(kind, Text):
        return random.choice(["a", "a b", "é", "x" * kind.longest, "x" * (kind.longest + 1)])
    return random.choice(ODD)


def document(cls: type, random: Random, depth: int = 0) -> dict[Any, Any]:
    """A document of a class with some of its keys, in any order, and perhaps others."""
    known = kinds(cls)
    needed = [a.name for a in attrs.fields(cast(Any, cls)) if a.default is attrs.NOTHING]
    words = random.sample(list(known), random.randrange(min(5, len(known)) + 1))
    words += [name for name in needed if name in known and random.random() < 0.9]
    done: dict[Any, Any] = {word: likely(known[word], random, depth) for word in words}
    others = [*getattr(cls, "SPELLINGS", {}), *getattr(cls, "CHILDREN", {}), "nonsense", 5]
    if random.random() < 0.2:
        done[random.choice(others)] = random.choice(ODD)
    return done


def objects(random: Random) -> Iterator[Any]:
    """Objects of every class, of documents that happen to be in order."""
    for cls in model_classes():
        for _ in range(DOCUMENTS):
            found = structure(cls, document(cls, random), (), Loading())
            if found is not None:
                yield found


class Colour(Enum):
    """Words."""

    DARK_RED = "dark_red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Painted:
    """A class with a field of each usual kind."""

    SPELLINGS: ClassVar[dict[str, str]] = {"dyed": "colour"}
    CHILDREN: ClassVar[dict[str, str]] = {"parts": "parts"}

    name: str = field(Text(5, 1))
    colour: Colour = field(OneOf(Colour, {"navy": "blue"}), Colour.BLUE)
    coats: int = field(Whole(1, 9), 1)
    dry: bool = field(Flag(), False)
    pool: str | None = field(Optional(Reference("pools")), None)
    words: tuple[str, ...] = field(Several(Text(), single=True, most=3), ())


@attrs.frozen(kw_only=True)
class Counted(Painted):
    """One that says what else is needed, and counts itself."""

    number: list[int] = attrs.field(factory=list)


class SameTests(SynchronousTestCase):
    """What is made quickly is what is made with care."""

    def compare(self, cls: type, value: dict[Any, Any]) -> bool:
        """Whether it was made quickly; then it is the same as with care."""
        found, loading = Loading(), Loading()
        quick = READERS[cls](value, ("at",), found)
        self.assertEqual((found.problems, found.depth), ([], 0))
        careful = with_care(cls, value, ("at",), loading)
        if quick is None:
            return False
        self.assertEqual(loading.problems, [], (cls, value))
        self.assertIs(type(quick), cls)
        self.assertEqual(quick, careful, value)
        self.assertEqual(repr(quick), repr(careful))  # 1, 1.0 and True are equal
        return True

    def test_every_class(self) -> None:
        """Random documents of every class, many with something wrong; and every field alone."""
        random = Random(5)
        quick = 0
        for cls in model_classes():
            base = {a.name for a in attrs.fields(cast(Any, cls)) if a.default is attrs.NOTHING}
            for _ in range(DOCUMENTS):
                quick += self.compare(cls, document(cls, random))
            for name, kind in kinds(cls).items():
                for value in [*ODD, *(likely(kind, random) for _ in range(5))]:
                    least = {each: likely(kinds(cls)[each], random) for each in base}
                    quick += self.compare(cls, {**least, name: value})
        self.assertGreater(quick, 2000)

    def test_whole_way(self) -> None:
        """Of collections, checks between fields and short forms included, the problems too."""
        random = Random(7)
        for cls in COLLECTIONS.values():
            for _ in range(DOCUMENTS):
                value = document(cls, random)
                loading = Loading()
                found = structure(cls, value, ("at",), loading)
                self.assertEqual(found is None, bool(loading.problems), value)
                paths = [problem.path for problem in loading.problems]
                self.assertTrue(all(path[0] == "at" for path in paths), paths)

    def test_usual(self) -> None:
        """What is usual is not left to care."""
        usual = {"name": "a", "action": "reject", "rules": [], "position": 5, "tags": ["x"]}
        self.assertTrue(self.compare(L7Policy, usual))
        self.assertTrue(self.compare(L7Policy, {**usual, "rate_limit": {"rate": "100/s"}}))
        self.assertTrue(self.compare(L7Policy, {**usual, "position": Written("5", 5)}))
        self.assertFalse(self.compare(L7Policy, {**usual, "position": -5}))

    def test_kept_to_care(self) -> None:
        """Unknown keys, two words for one field, and what is missing."""
        self.assertTrue(self.compare(Painted, {"name": "a", "dyed": "BLUE", "parts": 5}))
        for odd in ({"pole": 1}, {5: 1}, {"colour": "blue", "dyed": "blue"}, {"name": ""}):
            self.assertFalse(self.compare(Painted, {"name": "a", **odd}))
        self.assertFalse(self.compare(Painted, {}))

    def test_no_plain_class(self) -> None:
        """A class whose constructor does more is always read with care."""
        self.assertFalse(self.compare(Counted, {"name": "a"}))


class TakeTests(SynchronousTestCase):
    """Values of one kind."""

    def usual(self, kind: Kind) -> Iterator[Any]:
        """What is taken of all values that there are here."""
        for value in ODD:
            found = take(kind)(value)
            if found is UNUSUAL:
                continue
            loading = Loading()
            self.assertEqual(repr(found), repr(kind.load(value, (), loading)), value)
            self.assertIsNot(found, REFUSED)
            self.assertEqual(loading.problems, [])
            yield value

    def test_kinds(self) -> None:
        """Each takes the values of the very type that it has in JSON."""
        self.assertIn("é", self.usual(Text()))
        self.assertNotIn("", self.usual(Text(255, 1)))
        self.assertEqual(list(self.usual(Text(9, 1, "[0-9]+"))), ["5", "200"])
        self.assertEqual(list(map(repr, self.usual(Whole(0, 99)))), ["0", "1", "80"])
        self.assertEqual(list(map(repr, self.usual(Flag()))), ["True", "False"])
        self.assertIn("\ud800", self.usual(Reference("pools")))
        self.assertEqual(list(self.usual(Optional(Flag()))), [None, True, False])
        self.assertEqual(list(self.usual(Several(Text()))), [[], ["a"], ["a", "a"]])
        self.assertEqual(list(self.usual(Nested(Painted))), [])

    def test_words(self) -> None:
        """A word as it is written, and in capitals; other spellings take care."""
        taken = take(OneOf(Colour, {"navy": "blue"}))
        self.assertIs(taken("BLUE"), Colour.BLUE)
        self.assertIs(taken("dark_red"), Colour.DARK_RED)
        for odd in ("navy", "dark-red", " blue", "Blue", 5, None, ["blue"]):
            self.assertIs(taken(odd), UNUSUAL)
