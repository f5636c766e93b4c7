"""
Many objects of the model on their way to another process, field by field.

To make an object of the model is a call of Python, and so is pickle's way to read one: of forty
thousand that is most of a second. What the other side sends has been checked there. So the values
of each field travel together, and are put where they belong without any code of the class.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from itertools import groupby, repeat
from operator import is_
from typing import Any

import attrs

from fiberlb.model.copying import Form

#: One value that all have, or one of each.
_Column = tuple[bool, Any]


def packed(objects: Sequence[Any]) -> bytes:
    """Some objects of attrs classes, with nothing but their fields."""
    runs: list[tuple[Any, int, list[_Column]]] = []
    for cls, run in groupby(objects, type):
        rows = _reader(cls)(run)
        runs.append((cls, len(rows), list(map(_column, zip(*rows, strict=True)))))
    return pickle.dumps(runs, pickle.HIGHEST_PROTOCOL)


def _column(values: Sequence[Any]) -> _Column:
    one = values[0]
    if one is None or one.__class__ is str or isinstance(one, Enum):
        # What equals one of these is the same to everybody.
        same = values.count(one) == len(values)
    else:
        same = all(map(is_, values, repeat(one)))
    return (True, one) if same else (False, values)


def unpacked(data: bytes | memoryview) -> tuple[Any, ...]:
    """
    The same objects.

    @param data: of L{packed}, by the same installation; from nobody else, since it is trusted.
    """
    made: list[Any] = []
    for cls, count, columns in pickle.loads(data):
        values = [repeat(value, count) if same else value for same, value in columns]
        made += _maker(cls)(values)
    return tuple(made)


def _names(cls: Any) -> list[str]:
    return [field.name for field in attrs.fields(cls)]


@cache
def _reader(cls: Any) -> Callable[[Any], list[tuple[Any, ...]]]:
    """What gives the values of all fields of each of some objects."""
    values = "".join([f"made.{name}, " for name in _names(cls)])
    text = ["def values(some):", f" return [({values}) for made in some]"]
    read: Callable[[Any], list[tuple[Any, ...]]] = Form(cls).compiled("values", text)
    return read


@cache
def _maker(cls: Any) -> Callable[[Any], list[Any]]:
    """What makes objects out of the values of each field."""
    form = Form(cls)
    values = {name: f"v{place}" for place, name in enumerate(_names(cls))}
    text = [
        "def several(columns):",
        *form.each(f"{', '.join(values.values())}, in zip(*columns)", values),
    ]
    make: Callable[[Any], list[Any]] = form.compiled("several", text)
    return make
