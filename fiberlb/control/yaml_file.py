"""YAML by the 1.2 core schema, with a position for everything in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
import yaml

from fiberlb.control.yaml_nodes import DEEPEST, Builder, Node
from fiberlb.control.yaml_plain import Spot, read_plain
from fiberlb.errors import ConfigurationError, Path, Position, Problem

#: The largest file, in bytes.
LARGEST = 16 * 1024 * 1024
#: Characters that are looked at in one go.
_PIECE = 65536
#: What YAML allows in a file, section 5.1; a byte order mark is for the beginning only.
_NOT_PRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
#: The short forms of rules of rules (L{fiberlb.model.l7_rule.Condition}).
_RULES_OF = ("any", "all", "not")
#: The parser in C where PyYAML was built with it; both give the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@attrs.frozen
class Document:
    """
    One file, read.

    @ivar file: its name, for people.
    @ivar root: what it holds, with positions.
    @ivar problems: what is wrong with it beside its syntax (keys given twice,
        variables that are not set), with positions.
    """

    file: str
    root: Node | Spot = attrs.field(repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def tree(self) -> Any:
        """
        What it holds: dicts with text keys, lists, text, C{None}, and
        L{fiberlb.model.written.Written}. Aliases share one value: change nothing.
        """
        return self.root.value

    def position(self, path: Path) -> Position:
        """Where a field stands: its key, else the nearest thing around it."""
        node: Node | Spot = self.root
        line, column = node.line, node.column
        for step in path:
            found = _step(node, step)
            if found is None:
                break
            line, column, node = found
        return Position(self.file, line + 1, column + 1)

    def located(self, problem: Problem) -> Problem:
        """A problem at a path of this document, with its position."""
        if problem.position is not None:
            return problem
        return attrs.evolve(problem, position=self.position(problem.path))


def _step(node: Node | Spot, step: str | int) -> tuple[int, int, Node | Spot] | None:
    """One step; rules within a rule stand under the word that says what they are for."""
    found: tuple[int, int, Node | Spot] | None = node.step(step)
    if found is None and step == "rules":
        words = [word for word in _RULES_OF if node.step(word) is not None]
        return node.step(words[0]) if words else None
    if found is None and step == 0 and node.items is None:
        # One that stands for a list of one.
        return node.line, node.column, node
    return found


def read_yaml(content: bytes, name: str, environ: Mapping[str, str]) -> Document:
    """
    Read one document.

    @param name: the file's, for the positions.
    @param environ: the variables for C{${NAME}} in values.

    @raise ConfigurationError: with the position, when it is not UTF-8, not
        YAML, more than one document, too large or nested too deep.
    """
    text = _decoded(content, name)
    usual = _plain(text, environ)
    if usual is not None:
        return Document(name, usual)
    builder = Builder(name, environ)
    try:
        take = builder.take
        for event in yaml.parse(text, Loader=_LOADER):
            take(event)
    except yaml.MarkedYAMLError as why:
        line, column = _place(why, text)
        message = _explained(why, text, line, column)
        raise ConfigurationError([_problem(name, line, column, message)]) from None
    except yaml.YAMLError as why:
        raise ConfigurationError([_problem(name, 0, 0, f"not YAML: {why}")]) from None
    return Document(name, builder.root, tuple(builder.problems))


def _plain(text: str, environ: Mapping[str, str]) -> Spot | None:
    """What most files hold; C{None}: it takes a closer look."""
    loader = _LOADER(text)
    try:
        return read_plain(loader.get_event, environ)
    except yaml.YAMLError:
        return None
    finally:
        loader.dispose()


def _problem(name: str, line: int, column: int, message: str) -> Problem:
    return Problem((), message, code="syntax", position=Position(name, line + 1, column + 1))


def _decoded(content: bytes, name: str) -> str:
    if len(content) > LARGEST:
        message = f"is larger than {LARGEST // 1024**2}MiB"
        raise ConfigurationError([_problem(name, 0, 0, message)])
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as why:
        before = content[: why.start].decode("utf-8")
        message = f"not UTF-8: byte 0x{content[why.start]:02x}"
        raise ConfigurationError([_problem(name, *_end_of(before), message)]) from None
    text = text.removeprefix("\ufeff")
    # In pieces, for nothing else has its turn while one is searched.
    pieces = range(0, len(text), _PIECE)
    several = (_NOT_PRINTABLE.search(text, start, start + _PIECE) for start in pieces)
    found = next(filter(None, several), None)
    if found is not None:
        message = f"control character U+{ord(found[0]):04X}"
        raise ConfigurationError([_problem(name, *_end_of(text[: found.start()]), message)])
    return text


def _end_of(text: str) -> tuple[int, int]:
    """The line and column after a text, from 0."""
    lines = re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text)
    return len(lines) - 1, len(lines[-1])


def _place(why: yaml.MarkedYAMLError, text: str) -> tuple[int, int]:
    """Where the mistake probably is: of something never closed, where it was opened."""
    mark = why.problem_mark or why.context_mark
    if mark is None:
        return 0, 0
    at_end = (mark.line, mark.column) >= _end_of(text.rstrip())
    if at_end and why.context_mark is not None:
        mark = why.context_mark
    return mark.line, mark.column


def _explained(why: yaml.MarkedYAMLError, text: str, line: int, column: int) -> str:
    """The parser's words, with what usually is behind them."""
    lines = re.split(r"\r\n|[\r\n\x85\u2028\u2029]", text)
    here = lines[line] if line < len(lines) else ""
    said = ", ".join(str(word) for word in (why.context, why.problem) if word)
    if "nesting depth" in said:
        # The library has a limit of its own, which it looks ahead to.
        return f"nested deeper than {DEEPEST} levels"
    if here[column : column + 1] == "{" and here[:column].endswith("$"):
        return f"not YAML: quote ${{NAME}} inside braces and brackets ({said})"
    if "\t" in here[: column + 1] and not here[:column].strip():
        return f"not YAML: a tab cannot indent, use spaces ({said})"
    if here[column : column + 1] in ("@", "`", "%"):
        return f"not YAML: a text that begins with {here[column]} needs quotes ({said})"
    return f"not YAML: {said}"
