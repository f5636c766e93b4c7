"""Lists: filters, pages and the query of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest.problem import Refused, invalid
from fiberlb.control.commits import time_text
from fiberlb.errors import nearest
from fiberlb.model.configuration import COLLECTIONS, Configuration, find
from fiberlb.model.convert import AllOr, Nested, Partial, kind_of, kinds
from fiberlb.model.fields import (
    REFUSED,
    Flag,
    Kind,
    Loading,
    Material,
    Reference,
    Several,
    Words,
)
from fiberlb.model.resource import Owner, Resource

DEFAULT_LIMIT = 100
MOST = 1000
_CONTAINERS = (AllOr, Material, Nested, Partial, Several, Words)
_META = ("managed_by", "created_at", "updated_at", "revision")

#: What is told of the objects of a collection beside their fields, and can be filtered by.
FACTS = {
    "certificates": (
        "fingerprint_sha256", "names", "issuer", "subject", "serial", "key_type", "expires_before"
    )
}  # fmt: skip

Query = Mapping[str, list[str]]
Test = Callable[[Resource], bool]


def query_of(request: IRequest, allowed: Iterable[str]) -> dict[str, list[str]]:
    """
    The query's parameters, each with its values.

    @raise Refused: 400, one is not known, or not UTF-8.
    """
    raw = request.uri.partition(b"?")[2]
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise invalid("the query is not UTF-8, percent-encoded, or has too many parts") from None
    found: dict[str, list[str]] = {}
    words = list(allowed)
    for name, value in pairs:
        if name not in words:
            guess = nearest(name, words)
            hint = f" (did you mean {guess!r}?)" if guess else ""
            raise invalid(f"the query parameter {name!r} is not known here{hint}")
        found.setdefault(name, []).append(value)
    return found


def single(query: Query, name: str) -> str | None:
    """
    The value of a parameter that may stand once.

    @raise Refused: 400, it stands twice.
    """
    values = query.get(name, [])
    if len(values) > 1:
        raise invalid(f"the query parameter {name!r} stands twice")
    return values[0] if values else None


def flag(query: Query, name: str) -> bool:
    """
    A parameter that is C{true} or C{false}; absent, it is false.

    @raise Refused: 400, it is something else.
    """
    value = single(query, name)
    if value not in (None, "true", "false"):
        raise invalid(f"{name} must be true or false")
    return value == "true"


def limit_of(query: Query) -> int:
    """
    How many items a page may have.

    @raise Refused: 400, not a number from 1 to 1000.
    """
    value = single(query, "limit")
    if value is None:
        return DEFAULT_LIMIT
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST:
        raise invalid(f"limit must be a number from 1 to {MOST}")
    return int(value)


def number_of(name: str, word: str | None) -> int | None:
    """
    The number of a revision in a query, if there is one.

    @raise Refused: 400, it is no number.
    """
    if word is None:
        return None
    if not (word.isascii() and word.isdigit() and len(word) <= 12):
        raise invalid(f"{name} must be the number of a revision")
    return int(word)


def filterable(collection: str) -> list[str]:
    """The names that a list of a collection can be filtered by."""
    fields = kinds(COLLECTIONS[collection])
    scalars = [n for n, kind in fields.items() if not isinstance(kind_of(kind), _CONTAINERS)]
    return [*scalars, *_META, *FACTS.get(collection, ()), "tags"]


def tests(collection: str, query: Query, configuration: Configuration) -> list[Test]:
    """
    The filters of a query; an object must pass all of them.

    A parameter given several times takes any of its values; C{tags} wants all.

    @raise Refused: 400, a value that the field cannot have.
    """
    names = filterable(collection)
    made: list[Test] = []
    for name, words in query.items():
        if name == "tags":
            wanted = {tag for word in words for tag in word.split(",")}
            made.append(lambda one, w=wanted: w <= set(one.tags))  # type: ignore[misc]
        elif name in _META:
            made.append(_meta_test(name, words, configuration))
        elif name in names and name not in FACTS.get(collection, ()):
            made.append(_field_test(collection, name, words, configuration))
    return made


def fact_tests(
    collection: str, query: Query, facts: Callable[[Resource], Mapping[str, Any]]
) -> list[Test]:
    """
    The filters by what is told of objects beside their fields; L{tests} has the others.

    C{names} takes objects with any of the names, C{expires_before} those that end before
    that time.

    @raise Refused: 400, a time that is none.
    """
    made: list[Test] = []
    for name in FACTS.get(collection, ()):
        if name not in query:
            continue
        if name == "expires_before":
            end = time_of(name, single(query, name) or "")
            made.append(lambda one, e=end: (facts(one)["expires_at"] or e) < e)  # type: ignore[misc]
        else:
            wanted = frozenset(query[name])
            made.append(lambda one, n=name, w=wanted: _told(facts(one)[n], w))  # type: ignore[misc]
    return made


def _told(value: Any, wanted: frozenset[str]) -> bool:
    return bool(wanted & set(value)) if isinstance(value, list) else value in wanted


def time_of(name: str, word: str) -> str:
    """
    A time in a query, as documents have it: RFC 3339 in UTC.

    @raise Refused: 400, it is none.
    """
    return time_text(moment_of(name, word))


def moment_of(name: str, word: str) -> float:
    """
    A time in a query, seconds since the epoch.

    @raise Refused: 400, it is none.
    """
    try:
        # A plus in a query is a blank unless it was encoded.
        at = datetime.fromisoformat(word.replace(" ", "+"))
    except ValueError:
        raise invalid(f"{name} must be a time (RFC 3339)") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _meta_test(name: str, words: Sequence[str], configuration: Configuration) -> Test:
    owners = [owner.value for owner in Owner]
    strange = [w for w in words if w not in owners] if name == "managed_by" else ()
    if strange:
        raise invalid(f"the filter managed_by: {strange[0]!r} is not one of {', '.join(owners)}")

    def test(made: Resource) -> bool:
        meta = configuration.meta[made.id]
        value = meta.managed_by.value if name == "managed_by" else getattr(meta, name)
        return str(value) in words

    return test


def _field_test(
    collection: str, name: str, words: Sequence[str], configuration: Configuration
) -> Test:
    kind = kinds(COLLECTIONS[collection])[name]
    inner = kind_of(kind)
    if isinstance(inner, Reference):
        found = {i for word in words for i in find(configuration, inner.to, word)}
        empty = "null" in words
        return lambda made: getattr(made, name) in found or (empty and not getattr(made, name))
    wanted = [_value(name, kind, word) for word in words]
    return lambda made: getattr(made, name) in wanted


def _value(name: str, kind: Kind, word: str) -> Any:
    """The model's value of a word in a query."""
    if word == "null" and kind_of(kind) is not kind:
        return None
    loading = Loading()
    plain: Any = word
    if isinstance(kind_of(kind), Flag) or word in ("true", "false"):
        plain = {"true": True, "false": False}.get(word, word)
    value = kind_of(kind).load(plain, (name,), loading)
    if value is REFUSED and plain is not word:
        loading = Loading()
        value = kind_of(kind).load(word, (name,), loading)
    if value is REFUSED:
        raise Refused(400, "invalid", f"the filter {loading.problems[0]}")
    return value


@attrs.frozen
class Page:
    """
    A part of a list.

    @ivar next: the address of the next part, C{None} at the end.
    """

    items: Sequence[Resource]
    next: str | None


def page(objects: Iterable[Resource], query: Query, path: str, passing: Sequence[Test]) -> Page:
    """
    The part of a list that a query asks for, in order of creation.

    @param path: of the list, for the address of the next part.

    @raise Refused: 400, C{marker} is none of the list.
    """
    limit, marker = limit_of(query), single(query, "marker")
    kept: list[Resource] = []
    waiting = marker is not None
    for made in objects:
        if waiting:
            waiting = made.id != marker
            continue
        if all(test(made) for test in passing):
            if len(kept) == limit:
                return Page(kept, next_address(path, query, kept[-1].id))
            kept.append(made)
    if waiting:
        raise invalid("marker must be the id of an object of this list")
    return Page(kept, None)


def next_address(path: str, query: Query, marker: str) -> str:
    """The address of the part after C{marker}, same filters and limit."""
    pairs = [(name, value) for name, values in query.items() for value in values]
    kept = [pair for pair in pairs if pair[0] != "marker"]
    return f"{path}?{urlencode([*kept, ('marker', marker)])}"
