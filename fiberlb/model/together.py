"""
Many documents of a class, read together: a column of them at a time.

Of a large configuration the documents are of few forms: the same keys, with values of the same
types. So what is asked of one value is asked of all values of a key at once, and the objects
are made around one loop. What is not in order, and whatever is rare, is left to be read by itself;
L{fiberlb.model.convert.structure} makes the same of all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any

import attrs

from fiberlb.model.convert import Nested, kinds
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
from fiberlb.model.quick import UNUSUAL, default_text, take, with_care

#: Documents of one form that are worth it.
FEWEST = 32
#: The values of one key.
Column = Sequence[Any]
#: The model's values of a column; C{None}: not all of them are usual.
TakeAll = Callable[[Column], Column | None]
#: The words of a document, in its order.
Words = tuple[Any, ...]


class _Trial(Loading):
    """Problems that nobody is told: what has some is read again by itself."""

    def guess(self, word: str, words: Iterable[str]) -> str | None:
        return None

    def failed(self) -> bool:
        """Whether there were problems since this was asked before."""
        found = bool(self.problems)
        self.problems.clear()
        return found


def together(cls: Any, documents: Sequence[Any]) -> list[Any]:
    """
    The objects of documents, checked; C{None} for those that have to be read by themselves.

    @param documents: mappings, or short forms that the class can expand.
    """
    done: list[Any] = [None] * len(documents)
    if len(documents) < FEWEST or not plain(cls) or hasattr(cls, "needed"):
        return done
    trial = _Trial()
    for words, (rows, several) in _forms(cls, documents, trial).items():
        if len(rows) >= FEWEST:
            for row, made in zip(rows, _made(cls, words, several, trial), strict=True):
                done[row] = made
    return done


def _forms(
    cls: Any, documents: Sequence[Any], trial: _Trial
) -> Mapping[Words, tuple[Sequence[int], Sequence[Any]]]:
    """The documents by their words, expanded, each with where it stood."""
    expand, telling = getattr(cls, "expand", None), getattr(cls, "TELLING", None)
    usual = kinds(cls).keys() | getattr(cls, "CHILDREN", {}).keys()

    def tells(words: Words) -> bool:
        return expand is None or (telling in words and usual >= {*words})

    alone = {*map(tuple, documents)} if {*map(type, documents)} == {dict} else set()
    if len(alone) == 1 and all(map(tells, alone)):
        told = [] if expand is None else [document[telling] for document in documents]
        if None not in told:
            return {alone.pop(): (range(len(documents)), documents)}
    known: dict[Words, tuple[list[int], list[Any]]] = {}
    telling_words: dict[Words, bool] = {}
    for row, document in enumerate(documents):
        words = tuple(document) if type(document) is dict else None
        if words is not None and words not in telling_words:
            telling_words[words] = tells(words)
        if words is None or not telling_words[words] or (expand and document[telling] is None):
            document = document if expand is None else expand(document, (), trial)
            if trial.failed() or type(document) is not dict:
                continue
            words = tuple(document)
        found = known.get(words)
        if found is None:
            found = known[words] = [], []
        found[0].append(row)
        found[1].append(document)
    return known


def _made(cls: Any, words: Words, documents: Sequence[Any], trial: _Trial) -> Sequence[Any]:
    """The objects of documents that have the same words."""
    columns: dict[str, Column] = {}
    failed: set[int] = set()
    spellings: Mapping[Any, str] = getattr(cls, "SPELLINGS", {})
    known = kinds(cls)
    for word in words:
        name = spellings.get(word, word)
        if name in known and name not in columns:
            column = list(map(itemgetter(word), documents))
            columns[name] = _taken(known[name], column, failed, trial)
        elif name in known or word not in getattr(cls, "CHILDREN", ()):
            return [None] * len(documents)
    required = {a.name for a in attrs.fields(cls) if a.default is attrs.NOTHING}
    if not columns or not columns.keys() >= required:
        return [None] * len(documents)
    made = _maker(cls, tuple(columns))(*columns.values())
    orderly = getattr(cls, "orderly", None)
    if hasattr(cls, "check") and (orderly is None or failed or not orderly(columns)):
        failed.update(_unfit(made, failed, trial))
    for row in failed:
        made[row] = None
    return made


def _unfit(objects: list[Any], failed: set[int], trial: _Trial) -> list[int]:
    """The rows of objects between whose fields something is wrong."""
    found = []
    for row, made in enumerate(objects):
        if row not in failed:
            made.check((), trial)
            if trial.problems and trial.failed():
                found.append(row)
    return found


def _taken(kind: Kind, column: Column, failed: set[int], trial: _Trial) -> Column:
    """The model's values of a column; notes the rows of those that are not in order."""
    found = take_all(kind)(column)
    if found is not None:
        return found
    done, quick = [], take(kind)
    for row, value in enumerate(column):
        one = quick(value)
        if one is UNUSUAL:
            one = with_care(kind, value, (), trial)
            if one is REFUSED:
                failed.add(row)
        done.append(one)
    return done


@lru_cache(maxsize=256)
def _maker(cls: Any, names: tuple[str, ...]) -> Callable[..., list[Any]]:
    """What makes objects of columns of these fields; the others have their defaults."""
    form = Form(cls)
    form.names.update({f"default_{a.name}": a.default for a in attrs.fields(cls)})
    values = {
        a.name: f"{a.name}_" if a.name in names else default_text(a) for a in attrs.fields(cls)
    }
    columns = ", ".join(f"{name}_" for name in names)
    text = [f"def make({columns}):", *form.each(f"{columns}, in zip({columns})", values)]
    return form.compiled("make", text)


def take_all(kind: Kind) -> TakeAll:
    """What takes columns of the usual values of a kind."""
    found = _TAKES.get(type(kind))
    return _nothing if found is None else found(kind)


def _nothing(column: Column) -> Column | None:
    return None


def _are(column: Column, cls: type) -> bool:
    """Whether all values are of a class, and of no other one derived of it."""
    return {*map(type, column)} == {cls}


def _texts(kind: Any) -> TakeAll:
    fits = None if kind.pattern is None else re.compile(kind.pattern).fullmatch

    def taken(column: Column) -> Column | None:
        if not _are(column, str) or not "".join(column).isprintable():
            return None
        if min(map(len, column)) < kind.shortest or max(map(len, column)) > kind.longest:
            return None
        return column if fits is None or all(map(fits, column)) else None

    return taken


def _whole(kind: Any) -> TakeAll:
    def taken(column: Column) -> Column | None:
        usual = _are(column, int) and kind.least <= min(column) and max(column) <= kind.most
        return column if usual else None

    return taken


def _flags(kind: Any) -> TakeAll:
    return lambda column: column if _are(column, bool) else None


def _words(kind: Any) -> TakeAll:
    quick = take(kind)

    def taken(column: Column) -> Column | None:
        known = {word: quick(word) for word in {*column}} if _are(column, str) else {"": UNUSUAL}
        if any(one is UNUSUAL for one in known.values()):
            return None
        return [known[word] for word in column]

    return taken


def _references(kind: Any) -> TakeAll:
    return lambda column: column if _are(column, str) and all(column) else None


def _optional(kind: Any) -> TakeAll:
    inner = take_all(kind.kind)

    def taken(column: Column) -> Column | None:
        given = [value for value in column if value is not None]
        found = inner(given) if given else given
        if found is None or len(given) == len(column):
            return found
        several = iter(found)
        return [None if value is None else next(several) for value in column]

    return taken


def _several(kind: Any) -> TakeAll:
    inner = take_all(kind.kind)

    def taken(column: Column) -> Column | None:
        if not _are(column, list) or max(map(len, column)) > kind.most:
            return None
        given = [value for values in column for value in values]
        found = inner(given) if given else given
        if found is None:
            return None
        each = iter(found)
        return [tuple(islice(each, len(values))) for values in column]

    return taken


def _nested(kind: Any) -> TakeAll:
    def taken(column: Column) -> Column | None:
        found = together(kind.cls, column)
        return None if None in found else found

    return taken


_TAKES: Mapping[type, Callable[[Any], TakeAll]] = {
    Text: _texts,
    Whole: _whole,
    Flag: _flags,
    OneOf: _words,
    Reference: _references,
    Optional: _optional,
    Several: _several,
    Nested: _nested,
}
