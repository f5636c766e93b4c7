"""
Documents to objects where nothing about them is unusual.

L{fiberlb.model.convert.structure} reads any document and says precisely what is wrong with it.
Of the many documents of a large configuration nearly all are in order and of the simplest
form, so they are tried here first: known keys with values of exactly the types that JSON has for
them. Whatever else there is, is left to the careful way, whose results these are too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.copying import Form, plain
from fiberlb.model.fields import (
    REFUSED,
    Flag,
    Kind,
    Loading,
    OneOf,
    Optional,
    Reference,
    Several,
    Text,
    Whole,
)

#: What is made of a value that only the careful way can judge.
UNUSUAL: Any = object()
#: Makes the model's value of a document's one, or L{UNUSUAL}.
Take = Callable[[Any], Any]
#: Makes an object of a mapping; C{None}: only the careful way can, and nothing was noted.
Read = Callable[[dict[Any, Any], Path, Loading], Any]


class _Readers(dict[type, Read]):
    """A function for each class, made when it is first wanted."""

    def __missing__(self, cls: type) -> Read:
        made = self[cls] = _reader(cls)
        return made


#: Class -> what reads its documents.
READERS: Mapping[type, Read] = _Readers()


def _nothing(value: dict[Any, Any], path: Path, loading: Loading) -> Any:
    return None


def _reader(cls: Any) -> Read:
    if not plain(cls):
        return _nothing
    known = {a.name: a.metadata["kind"] for a in attrs.fields(cls) if "kind" in a.metadata}
    table: dict[str, tuple[str, Take, Kind]] = {n: (n, take(k), k) for n, k in known.items()}
    spellings: Mapping[str, str] = getattr(cls, "SPELLINGS", {})
    table.update({w: table[n] for w, n in spellings.items() if n in table})
    form = Form(cls)
    form.names.update(
        find=table.get,
        children=frozenset(getattr(cls, "CHILDREN", ())) - known.keys(),
        UNUSUAL=UNUSUAL,
        REFUSED=REFUSED,
        careful=with_care,
        further=getattr(cls, "needed", None),
        **{f"default_{a.name}": a.default for a in attrs.fields(cls)},
    )
    noted = bool(spellings) or hasattr(cls, "needed")
    return form.compiled("read", _source(cls, form, noted))


def _source(cls: Any, form: Form, noted: bool) -> Iterator[str]:
    """
    The function that reads documents of a class.

    @param noted: what was given has to be known: by which word, and for what it makes necessary.
    """
    yield "def read(value, path, loading):"
    yield from form.begin({a.name: default_text(a) for a in attrs.fields(cls)})
    if noted:
        yield " loaded = {}"
    yield " for word, content in value.items():"
    yield "  entry = find(word)"
    yield "  if entry is None:"
    yield "   if word in children: continue"
    yield "   return None"
    yield "  name, quick, kind = entry"
    if noted:
        yield "  if name in loaded: return None"
    yield "  found = quick(content)"
    yield "  if found is UNUSUAL:"
    yield "   found = careful(kind, content, (*path, str(word)), loading)"
    yield "   if found is REFUSED: return None"
    yield "  put(new, name, found)"
    if noted:
        yield "  loaded[name] = found"
    for name in [a.name for a in attrs.fields(cls) if a.default is attrs.NOTHING]:
        yield f" if new.{name} is default_{name}: return None"
    if hasattr(cls, "needed"):
        yield " if not loaded.keys() >= {*further(loaded)}: return None"
    yield from Form.END


def default_text(field: Any) -> str:
    """A default as a constant of the source, or by name."""
    plainly = field.default is None or isinstance(field.default, bool)
    return repr(field.default) if plainly else f"default_{field.name}"


def with_care(kind: Kind, value: Any, path: Path, loading: Loading) -> Any:
    """One value as of the careful way; what is wrong with it is for that to tell."""
    before = len(loading.problems)
    found = kind.load(value, path, loading)
    if found is REFUSED or len(loading.problems) > before:
        del loading.problems[before:]
        return REFUSED
    return found


def _unusual(value: Any) -> Any:
    return UNUSUAL


def take(kind: Kind) -> Take:
    """What takes the usual values of a kind."""
    found = _TAKES.get(type(kind))
    return _unusual if found is None else found(kind)


def _text(kind: Any) -> Take:
    shortest, longest = kind.shortest, kind.longest
    fits = None if kind.pattern is None else re.compile(kind.pattern).fullmatch

    def taken(value: Any) -> Any:
        # What can be printed is neither a control character nor half a surrogate pair.
        if type(value) is str and shortest <= len(value) <= longest and value.isprintable():
            return value
        return UNUSUAL

    def taken_if_fitting(value: Any) -> Any:
        found = taken(value)
        return found if found is not UNUSUAL and fits(value) else UNUSUAL  # type: ignore[misc]

    return taken if fits is None else taken_if_fitting


def _whole(kind: Any) -> Take:
    least, most = kind.least, kind.most
    return lambda value: value if type(value) is int and least <= value <= most else UNUSUAL


def _flag(kind: Any) -> Take:
    return lambda value: value if value is True or value is False else UNUSUAL


def _one_of(kind: Any) -> Take:
    # Asked of the kind itself, so that they are what it makes of these words.
    words = [word for one in kind.words for word in (one.value, one.value.upper())]
    known = {word: kind.load(word, (), Loading()) for word in words}
    find = {word: made for word, made in known.items() if made is not REFUSED}.get
    return lambda value: find(value, UNUSUAL) if type(value) is str else UNUSUAL


def _reference(kind: Any) -> Take:
    return lambda value: value if type(value) is str and value else UNUSUAL


def _optional(kind: Any) -> Take:
    inner = take(kind.kind)
    return lambda value: None if value is None else inner(value)


def _several(kind: Any) -> Take:
    inner, most = take(kind.kind), kind.most

    def taken(value: Any) -> Any:
        if type(value) is not list or len(value) > most:
            return UNUSUAL
        found = tuple([inner(one) for one in value])
        return UNUSUAL if any(one is UNUSUAL for one in found) else found

    return taken


_TAKES: Mapping[type, Callable[[Any], Take]] = {
    Text: _text,
    Whole: _whole,
    Flag: _flag,
    OneOf: _one_of,
    Reference: _reference,
    Optional: _optional,
    Several: _several,
}
