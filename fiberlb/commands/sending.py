"""A configuration file as the document that an admin API takes, and problems back in its lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from fiberlb.commands.exits import REFUSED, Failed
from fiberlb.commands.problems import failed
from fiberlb.control.document import FileLayer, load_file
from fiberlb.errors import ConfigurationError, Path
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import kinds, said, unstructure
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.resource import Resource, file_id
from fiberlb.model.settings import Settings

Key = tuple[str, str]
#: (parent's id, collection) -> the objects of that list, in their order.
Children = dict[tuple[str, str], list[Resource]]


@attrs.frozen
class Sending:
    """
    What a file says, to be sent.

    @ivar document: its objects and its tests; values of files and of the environment are in it.
    @ivar ignored: settings of a process that it has, too.
    """

    document: dict[str, Any]
    ignored: tuple[str, ...]
    _layer: FileLayer
    _places: Mapping[Path, Key]

    def failed(self, status: int, document: Any) -> Failed:
        """What ends a command when the document is refused: with the file's lines."""
        errors = document.get("errors") if isinstance(document, Mapping) else None
        if not errors:
            return failed(status, document)
        told = [{**error, "path": self._located(error.get("path") or "")} for error in errors]
        if len(told) == 1 and told[0]["path"] not in ("", errors[0].get("path")):
            guess = told[0].get("suggestion")
            hint = f" (did you mean {guess!r}?)" if guess else ""
            detail = f"{told[0]['path']}: {told[0]['message']}{hint}"
            return failed(status, {**document, "detail": detail, "errors": told})
        return failed(status, {**document, "errors": told})

    def _located(self, pointer: str) -> str:
        """A pointer into the document as a place of the file; itself, if it is of no object."""
        steps: list[Any] = [_step(word) for word in pointer.split("/")[1:]]
        for length in range(len(steps), 0, -1):
            key = self._places.get(tuple(steps[:length]))
            if key is not None:
                field = steps[length:]
                position = self._layer.position((*key, *field))
                name = ".".join(map(str, field))
                return f"{position} {name}".rstrip() if position else pointer
        return pointer


def _step(word: str) -> Any:
    return int(word) if word.isdigit() else word.replace("~1", "/").replace("~0", "~")


def read(path: str, environ: Mapping[str, str] = os.environ) -> Sending:
    """
    Read a file, or the C{*.yaml} of a directory.

    @raise Failed: with everything that is wrong with it.
    """
    try:
        layer = load_file(path, environ)
    except ConfigurationError as why:
        said = [str(problem) for problem in why.problems]
        raise Failed(said[0], REFUSED, tuple(said[1:])) from None
    places: dict[Path, Key] = {}
    document: dict[str, Any] = {}
    children = _children(layer)
    for collection, cls in COLLECTIONS.items():
        roots = [made for made in _all(layer, collection) if not _nested(layer, made)]
        if cls.PARENT is None or roots:
            document[collection] = [
                _document(layer, children, made, (collection, index), places)
                for index, made in enumerate(roots)
            ]
    for number, test in enumerate(layer.settings.tests):
        document.setdefault("tests", []).append(unstructure(test))
        places["tests", number] = ("tests", str(number))
    return Sending(document, tuple(_settings(layer)), layer, places)


def _settings(layer: FileLayer) -> Iterable[str]:
    default = Settings()
    for name in kinds(Settings):
        differs = getattr(layer.settings, name) != getattr(default, name)
        if differs and name not in ("version", "tests"):
            yield name


def _all(layer: FileLayer, collection: str) -> Iterable[Resource]:
    return layer.configuration.objects.get(collection, {}).values()


def _nested(layer: FileLayer, made: Resource) -> bool:
    """Whether an object stands in a list of its parent that the file gives."""
    if made.PARENT is None:
        return False
    return (getattr(made, made.PARENT[0]), made.COLLECTION) in layer.owned_lists


def _children(layer: FileLayer) -> Children:
    """All of them by their parents, found once: there may be many of both."""
    found: Children = {}
    for collection, cls in COLLECTIONS.items():
        if cls.PARENT is not None:
            for made in _all(layer, collection):
                found.setdefault((getattr(made, cls.PARENT[0]), collection), []).append(made)
    return found


def _document(
    layer: FileLayer,
    children: Children,
    made: Resource,
    at: Path,
    places: dict[Path, Key],
    nested: bool = False,
) -> dict[str, Any]:
    places[at] = (made.COLLECTION, made.id)
    # Of policies and rules there may be very many; what is left out of them is empty.
    done = said(made) if isinstance(made, (L7Policy, L7Rule)) else unstructure(made, secrets=True)
    parent = "" if made.PARENT is None else getattr(made, made.PARENT[0])
    if done["id"] == file_id(made.COLLECTION, parent, made.name):
        del done["id"]  # follows from the name there, too
    if isinstance(done.get("health_monitor"), dict):
        done["health_monitor"].pop("id", None)
    if nested and made.PARENT is not None:
        done.pop(made.PARENT[0], None)
    for key, collection in getattr(type(made), "CHILDREN", {}).items():
        if (made.id, collection) in layer.owned_lists:
            done[key] = [
                _document(layer, children, child, (*at, key, index), places, True)
                for index, child in enumerate(children.get((made.id, collection), ()))
            ]
    return done
