"""From the YAML parser's events to values with positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from fiberlb.control.scalars import expanded, resolved
from fiberlb.errors import ConfigurationError, Path, Position, Problem, nearest

#: How deep lists and mappings may be nested, aliases followed.
DEEPEST = 64
#: How many values a file may hold, aliases followed ("billion laughs").
MOST_VALUES = 1_000_000

_TAG = "tag:yaml.org,2002:"
#: The tags of the core schema that the file may spell out; every other one is refused.
_TEXT_TAGS = frozenset({"!", _TAG + "str"})


class Node:
    """
    A value and where it stands.

    @ivar value: what it is, aliases and merges followed.
    @ivar line: from 0.
    @ivar column: from 0.
    @ivar entries: of a mapping: key -> where the key stands, and the value.
    @ivar items: of a list.
    @ivar size: the number of values in it, itself included.
    @ivar depth: how deep it nests; 0 of a scalar.
    """

    __slots__ = ("column", "depth", "entries", "items", "line", "size", "value")

    def __init__(self, value: Any, line: int, column: int) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.entries: dict[str, tuple[int, int, Node]] | None = None
        self.items: list[Node] | None = None
        self.size = 1
        self.depth = 0

    def step(self, step: str | int) -> tuple[int, int, Node] | None:
        """One step of a path: the line and column of the key or the item, and the node."""
        if isinstance(step, str):
            return self.entries.get(step) if self.entries is not None else None
        if self.items is None or not 0 <= step < len(self.items):
            return None
        found = self.items[step]
        return found.line, found.column, found


class _Open:
    """A list or a mapping that has begun and not ended; the path is for problems."""

    __slots__ = ("anchor", "key", "merged", "node", "path")

    def __init__(self, node: Node, anchor: str | None, path: Path) -> None:
        self.node = node
        self.anchor = anchor
        self.path = path
        self.key: tuple[str, int, int] | None = None
        self.merged: list[Node] = []


class Builder:
    """
    Takes the events of one document.

    @ivar problems: what was wrong where reading can go on.
    @raise ConfigurationError: where it cannot.
    """

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self.root = Node(None, 0, 0)
        self._name = name
        self._environ = environ
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self._actions: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: yaml.Event) -> None:
        """The next event."""
        # A large file has half a million of them.
        action = self._actions.get(type(event))
        if action is not None:
            action(event)

    def _position(self, event: Any) -> Position:
        return self._at(event.start_mark)

    def _at(self, mark: Any) -> Position:
        return Position(self._name, mark.line + 1, mark.column + 1)

    def _stop(self, event: Any, message: str, suggestion: str | None = None) -> ConfigurationError:
        return self._stop_at(event.start_mark, message, suggestion)

    def _stop_at(
        self, mark: Any, message: str, suggestion: str | None = None
    ) -> ConfigurationError:
        problem = Problem((), message, suggestion, "syntax", self._at(mark))
        return ConfigurationError([problem])

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(event, "a second document; a file holds one")
        if event.version is not None and tuple(event.version) != (1, 2):
            raise self._stop(event, "the file is read as YAML 1.2; leave out the %YAML directive")

    def _path(self) -> Path:
        """The path of the value that comes next."""
        if not self._stack:
            return ()
        top = self._stack[-1]
        if top.node.items is not None:
            return (*top.path, len(top.node.items))
        return (*top.path, top.key[0]) if top.key is not None else top.path

    def _scalar(self, event: Any) -> None:
        text, tag = event.value, event.tag
        mark = event.start_mark
        if self._awaits_key():
            if event.anchor:
                self._anchors[event.anchor] = Node(text, mark.line, mark.column)
            if tag is not None and tag not in _TEXT_TAGS:
                raise self._stop(event, f"the tag {_short(tag)} is not allowed")
            self._key(mark, text, tag is None and event.implicit[0])
            return
        value: Any = self._expanded(event, text) if "${" in text else text
        if tag is None:
            # An empty variable is an empty text, never null.
            if event.implicit[0] and (value or not text):
                value = resolved(value)
        elif tag not in _TEXT_TAGS:
            value = self._tagged(event, tag, value)
        node = Node(value, mark.line, mark.column)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._add(node, event)

    def _expanded(self, event: Any, text: str) -> str:
        """A text with variables."""
        path = self._path()

        def refuse(message: str) -> None:
            self.problems.append(
                Problem(path, message, code="variable", position=self._position(event))
            )

        return expanded(text, self._environ, refuse)

    def _tagged(self, event: Any, tag: str, text: str) -> Any:
        """A scalar with one of the core schema's other tags."""
        value = resolved(text)
        found = getattr(value, "value", None) if value is not None else None
        fits = {
            "null": value is None,
            "bool": isinstance(found, bool),
            "int": isinstance(found, int) and not isinstance(found, bool),
            "float": isinstance(found, (int, float)) and not isinstance(found, bool),
        }
        if not tag.startswith(_TAG) or tag[len(_TAG) :] not in fits:
            raise self._stop(event, f"the tag {_short(tag)} is not allowed")
        if not fits[tag[len(_TAG) :]]:
            raise self._stop(event, f"this is not of the tag {_short(tag)}")
        return value

    def _awaits_key(self) -> bool:
        if not self._stack:
            return False
        top = self._stack[-1]
        return top.key is None and top.node.entries is not None

    def _key(self, mark: Any, text: str, unquoted: bool) -> None:
        top = self._stack[-1]
        entries = top.node.entries
        assert entries is not None
        if not text:
            raise self._stop_at(mark, "a key is missing")
        # The empty text cannot be a key of anything: a lone << is marked by it.
        word = "" if text == "<<" and unquoted else text
        if word and word in entries:
            first = entries[word]
            message = f"the key {word!r} is given twice, first in line {first[0] + 1}"
            path = (*top.path, word)
            self.problems.append(Problem(path, message, code="duplicate", position=self._at(mark)))
        top.key = (word, mark.line, mark.column)

    def _begin(self, event: Any) -> None:
        listing = type(event) is yaml.SequenceStartEvent
        if self._awaits_key():
            raise self._stop(event, "a key must be a text")
        if event.tag not in (None, "!", _TAG + ("seq" if listing else "map")):
            raise self._stop(event, f"the tag {_short(event.tag)} is not allowed")
        if len(self._stack) >= DEEPEST:
            raise self._stop(event, f"nested deeper than {DEEPEST} levels")
        mark = event.start_mark
        node = Node([] if listing else {}, mark.line, mark.column)
        if listing:
            node.items = []
        else:
            node.entries = {}
        self._stack.append(_Open(node, event.anchor, self._path()))

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        for source in done.merged:
            _merge(done.node, source)
        if done.anchor:
            self._anchors[done.anchor] = done.node
        # The list or mapping itself is where a count or a depth over the limit is told.
        self._add(done.node, done.node)

    def _alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            open_ = any(o.anchor == event.anchor for o in self._stack)
            message = "stands inside itself" if open_ else "is not defined above"
            suggestion = nearest(event.anchor, self._anchors)
            raise self._stop(event, f"the anchor {event.anchor!r} {message}", suggestion)
        if not self._awaits_key():
            self._add(node, event)
        elif isinstance(node.value, str):
            self._key(event.start_mark, node.value, False)
        else:
            raise self._stop(event, "a key must be a text")

    def _add(self, node: Node, event: Any) -> None:
        """A value into the list or mapping that is open."""
        if not self._stack:
            self.root = node
            return
        top = self._stack[-1]
        around = top.node
        around.size += node.size
        if node.depth >= around.depth:
            around.depth = node.depth + 1
        if around.size > MOST_VALUES or around.depth > DEEPEST:
            what = f"{MOST_VALUES} values" if around.size > MOST_VALUES else f"{DEEPEST} levels"
            raise self._over(event, f"more than {what}, aliases followed")
        if around.items is not None:
            around.items.append(node)
            around.value.append(node.value)
            return
        assert around.entries is not None and top.key is not None
        word, line, column = top.key
        top.key = None
        if not word:
            top.merged += self._sources(node)
        elif word not in around.entries:
            around.entries[word] = (line, column, node)
            around.value[word] = node.value

    def _over(self, where: Any, message: str) -> ConfigurationError:
        if isinstance(where, Node):
            position = Position(self._name, where.line + 1, where.column + 1)
            return ConfigurationError([Problem((), message, None, "syntax", position)])
        return self._stop(where, message)

    def _sources(self, node: Node) -> list[Node]:
        """What a C{<<} merges: a mapping or a list of them."""
        sources = [node] if node.items is None else node.items
        for source in sources:
            if source.entries is None:
                position = Position(self._name, source.line + 1, source.column + 1)
                message = "<< takes a mapping or a list of mappings"
                raise ConfigurationError([Problem((), message, None, "syntax", position)])
        return sources


def _merge(node: Node, source: Node) -> None:
    """The entries of C{source} that C{node} does not have."""
    assert node.entries is not None and source.entries is not None
    for word, entry in source.entries.items():
        if word not in node.entries:
            node.entries[word] = entry
            node.value[word] = entry[2].value


def _short(tag: str | None) -> str:
    """A tag as the file has it."""
    return (tag or "").replace(_TAG, "!!", 1)
