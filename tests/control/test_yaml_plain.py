"""Files in which nothing is unusual: the same as by the long way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.tree_memo import same
from fiberlb.control.yaml_nodes import DEEPEST, Builder, Node
from fiberlb.control.yaml_plain import Spot, read_plain

EXAMPLES = Path(__file__).parents[2] / "conf" / "examples"
ENVIRON = {"A": "5", "EMPTY": "", "WORD": "x y"}
#: The parser in Python, and that in C.
LOADERS = (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
#: Words of every meaning, and of none.
WORDS = (
    *("", "a", "5", "-5", "+1", "007", "0x1F", "0o17", "1.5", ".5", "1e3", ".inf", "-.inf", ".nan"),
    *(
        "true",
        "false",
        "True",
        "yes",
        "null",
        "Null",
        "NULL",
        "~",
        "nothing",
        "tr",
        "\u00e9",
        "a b",
    ),
    *("${A}", "${EMPTY}", "x${WORD}", "$${A}", "1" * 30, "- a", "a: b", "#", "<<", "2020-01-01"),
)


def slowly(text: str) -> Node:
    """What the long way makes of it, which finds nothing to object to."""
    builder = Builder("f", ENVIRON)
    for event in yaml.parse(text, Loader=LOADERS[-1]):
        builder.take(event)
    assert not builder.problems, builder.problems
    return builder.root


def quickly(text: str, loader: Any = LOADERS[-1]) -> Spot | None:
    """What is made of it."""
    return read_plain(loader(text).get_event, ENVIRON)


def value(random: Random, depth: int = 0) -> Any:
    """Some value."""
    kind = random.random()
    if depth > 4 or kind < 0.5:
        return random.choice([*WORDS, 5, 1.5, True, None])
    size = random.randrange(4)
    if kind < 0.7:
        return [value(random, depth + 1) for _ in range(size)]
    return {random.choice(WORDS[1:]): value(random, depth + 1) for _ in range(size)}


def everywhere(found: Node, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values."""
    yield path
    for step in found.entries or range(len(found.items or ())):
        inner = found.step(step)
        assert inner is not None
        yield from everywhere(inner[2], (*path, step))


class PlainTests(SynchronousTestCase):
    """Values and where they stand."""

    def same(self, text: str) -> None:
        """Both ways find the same."""
        known = slowly(text)
        for loader in LOADERS:
            found = quickly(text, loader)
            assert found is not None, text
            self.assertTrue(same(found.value, known.value), text)
            self.assertEqual(str(found.value), str(known.value))
            for path in everywhere(known):
                self.assertEqual(self.place(found, path), self.place(known, path), (text, path))

    def place(self, node: Any, path: tuple[Any, ...]) -> tuple[Any, ...]:
        """Where something and what it is in stand; that there is nothing beside it."""
        several: list[Any] = [(node.line, node.column)]
        for step in path:
            for other in ("?", -1, 10**6):
                self.assertIsNone(node.step(other))
            line, column, node = node.step(step)
            several.append((line, column, node.line, node.column, node.items is None))
        return tuple(several)

    def test_any(self) -> None:
        """Values of every kind, in every style."""
        random = Random(5)
        done = 0
        for number in range(200):
            style: Any = random.choice([None, True, False])
            text = yaml.safe_dump(value(random), default_flow_style=style, allow_unicode=True)
            if number % 3 == 0:
                text = text.replace("'", "")  # what was quoted means something else
            try:
                if quickly(text) is None:
                    continue
            except yaml.YAMLError:
                continue
            self.same(text)
            done += 1
        self.assertGreater(done, 100)

    def test_examples(self) -> None:
        """Most of the examples are usual."""
        found = [each.read_text() for each in EXAMPLES.glob("*.yaml")]
        usual = [text for text in found if quickly(text) is not None]
        self.assertGreater(2 * len(usual), len(found))
        for text in usual:
            self.same(text)

    def test_unusual(self) -> None:
        """What takes a closer look, or is wrong."""
        deep = "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)
        for text in (
            *("", "# nothing", "a: &x 1", "a: &x {}", "a: !!int 1", "a: ! b", "&x a: 1"),
            *("a: {b: 1, <<: {c: 2}}", "'<<': {}", "a: 1\na: 2", "'': 1", "? [a]\n: 1"),
            *("a: ${UNSET}", "a: ${", "--- a\n--- b", "%YAML 1.1\n---\na: 1", "a: *x", deep),
        ):
            self.assertIsNone(quickly(text), text)
