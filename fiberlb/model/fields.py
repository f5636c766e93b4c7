"""
The kinds of values that fields hold, each with its text form.

A model class declares its fields with L{field} and a L{Kind}; everything that
reads or writes documents (YAML, JSON, the store, the schema) is derived from
these by L{fiberlb.model.convert}, so that a new field is one line.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Protocol, TypeVar

import attrs

from fiberlb.errors import Path, Problem, nearest
from fiberlb.model.written import plain

E = TypeVar("E", bound=Enum)

#: Marks a value that was refused; the problem is already noted.
REFUSED: Any = object()

#: Said of a key, and after the value it is about, of the specification but not of this version.
NOT_SUPPORTED = "known, not supported by this version"

#: Problems of one document that get a suggestion; finding one takes a while, there may be many.
MOST_SUGGESTIONS = 100


_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Loading:
    """
    One document being read: gathers problems, so that all are told at once.

    @ivar problems: what was wrong so far.
    @ivar files: the place of each C{file:} value that was read -> the name it gives.
    @ivar depth: of the rules that are being read, as they are nested.
    @ivar memo: what an earlier reading made of the same values
        (L{fiberlb.control.tree_memo.TreeMemo}); C{None}: nothing is remembered.
    @ivar read_file: turns the rest of a C{file:} value into its text; C{None}
        where files may not be named (through the API).
    @raise OSError: by C{read_file}, when the file cannot be read.
    """

    def __init__(self, read_file: Callable[[str], str] | None = None) -> None:
        self.problems: list[Problem] = []
        self.files: dict[Path, str] = {}
        self.read_file = read_file
        self.memo: Any = None
        self.depth = 0

    def refuse(
        self, path: Path, message: str, suggestion: str | None = None, code: str = "invalid"
    ) -> Any:
        """Note a problem; returns L{REFUSED} so that a kind can return it on."""
        self.problems.append(Problem(path, message, suggestion, code))
        return REFUSED

    def guess(self, word: str, words: Iterable[str]) -> str | None:
        """What was probably meant by a word; C{None} after L{MOST_SUGGESTIONS} problems."""
        return nearest(word, words) if len(self.problems) < MOST_SUGGESTIONS else None


class Kind(Protocol):
    """How one kind of value is read from and written to documents."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        """The model's value, or L{REFUSED} after noting a problem."""

    def dump(self, value: Any) -> Any:
        """The document's value: text, number, boolean, list, dict or C{None}."""

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""


def field(kind: Kind, default: Any = attrs.NOTHING, **options: Any) -> Any:
    """An attrs field of a kind; without C{default} it is required."""
    if isinstance(default, (list, dict)):
        raise TypeError("frozen models have tuples and frozen mappings as defaults")
    return attrs.field(default=default, metadata={"kind": kind}, **options)


@attrs.frozen
class Text:
    """
    A text without control characters.

    @ivar longest: the limit in characters.
    @ivar shortest: 1 refuses the empty text.
    @ivar pattern: a regular expression the whole text must match; C{None}: any.
    @ivar what: names the pattern in the refusal.
    @ivar multiline: control characters are allowed.
    """

    longest: int = 255
    shortest: int = 0
    pattern: str | None = None
    what: str = "of that form"
    multiline: bool = False

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return loading.refuse(path, "must be a text")
        text = str(value)
        if not self.shortest <= len(text) <= self.longest:
            return loading.refuse(path, f"must have {self.shortest} to {self.longest} characters")
        if _SURROGATE.search(text):
            return loading.refuse(path, "must not contain half a surrogate pair")
        if not self.multiline and _CONTROL.search(text):
            return loading.refuse(path, "must not contain control characters")
        if self.pattern is not None and not re.fullmatch(self.pattern, text):
            return loading.refuse(path, f"must be {self.what}")
        return text

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "string", "maxLength": self.longest}
        if self.shortest:
            found["minLength"] = self.shortest
        if self.pattern:
            found["pattern"] = f"^(?:{self.pattern})$"
        return found


@attrs.frozen
class Whole:
    """A whole number; digits as text are taken too (ports in YAML 1.1 files)."""

    least: int
    most: int

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        number = plain(value)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            number = int(value)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int):
            return loading.refuse(path, "must be a whole number")
        if not self.least <= number <= self.most:
            return loading.refuse(path, f"must be from {self.least} to {self.most}")
        return number

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@attrs.frozen
class Flag:
    """C{true} or C{false}, nothing else."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = plain(value)
        if not isinstance(found, bool):
            return loading.refuse(path, "must be true or false")
        return found

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@cache
def _members(words: type[Enum]) -> dict[str, Enum]:
    return {member.value: member for member in words}


@attrs.frozen
class OneOf:
    """
    A word out of an enum, in any case; C{-} and C{_} are the same.

    @ivar aliases: other spellings (Octavia's, the seed's) -> the enum's word.
    @ivar later: words of the specification that this version does not act on.
    """

    words: type[Enum]
    aliases: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    later: tuple[str, ...] = ()

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        known = _members(self.words)
        if not isinstance(value, str):
            return loading.refuse(path, f"must be one of {', '.join(known)}")
        word = value.strip().lower().replace("-", "_")
        word = self.aliases.get(word, word)
        if word in known:
            return known[word]
        if word in self.later:
            return loading.refuse(path, f"{word}: {NOT_SUPPORTED}", code="not_supported")
        return loading.refuse(
            path, f"{value!r} is not one of {', '.join(known)}", loading.guess(word, known)
        )

    def dump(self, value: Any) -> Any:
        return value.value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [member.value for member in self.words]}


@attrs.frozen
class Reference:
    """
    Another object, by id or by name.

    The loader leaves the text as it is; L{fiberlb.model.configuration}
    resolves it to an id and refuses what names nothing.

    @ivar to: the collection referred to, such as C{pools}.
    """

    to: str

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str) or not value:
            return loading.refuse(path, "must be a name or an id")
        return str(value)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class Optional:
    """C{null}, or another kind."""

    kind: Kind

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        return None if value is None else self.kind.load(value, path, loading)

    def dump(self, value: Any) -> Any:
        return None if value is None else self.kind.dump(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}


@attrs.frozen
class Several:
    """
    A list; the model holds a tuple.

    @ivar single: one value stands for a list of one.
    @ivar most: the largest number of elements.
    """

    kind: Kind
    single: bool = False
    most: int = 10000

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if self.single and value is None:
            return ()
        if self.single and not isinstance(value, list):
            found = self.kind.load(value, path, loading)
            return REFUSED if found is REFUSED else (found,)
        if not isinstance(value, list):
            return loading.refuse(path, "must be a list")
        if len(value) > self.most:
            return loading.refuse(path, f"must have at most {self.most} elements")
        loaded = tuple(self.kind.load(v, (*path, i), loading) for i, v in enumerate(value))
        return REFUSED if REFUSED in loaded else loaded

    def dump(self, value: Any) -> Any:
        if self.single and len(value) == 1:
            return self.kind.dump(value[0])
        return [self.kind.dump(element) for element in value]

    def schema(self) -> dict[str, Any]:
        many = {"type": "array", "items": self.kind.schema(), "maxItems": self.most}
        return {"anyOf": [self.kind.schema(), many]} if self.single else many


@attrs.frozen
class Words:
    """
    A mapping of texts to values of one kind; the model holds sorted pairs.

    @ivar keys: the only keys allowed; C{None}: any token of RFC 9110.
    @ivar later: keys of the specification that this version does not act on.
    """

    kind: Kind
    keys: tuple[str, ...] | None = None
    later: tuple[str, ...] = ()
    fold: bool = False

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return loading.refuse(path, "must be a mapping")
        pairs: list[tuple[Any, Any]] = []
        for key, content in value.items():
            name = self._name(key, (*path, str(key)), loading)
            if name is not REFUSED and name.lower() in (str(n).lower() for n, _ in pairs):
                name = loading.refuse(
                    (*path, str(key)), f"{name} is given twice", None, "duplicate"
                )
            pairs.append((name, self.kind.load(content, (*path, str(key)), loading)))
        if any(name is REFUSED or content is REFUSED for name, content in pairs):
            return REFUSED
        return tuple(sorted(pairs))

    def _name(self, key: Any, path: Path, loading: Loading) -> Any:
        word = str(key)
        if self.keys is None:
            if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", word):
                return word
            return loading.refuse(path, f"{word!r} is not a header name")
        for known in self.keys:
            if word == known or (self.fold and word.lower() == known.lower()):
                return known
        if word.lower() in {w.lower() for w in self.later}:
            return loading.refuse(path, NOT_SUPPORTED, code="not_supported")
        return loading.refuse(
            path, f"unknown key {word!r}", loading.guess(word, self.keys), "unknown_key"
        )

    def dump(self, value: Any) -> Any:
        return {name: self.kind.dump(content) for name, content in value}

    def schema(self) -> dict[str, Any]:
        if self.keys is None:
            return {"type": "object", "additionalProperties": self.kind.schema()}
        properties = {name: self.kind.schema() for name in self.keys}
        return {"type": "object", "properties": properties, "additionalProperties": False}


@attrs.frozen
class Material:
    """
    PEM text, or C{file:PATH} where files may be named.

    @ivar secret: never dumped; what stands in its place is C{None}.
    @ivar armour: files in DER are taken too, and become PEM with this label.
    """

    secret: bool = False
    armour: str | None = None

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str) or not value:
            return loading.refuse(path, "must be PEM text or file:PATH")
        if _SURROGATE.search(value):
            return loading.refuse(path, "must not contain half a surrogate pair")
        if not value.startswith("file:"):
            return str(value)
        if loading.read_file is None:
            return loading.refuse(path, "file: is for the configuration file; send the PEM text")
        loading.files[path] = value[5:]
        try:
            return loading.read_file(value[5:])
        except OSError as why:
            return loading.refuse(path, f"cannot read {value[5:]}: {why.strerror}")
        except UnicodeDecodeError as why:
            # A sequence of 128 bytes and more never is UTF-8: its length's first byte is not.
            if self.armour is None or why.object[:1] != b"\x30":
                return loading.refuse(path, f"{value[5:]} is not text; PEM is expected")
            body = base64.encodebytes(why.object).decode()
            return f"-----BEGIN {self.armour}-----\n{body}-----END {self.armour}-----\n"

    def dump(self, value: Any) -> Any:
        return None if self.secret else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}
