"""
Documents to model and back: one generic pair, derived from the attrs fields.

A model class may add, as class attributes:

* C{LATER}: keys of the specification that this version does not act on; they
  are refused as such, never ignored (product page, decision 19);
* C{CHILDREN}: keys that hold other objects; the caller takes them out first;
* C{SPELLINGS}: other spellings of its keys;
* C{needed(loaded)}: a class method that says which fields the others make necessary; a value
  that was refused is there as it was given;
* C{expand(value)}: a class method that turns a short form into a mapping;
* C{TELLING}: a key; a mapping of no other words than its fields in which this one has a value
  is no short form: C{expand} leaves it as it is;
* C{check(path, loading)}: a method that notes what is wrong between fields;
* C{orderly(columns)}: a class method that tells whether nothing is wrong between the fields of
  many objects, given the values of those fields that are not left to their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import attrs

from fiberlb.errors import Path
from fiberlb.model.copying import evolved
from fiberlb.model.fields import NOT_SUPPORTED, REFUSED, Kind, Loading, Optional, Reference, Several
from fiberlb.model.foreign import our_word
from fiberlb.model.quick import READERS

T = TypeVar("T")
#: No value is this one.
_NEVER: Any = object()


def kinds(cls: type) -> Mapping[str, Kind]:
    """The fields of a model class that stand in documents, with their kinds."""
    return _kinds(cls)


@cache
def _kinds(cls: type) -> Mapping[str, Kind]:
    return {
        a.name: a.metadata["kind"] for a in attrs.fields(cast(Any, cls)) if "kind" in a.metadata
    }


def structure(cls: type[T], value: Any, path: Path, loading: Loading) -> T | None:
    """
    Read one object.

    @param value: a mapping, or a short form that the class can expand.
    @param path: where it stands, for the problems.

    @return: the object, or C{None} after noting every problem in C{loading}.
    """
    before = len(loading.problems)
    expand = getattr(cls, "expand", None)
    if expand is not None:
        value = expand(value, path, loading)
    if value is REFUSED:
        return None
    if not isinstance(value, dict):
        loading.refuse(path, "must be a mapping")
        return None
    made = READERS[cls](value, path, loading) if len(loading.problems) == before else None
    if made is None:
        made = with_care(cls, value, path, loading, before)
        if made is None:
            return None
    check = getattr(made, "check", None)
    if check is not None:
        check(path, loading)
    return made if len(loading.problems) == before else None


def with_care(
    cls: type[T], value: dict[str, Any], path: Path, loading: Loading, before: int = 0
) -> T | None:
    """
    The object of a mapping, read key by key; C{None} after noting every problem.

    What lies between its fields is not looked at. L{fiberlb.model.quick} makes the same of most.

    @param before: so many problems are not of this object.
    """
    fields = _load_fields(cls, value, path, loading)
    if len(loading.problems) > before:
        return None
    try:
        return cls(**fields)
    except ValueError as why:
        loading.refuse(path, str(why))
        return None


def _load_fields(cls: type, value: dict[str, Any], path: Path, loading: Loading) -> dict[str, Any]:
    known = kinds(cls)
    children = getattr(cls, "CHILDREN", {})
    spellings = getattr(cls, "SPELLINGS", {})
    loaded: dict[str, Any] = {}
    for word, content in value.items():
        key = spellings.get(word, word)
        at = (*path, str(word))
        if key in loaded:
            loading.refuse(at, f"the same as {key}, which is given too", code="duplicate")
        elif key in known:
            loaded[key] = known[key].load(content, at, loading)
        elif key not in children:
            refuse_key(cls, word, at, loading)
    further = getattr(cls, "needed", None)
    needed = {*_needed(cls)}
    if further is not None:
        told = {n: value.get(n) if made is REFUSED else made for n, made in loaded.items()}
        needed.update(further(told))
    for name in known:
        if name in needed and name not in loaded:
            loading.refuse((*path, name), "is needed", code="missing")
    return loaded


@cache
def _needed(cls: type) -> tuple[str, ...]:
    return tuple(a.name for a in attrs.fields(cast(Any, cls)) if a.default is attrs.NOTHING)


def refuse_key(cls: type, word: Any, path: Path, loading: Loading) -> None:
    """Note that a key is unknown, or known and not acted on by this version."""
    if word in getattr(cls, "LATER", ()):
        loading.refuse(path, NOT_SUPPORTED, code="not_supported")
        return
    words = [*kinds(cls), *getattr(cls, "CHILDREN", ())]
    guess = our_word(str(word), words) or loading.guess(str(word), words)
    loading.refuse(path, f"unknown key {str(word)!r}", guess, "unknown_key")


def unstructure(made: Any, secrets: bool = False) -> dict[str, Any]:
    """
    Write one object as a document of plain values; the inverse of L{structure}.

    @param secrets: with private keys and passphrases (for the store only).
    """
    return {
        name: getattr(made, name)
        if secrets and getattr(kind_of(kind), "secret", False)
        else kind.dump(getattr(made, name))
        for name, kind in kinds(type(made)).items()
    }


def said(made: Any) -> dict[str, Any]:
    """
    As L{unstructure} with secrets, without the fields that say nothing.

    Those are the empty ones whose default that is: to read it gives the same object, in this
    version and in others. Of many small objects they are most of the text.
    """
    document = {}
    for name, kind, empty, secret in spoken(type(made)):
        value = getattr(made, name)
        if value is not empty:
            document[name] = value if secret else kind.dump(value)
    return document


def spoken(cls: type) -> tuple[tuple[str, Kind, Any, bool], ...]:
    """Of each field the name, the kind, the value that says nothing, and whether it is secret."""
    return _spoken(cast(Hashable, cls))


@cache
def _spoken(cls: Hashable) -> tuple[tuple[str, Kind, Any, bool], ...]:
    known = {a.name: a.default for a in attrs.fields(cast(Any, cls))}
    return tuple(
        (
            name,
            kind,
            known[name] if known[name] is None or known[name] == () else _NEVER,
            bool(getattr(kind_of(kind), "secret", False)),
        )
        for name, kind in kinds(cast(type, cls)).items()
    )


def kind_of(kind: Kind) -> Kind:
    """What an optional kind is optional of."""
    return kind.kind if isinstance(kind, Optional) else kind


def secret_fields(cls: type) -> frozenset[str]:
    """The fields of a class that no answer, log or error may hold."""
    return _secret_fields(cls)


@cache
def _secret_fields(cls: type) -> frozenset[str]:
    return frozenset(n for n, k in kinds(cls).items() if getattr(kind_of(k), "secret", False))


@attrs.frozen
class Nested:
    """A value that is itself a model object, without an identity of its own."""

    cls: type

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        made = structure(self.cls, value, path, loading)
        return REFUSED if made is None else made

    def dump(self, value: Any) -> Any:
        return unstructure(value)

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.cls.__name__}"}


@attrs.frozen
class Partial:
    """
    Some fields of a class, overriding those of an outer level.

    The model holds sorted pairs; L{overlaid} applies them.

    @ivar keys: the fields allowed here; C{None}: all.
    """

    cls: type
    keys: tuple[str, ...] | None = None

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value is None:
            return ()
        if not isinstance(value, dict):
            return loading.refuse(path, "must be a mapping")
        known = kinds(self.cls)
        pairs = []
        for word, content in value.items():
            at = (*path, str(word))
            if word not in known:
                refuse_key(self.cls, word, at, loading)
                pairs.append((word, REFUSED))
            elif self.keys is not None and word not in self.keys:
                pairs.append((word, loading.refuse(at, f"{word} cannot be set here")))
            else:
                pairs.append((word, known[word].load(content, at, loading)))
        return REFUSED if any(c is REFUSED for _, c in pairs) else tuple(sorted(pairs))

    def dump(self, value: Any) -> Any:
        known = kinds(self.cls)
        return {word: known[word].dump(content) for word, content in value}

    def schema(self) -> dict[str, Any]:
        known = kinds(self.cls)
        words = self.keys or tuple(known)
        properties = {word: known[word].schema() for word in words}
        return {"type": "object", "properties": properties, "additionalProperties": False}


def overlaid(base: T, *levels: tuple[tuple[str, Any], ...]) -> T:
    """C{base} with the pairs of each level set; the last one wins."""
    pairs = {word: content for level in levels for word, content in level}
    return attrs.evolve(base, **pairs) if pairs else base  # type: ignore[misc]


@attrs.frozen
class AllOr:
    """
    The word C{all}, held as C{None}, or another kind.

    @ivar word: another word in its place.
    """

    kind: Kind
    word: str = "all"

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        return None if value == self.word else self.kind.load(value, path, loading)

    def dump(self, value: Any) -> Any:
        if value is None:
            return self.word
        found = self.kind.dump(value)
        return [found] if found == self.word else found

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": self.word}, self.kind.schema()]}


def map_references(made: T, change: Callable[[str, str, Path], str]) -> T:
    """
    The object with every reference replaced.

    @param change: called with the collection referred to, the text and the
        path within the object; returns the new text.
    """
    differing = {}
    for name, kind in _referring(cast(Hashable, type(made))):
        value = getattr(made, name)
        if value is not None:
            changed = _map_value(kind, value, (name,), change)
            if changed is not value:
                differing[name] = changed
    return evolved(made, **differing) if differing else made


def referring(cls: type) -> tuple[tuple[str, Kind], ...]:
    """The fields of a class that may hold references."""
    return _referring(cast(Hashable, cls))


@cache
def _referring(cls: Hashable) -> tuple[tuple[str, Kind], ...]:
    return tuple((name, kind) for name, kind in kinds(cast(type, cls)).items() if _may_refer(kind))


def _may_refer(kind: Kind) -> bool:
    if isinstance(kind, (Optional, AllOr, Several)):
        return _may_refer(kind.kind)
    return isinstance(kind, Reference) or (isinstance(kind, Nested) and bool(_referring(kind.cls)))


def _map_value(kind: Kind, value: Any, path: Path, change: Callable[[str, str, Path], str]) -> Any:
    if value is None:
        return None
    if isinstance(kind, Reference):
        found = change(kind.to, value, path)
        return value if found == value else found
    if isinstance(kind, (Optional, AllOr)):
        return _map_value(kind.kind, value, path, change)
    if isinstance(kind, Several):
        new = tuple(_map_value(kind.kind, v, (*path, i), change) for i, v in enumerate(value))
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    if isinstance(kind, Nested):
        return map_references(value, lambda to, text, at: change(to, text, (*path, *at)))
    return value
