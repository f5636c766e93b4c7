"""
What was made of parts of the file, for the next time that it is read.

Of a large file little changes from one reload to the next. A policy that is
given as it was gives the same objects as before, the very same ones, so that
nothing is checked twice and later steps find at once that nothing changed.
Only what consists of nothing but its own text may be kept: no value of it is
read from elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from fiberlb.control.scrap import scrapped
from fiberlb.control.tree import Tree


class TreeMemo:
    """
    What one reading of the file has made, for the next one.

    Not for several threads at a time.
    """

    def __init__(self) -> None:
        self._before: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._now: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._file = ""

    def begin(self) -> None:
        """A reading begins: what the last one did not use is forgotten."""
        waste: list[Any] = [self._before]
        self._before, self._now = self._now, {}
        deque(scrapped(waste), 0)

    def begin_file(self, name: str) -> None:
        """What comes now stands in this file."""
        self._file = name

    def find(self, key: tuple[Any, ...], value: Any) -> Any:
        """What was made of a value that was the same; C{None} when it was not, or is new."""
        key = (self._file, *key)
        found = self._before.get(key)
        if found is None or not same(found[0], value):
            return None
        self._now[key] = (value, found[1])
        return found[1]

    def keep(self, key: tuple[Any, ...], value: Any, made: Any) -> None:
        """Note what was made of a value, which must not be changed."""
        self._now[self._file, *key] = (value, made)

    def derived(self, tree: Tree, further: tuple[Any, ...], make: Callable[[], Tree]) -> Tree:
        """What is made of a tree, which is that object, and of C{further}."""
        key = (id(tree), *further)
        found = self._before.get(key)
        if found is None or found[0] is not tree:
            found = (tree, make())
        self._now[key] = found
        return found[1]


def same(one: Any, other: Any) -> bool:
    """Whether two values of a document are the same, their types too: C{1} is not C{"1"}."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is dict:
        return len(one) == len(other) and all(
            key in other and same(value, other[key]) for key, value in one.items()
        )
    if kind is list:
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
