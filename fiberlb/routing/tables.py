"""
Look-ups of literals: which entries of an index have the text at hand, or begin or end it.

What is found are rows, a policy each, in no particular order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

from fiberlb.routing.candidates import Named
from fiberlb.routing.entries import Entry, Row, rows_of
from fiberlb.routing.request import Request
from fiberlb.routing.rules import Read

#: Adds the rows that a request may match to a list; some may come twice.
Collect = Callable[[Request, list[Row]], None]
#: What each text leads to: rows, which are made of a list of entries when it is first found.
Rows = dict[bytes, tuple[Row, ...] | list[Entry]]
Further = Mapping[bytes, Collect]
#: Adds the rows of all entries that a text has.
Find = Callable[[bytes, Request, list[Row]], None]

#: Of each name: what finds entries, and the rows for requests with too many candidates to tell.
Names = dict[bytes, tuple[list[Find], tuple[Row, ...]]]

#: Names that are looked for one by one.
FEW_NAMES = 4
#: Texts that are sorted, or put in place, in one step of compiling.
_SLICE = 1000


def _ready(rows: Rows, text: bytes) -> tuple[Row, ...]:
    """The rows of a text, which are kept."""
    found = rows[text]
    if isinstance(found, list):
        found = rows[text] = rows_of(found)
    return found


def exact(rows: Rows, further: Further) -> Generator[None, None, Find]:
    """Entries that are the whole text; yields between steps."""
    known = rows.get

    def find(text: bytes, request: Request, found: list[Row]) -> None:
        hit = known(text)
        if hit is not None:
            found += hit if hit.__class__ is tuple else _ready(rows, text)
            if text in further:
                further[text](request, found)

    yield
    return find


def prefixes(rows: Rows, further: Further) -> Generator[None, None, Find]:
    """
    Entries that the text begins with; yields between steps.

    Of sorted entries, the last one that is not greater than the text begins
    with every entry that the text begins with. Each knows the longest other
    one that it begins with, so all are found on that way.
    """
    texts = yield from _in_order(rows)
    parents: list[int] = []
    nested: list[int] = []
    for place, text in enumerate(texts):
        while nested and not text.startswith(texts[nested[-1]]):
            nested.pop()
        parents.append(nested[-1] if nested else -1)
        nested.append(place)
        if place % _SLICE == 0:
            yield

    def find(text: bytes, request: Request, found: list[Row]) -> None:
        at = bisect_right(texts, text) - 1
        while at >= 0 and not text.startswith(texts[at]):
            at = parents[at]
        while at >= 0:
            entry = texts[at]
            hit = rows[entry]
            found += hit if hit.__class__ is tuple else _ready(rows, entry)
            if entry in further:
                further[entry](request, found)
            at = parents[at]

    return find


def suffixes(rows: Rows, further: Further) -> Generator[None, None, Find]:
    """Entries that the text ends with; yields between steps."""
    reversed_rows: Rows = {}
    for number, (text, some) in enumerate(rows.items()):
        reversed_rows[text[::-1]] = some
        if number % _SLICE == 0:
            yield
    reversed_further = {text[::-1]: collect for text, collect in further.items()}
    find_prefix = yield from prefixes(reversed_rows, reversed_further)

    def find(text: bytes, request: Request, found: list[Row]) -> None:
        find_prefix(text[::-1], request, found)

    return find


def _in_order(entries: Iterable[bytes]) -> Generator[None, None, Sequence[bytes]]:
    texts = list(entries)
    for start in range(0, len(texts), _SLICE):
        texts[start : start + _SLICE] = sorted(texts[start : start + _SLICE])
        yield
    # Of runs that are in order themselves, which is what this sort makes short work of.
    texts.sort()
    yield
    return texts


#: What makes the function that finds, by the kind of literals.
FINDS: Mapping[str, Callable[[Rows, Further], Generator[None, None, Find]]] = {
    "exact": exact,
    "prefixes": prefixes,
    "suffixes": suffixes,
}


def folding(find: Find) -> Find:
    """The same in texts of any case; the entries are in lower case."""
    return lambda text, request, found: find(text.lower(), request, found)


def one(read: Read, finds: Sequence[Find]) -> Collect:
    """Look up the text that a request has one of, if it has any."""
    if len(finds) == 1:
        (find,) = finds

        def collect_one(request: Request, found: list[Row]) -> None:
            text = read(request)
            if text is not None:
                find(text, request, found)

        return collect_one

    def collect(request: Request, found: list[Row]) -> None:
        text = read(request)
        if text is not None:
            for find in finds:
                find(text, request, found)

    return collect


def several(source: Named, names: Names) -> Collect:
    """Look up the texts that a request has of some names."""
    texts_of, present = source.texts, source.present

    def look(request: Request, found: list[Row], name: bytes) -> None:
        texts, more = texts_of(request, name)
        finds, undecided = names[name]
        for text in texts:
            for find in finds:
                find(text, request, found)
        if more:
            found += undecided

    def collect_few(request: Request, found: list[Row]) -> None:
        for name in names:
            look(request, found, name)

    def collect(request: Request, found: list[Row]) -> None:
        there = present(request)
        for name in names if there is None else there:
            if name in names:
                look(request, found, name)

    return collect_few if len(names) <= FEW_NAMES else collect


def together(collects: Sequence[Collect], rows: Sequence[Row]) -> Collect:
    """All of what several functions find, and some rows."""

    def collect(request: Request, found: list[Row]) -> None:
        found += rows
        for one in collects:
            one(request, found)

    return collect
