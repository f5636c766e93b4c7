"""
Many objects of the model on their way to another process, field by field.

To make an object of the model is a call of Python, and so is pickle's way to read one: of forty
thousand that is most of a second. What the other side sends has been checked there. So the values
of each field travel together, and are put where they belong without any code of the class.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import repeat
from operator import is_
from types import MemberDescriptorType
from typing import Any

import attrs

#: One value that all have, or a list with one of each.
_Column = tuple[bool, Any]


def packed(objects: Sequence[Any]) -> bytes:
    """
    Some objects of attrs classes, with nothing but their fields.

    @param objects: not empty.
    """
    runs: list[tuple[Any, int, list[_Column]]] = []
    start = 0
    for end in range(1, len(objects) + 1):
        cls: Any = type(objects[start])
        if end == len(objects) or type(objects[end]) is not cls:
            some = objects[start:end]
            columns = [_column([getattr(made, name) for made in some]) for name in _fields(cls)]
            runs.append((cls, len(some), columns))
            start = end
    return pickle.dumps(runs, pickle.HIGHEST_PROTOCOL)


def _column(values: list[Any]) -> _Column:
    one = values[0]
    return (True, one) if all(map(is_, values, repeat(one))) else (False, values)


@cache
def _fields(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


def unpacked(data: bytes | memoryview) -> tuple[Any, ...]:
    """
    The same objects.

    @param data: of L{packed}, by the same installation; from nobody else, since it is trusted.
    """
    made: list[Any] = []
    for cls, count, columns in pickle.loads(data):
        some = list(map(cls.__new__, repeat(cls, count)))
        for (name, put), (same, value) in zip(_slots(cls), columns, strict=True):
            values = repeat(value) if same else value
            if put is None:
                _exhaust(map(object.__setattr__, some, repeat(name), values))
            else:
                _exhaust(map(put, some, values))
        made += some
    return tuple(made)


@cache
def _slots(cls: Any) -> tuple[tuple[str, Callable[[Any, Any], None] | None], ...]:
    """Of each field, what puts a value into its slot, past the way that a frozen class closes."""
    found = []
    for name in _fields(cls):
        slot = getattr(cls, name, None)
        found.append((name, slot.__set__ if isinstance(slot, MemberDescriptorType) else None))
    return tuple(found)


def _exhaust(steps: Iterable[None]) -> None:
    """Have all done, without a turn of Python for each."""
    deque(steps, 0)
