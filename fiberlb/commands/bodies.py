"""
What is sent of an object: from C{--set FIELD=VALUE}, and from files.

All of it is derived from the model: a text is sent as a text where the field is one, a list may be
written with commas, C{file:} brings the content of a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fiberlb.commands.exits import Failed
from fiberlb.control.yaml_file import read_yaml
from fiberlb.errors import ConfigurationError
from fiberlb.model.certificate import Chain
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import AllOr, Nested, Partial
from fiberlb.model.convert import kinds as fields_of
from fiberlb.model.fields import Kind, Material, Optional, Several, Words
from fiberlb.model.written import Written, plain

_FILE = "file:"


def merged(cls: type, sets: Iterable[str], unset: Iterable[str] = ()) -> dict[str, Any]:
    """
    The fields of C{--set} and C{--unset} as a document, nested at each dot.

    A list that is set twice has the elements of both.

    @raise Failed: one is not of the form, or sets what another one has set.
    """
    body: dict[str, Any] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Failed(f"--set {text}: must be FIELD=VALUE, such as --set weight=2")
        _put(body, name, valued(cls, name, value))
    for name in unset:
        _put(body, name, None)
    return body


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    *steps, last = name.split(".")
    place = body
    for step in steps:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise Failed(f"{name}: {step} is set to something else already")
    if last in place and isinstance(place[last], list) and isinstance(value, list):
        value = [*place[last], *value]
    elif last in place:
        raise Failed(f"{name}: is set twice")
    place[last] = value


def valued(cls: type, name: str, text: str) -> Any:
    """
    The value that a text means for a field.

    @param name: with dots, as of L{merged}.
    @raise Failed: it is no YAML, or names a file that cannot be read.
    """
    kind = _field(cls, name.split("."))
    if isinstance(kind, Material):
        return _material(text, Path())
    if _is_list(cls, name, kind) and not text.lstrip().startswith("["):
        inner = kind.kind if isinstance(kind, Several) else None
        words = [word.strip() for word in text.split(",") if word.strip()]
        return [_scalar(inner, word) for word in words]
    return _scalar(kind, text)


def _scalar(kind: Kind | None, text: str) -> Any:
    if kind is not None and is_text(kind):
        return text
    try:
        return _sendable(kind, read_yaml(text.encode(), "--set", {}).tree, Path())
    except ConfigurationError as why:
        raise Failed(f"--set {text}: {why.problems[0].message}") from None


def _is_list(cls: type, name: str, kind: Kind | None) -> bool:
    return isinstance(kind, Several) or name in getattr(cls, "CHILDREN", {})


def _field(cls: type, steps: list[str]) -> Kind | None:
    """The kind of a field, below nested ones; C{None}: it is not known."""
    name = getattr(cls, "SPELLINGS", {}).get(steps[0], steps[0])
    kind = _bare(fields_of(cls).get(name))
    if len(steps) == 1:
        return kind
    if isinstance(kind, Nested | Partial):
        return _field(kind.cls, steps[1:])
    return _bare(kind.kind) if isinstance(kind, Words) and len(steps) == 2 else None


def _bare(kind: Kind | None) -> Kind | None:
    """What a kind is optional of, whichever way that is written."""
    while isinstance(kind, Optional | AllOr | Chain):
        kind = kind.kind
    return kind


def is_text(kind: Kind) -> bool:
    """Whether every value of a kind is a text, so that C{80} and C{true} are texts, too."""
    if isinstance(kind, Nested):
        return False
    schema = kind.schema()
    several: list[dict[str, Any]] = schema.get("anyOf", [schema])
    return all(one.get("type") == "string" or isinstance(one.get("const"), str) for one in several)


def from_file(cls: type, path: str) -> list[dict[str, Any]]:
    """
    The objects in a file of YAML or JSON: one, or a list of them. C{-} is the standard input.

    @raise Failed: it cannot be read, or holds something else.
    """
    try:
        text = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        found = read_yaml(text, path, os.environ)
    except OSError as why:
        raise Failed(f"{path}: {why.strerror}") from None
    except ConfigurationError as why:
        raise Failed(str(why)) from None
    if found.problems:
        raise Failed("\n".join(map(str, found.problems)))
    several = found.tree if isinstance(found.tree, list) else [found.tree]
    if not several or not all(isinstance(one, dict) for one in several):
        raise Failed(f"{path}: must hold an object, or a list of objects")
    place = Path() if path == "-" else Path(path).parent
    return [sendable(cls, one, place) for one in several]


def sendable(cls: type, found: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """
    An object of a file as it is sent: JSON, the content of files in place of their names.

    @param place: the directory that these names begin at.
    """
    known, children = fields_of(cls), getattr(cls, "CHILDREN", {})
    spellings = getattr(cls, "SPELLINGS", {})
    done = {}
    for name, value in found.items():
        if name in children and isinstance(value, list):
            inner = COLLECTIONS[children[name]]
            done[name] = [
                sendable(inner, one, place) if isinstance(one, dict) else plain_text(one)
                for one in value
            ]
        else:
            done[name] = _sendable(known.get(spellings.get(name, name)), value, place)
    return done


def plain_text(value: Any) -> Any:
    """A short form as it is sent."""
    return str(value) if isinstance(value, Written) else value


def _sendable(kind: Kind | None, value: Any, place: Path) -> Any:
    kind = _bare(kind)
    if isinstance(value, dict):
        if isinstance(kind, Nested | Partial):
            return sendable(kind.cls, value, place)
        inner = kind.kind if isinstance(kind, Words) else None
        return {name: _sendable(inner, one, place) for name, one in value.items()}
    if isinstance(value, list):
        inner = kind.kind if isinstance(kind, Several) else None
        return [_sendable(inner, one, place) for one in value]
    if isinstance(kind, Material) and isinstance(value, str):
        return _material(value, place)
    if isinstance(value, Written) and kind is not None:
        text = kind.kind if isinstance(kind, Several) else kind
        return str(value) if is_text(text) else plain(value)
    return plain(value)


def _material(text: str, place: Path) -> str:
    if not text.startswith(_FILE):
        return text
    path = place / text.removeprefix(_FILE)
    try:
        return path.read_text("utf-8")
    except OSError as why:
        raise Failed(f"{path}: {why.strerror}") from None
    except UnicodeDecodeError:
        raise Failed(f"{path}: is not text; PEM is expected") from None
