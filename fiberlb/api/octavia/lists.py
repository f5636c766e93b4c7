"""Lists: filters, sorting, pages and fields (spec page C{octavia-api}, section 1.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import attrs

from fiberlb.api.octavia.faults import Fault

#: Objects on a page.
MOST = 1000
Document = Mapping[str, Any]
Query = Mapping[str, Sequence[str]]
_PAGING = ("limit", "marker", "page_reverse", "sort", "sort_key", "sort_dir")
_TAGS: Mapping[str, Callable[[set[str], set[str]], bool]] = {
    "tags": lambda wanted, there: wanted <= there,
    "tags-any": lambda wanted, there: bool(wanted & there),
    "not-tags": lambda wanted, there: not wanted <= there,
    "not-tags-any": lambda wanted, there: not wanted & there,
}
_ARGUMENTS = "One or more arguments are either duplicate or invalid"
#: Filters by what an object belongs to -> the attribute that lists it.
_WITHIN = {
    "loadbalancer_id": "loadbalancers",
    "load_balancer_id": "loadbalancers",
    "listener_id": "listeners",
    "pool_id": "pools",
}


@attrs.frozen
class Page:
    """
    A part of a list.

    @ivar links: C{rel} and C{href} of those before and after it.
    """

    items: list[Document]
    links: list[dict[str, str]]


def page(documents: Sequence[Document], query: Query, path: str, names: Iterable[str]) -> Page:
    """
    What a query asks for of some documents.

    @param documents: in order of creation.
    @param path: the list's own address, without a query.
    @param names: the attributes that can be filtered and sorted by.
    @raise Fault: 400.
    """
    known = {*names, "id"}
    passing = [each for each in documents if _passes(each, query, known)]
    ordered = _sorted(passing, query, known)
    reverse = _one(query, "page_reverse").lower() in ("true", "1")
    found = _after(ordered, _one(query, "marker"), reverse)
    limit = _limit(_one(query, "limit"))
    full = limit is not None and len(found) >= limit
    chosen = found[:limit] if not reverse else found[len(found) - (limit or len(found)) :]
    links = _links(query, path, chosen, full, reverse)
    return Page([picked(each, query) for each in chosen], links)


def picked(document: Document, query: Query) -> Document:
    """A document with the fields that were asked for; names that it does not have are ignored."""
    wanted = {name for each in query.get("fields", ()) for name in each.split(",")}
    return {n: v for n, v in document.items() if n in wanted} if wanted else document


def _one(query: Query, name: str) -> str:
    several = query.get(name, ())
    if len(several) > 1:
        raise Fault(400, _ARGUMENTS)
    return several[0] if several else ""


def _passes(document: Document, query: Query, known: set[str]) -> bool:
    for name, values in query.items():
        if name in _PAGING or name == "fields":
            continue
        if name in _TAGS:
            wanted = {tag for each in values for tag in each.split(",") if tag}
            if not _TAGS[name](wanted, set(document.get("tags", ()))):
                return False
            continue
        within = _WITHIN.get(name)
        if within is not None and isinstance(document.get(within), list):
            if not any(each["id"] in values for each in document[within]):
                return False
            continue
        if name not in known:
            raise Fault(400, _ARGUMENTS)
        if not _equal(document.get(name), values):
            return False
    return True


def _equal(value: Any, wanted: Sequence[str]) -> bool:
    if isinstance(value, bool):
        return any(each.lower() in (("true", "1") if value else ("false", "0")) for each in wanted)
    if value is None:
        return any(each in ("", "None", "null") for each in wanted)
    return str(value) in wanted


def _sorted(documents: Sequence[Document], query: Query, known: set[str]) -> list[Document]:
    """By the keys asked for, else as they were made, as ties are."""
    keys = [each for text in query.get("sort", ()) for each in text.split(",") if each]
    directions = [each for text in query.get("sort_dir", ()) for each in text.split(",")]
    singles = [each for text in query.get("sort_key", ()) for each in text.split(",") if each]
    for index, key in enumerate(singles):
        keys.append(f"{key}:{directions[index] if index < len(directions) else 'asc'}")
    done = list(documents)
    # Times are whole seconds; what was made in the same one has its order all the same.
    order = {id(each): n for n, each in enumerate(documents)}
    for key in reversed(keys):
        name, _, direction = key.partition(":")
        if name not in known or (direction or "asc") not in ("asc", "desc"):
            raise Fault(400, f"Invalid sort key or direction: {key}")
        made = order if name == "created_at" else {}
        places = {id(each): (_place(each.get(name)), made.get(id(each), 0)) for each in done}
        done.sort(key=lambda each, at=places: at[id(each)], reverse=direction == "desc")  # type: ignore[misc]
    return done


def _place(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    if isinstance(value, (int, float)):
        return (1, value)
    return (2, str(value))


def _after(documents: list[Document], marker: str, reverse: bool) -> list[Document]:
    if not marker:
        return documents
    for index, each in enumerate(documents):
        if _known_by(each) == marker:
            return documents[:index] if reverse else documents[index + 1 :]
    raise Fault(400, f"Invalid marker: {marker}")


def _known_by(document: Document) -> Any:
    """What a marker says of a document: quotas have no id, and zones only a name."""
    return document.get("id", document.get("name", document.get("project_id")))


def _limit(text: str) -> int | None:
    if not text or text == "infinite":
        return None
    try:
        found = int(text)
    except ValueError:
        raise Fault(400, f"Invalid limit: {text}") from None
    return None if found < 1 else min(found, MOST)


def _links(
    query: Query, path: str, chosen: Sequence[Document], full: bool, reverse: bool
) -> list[dict[str, str]]:
    if not chosen:
        return []
    rest = [(n, v) for n, several in query.items() for v in several]
    rest = [(n, v) for n, v in rest if n not in ("marker", "page_reverse")]

    def link(rel: str, marker: Any, back: bool) -> dict[str, str]:
        more = [("marker", str(marker))] + ([("page_reverse", "True")] if back else [])
        return {"rel": rel, "href": f"{path}?{urlencode([*rest, *more])}"}

    first, last = (_known_by(each) for each in (chosen[0], chosen[-1]))
    marked = bool(query.get("marker"))
    links = []
    if full if not reverse else marked:
        links.append(link("next", last, False))
    if marked if not reverse else full:
        links.append(link("previous", first, True))
    return links
