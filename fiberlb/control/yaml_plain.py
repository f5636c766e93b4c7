"""
YAML files in which nothing is unusual, read in a fraction of the time.

Large ones are: they have no anchors, tags and merges, and no mistakes. Of everything else
L{fiberlb.control.yaml_nodes} knows what it means, or what is wrong with it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, cast

import yaml

from fiberlb.control.scalars import BEGINNINGS, expanded, resolved
from fiberlb.control.yaml_nodes import DEEPEST, MOST_VALUES

_ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
#: What says nothing about values; the first may name a version.
_AROUND = frozenset({yaml.DocumentStartEvent, yaml.StreamStartEvent, yaml.DocumentEndEvent})


class Places:
    """
    Where the values of a document stand, in its order: scalars, keys too, and where lists and
    mappings begin.

    @ivar lines: from 0.
    @ivar columns: from 0.
    @ivar ends: of lists and mappings: where they begin -> what comes after them.
    """

    def __init__(self, lines: list[int], columns: list[int], ends: dict[int, int]) -> None:
        self.lines, self.columns = array("I", lines), array("I", columns)
        self.ends = ends
        self._within: dict[int, dict[Any, int]] = {}

    def within(self, index: int, value: Any) -> dict[Any, int]:
        """Where the keys of a mapping, or the items of a list, stand; kept once it is known."""
        found = self._within.get(index)
        if found is None:
            found = self._within[index] = dict(self._walked(index + 1, value))
        return found

    def _walked(self, at: int, value: Any) -> Iterator[tuple[Any, int]]:
        beside = int(isinstance(value, dict))
        for step in value if beside else range(len(value)):
            yield step, at
            at = self.ends.get(at + beside, at + beside + 1)


class Spot:
    """
    A value and where it stands, as L{fiberlb.control.yaml_nodes.Node}.

    @ivar value: what it is.
    @ivar line: from 0.
    @ivar column: from 0.
    @ivar items: of a list.
    """

    __slots__ = ("_index", "_places", "column", "items", "line", "value")

    def __init__(self, places: Places, index: int, value: Any) -> None:
        self.value = value
        self.line, self.column = places.lines[index], places.columns[index]
        self.items: list[Any] | None = value if isinstance(value, list) else None
        self._places, self._index = places, index

    def step(self, step: str | int) -> tuple[int, int, Spot] | None:
        """As of L{fiberlb.control.yaml_nodes.Node}."""
        places, value, key = self._places, self.value, cast(Any, step)
        named = isinstance(value, dict)
        if not isinstance(value, (dict, list)) or named is not isinstance(step, str):
            return None
        at = places.within(self._index, value).get(key)
        if at is None:
            return None
        return places.lines[at], places.columns[at], Spot(places, at + named, value[key])


def read_plain(get: Callable[[], Any], environ: Mapping[str, str]) -> Spot | None:
    """
    Read the one document of a file.

    @param get: gives the parser's next event.
    @param environ: the variables for C{${NAME}} in values.

    @return: C{None}: something about it is unusual, or wrong.
    @raise yaml.YAMLError: it is not YAML.
    """
    lines, columns, refused = list[int](), list[int](), list[str]()
    ends: dict[int, int] = {}
    # What is open: what it is in, whether that is a list, and where it began itself.
    stack: list[tuple[Any, bool, int]] = []
    around: Any = []
    root, listing, key = around, True, None
    words: dict[str, str] = {}
    named = 0
    kind: type = type(None)
    scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    # Of each value there are three events at most: a key, a beginning and an end.
    for event in islice(iter(get, None), 3 * MOST_VALUES):
        kind = type(event)
        if kind is scalar or kind is mapping or kind is sequence:
            awaited = key is None and not listing
            never = kind is not scalar and (awaited or len(stack) >= DEEPEST)
            if never or event.anchor is not None or event.tag is not None:
                return None
            mark = event.start_mark
            lines.append(mark.line)
            columns.append(mark.column)
            if kind is scalar:
                value = text = event.value
                if awaited:
                    if not text or text in around or text == "<<":
                        return None
                    # The same few words again and again.
                    key = words.setdefault(text, text)
                    continue
                if not text or text[0] in BEGINNINGS or "${" in text:
                    value = _meant(text, event.implicit[0], environ, refused.append)
            else:
                value = {} if kind is mapping else []
            if listing:
                around.append(value)
            else:
                around[key] = value
            key = None
            if kind is not scalar:
                stack.append((around, listing, len(lines) - 1))
                around, listing = value, kind is sequence
        elif kind in _ENDS:
            named += 0 if listing else len(around)
            around, listing, began = stack.pop()
            ends[began] = len(lines)
        elif kind not in _AROUND or getattr(event, "version", None):
            break
    many = len(lines) - named > MOST_VALUES
    usual = kind is yaml.StreamEndEvent and len(root) == 1 and not many and not refused
    return Spot(Places(lines, columns, ends), 0, root[0]) if usual else None


def _meant(
    text: str, unquoted: bool, environ: Mapping[str, str], refuse: Callable[[str], None]
) -> Any:
    """What a scalar is."""
    value = expanded(text, environ, refuse)
    # An empty variable is an empty text, never null.
    return resolved(value) if unquoted and (value or not text) else value
