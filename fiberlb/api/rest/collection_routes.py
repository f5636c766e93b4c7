"""The routes of the collections, made of their tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from twisted.web.iweb import IRequest

from fiberlb.api.rest import member_checks, member_states
from fiberlb.api.rest.reply import Reply
from fiberlb.api.rest.resource import Target
from fiberlb.api.rest.route import Call, Role, Route, Served
from fiberlb.api.rest.tables import MONITOR, TOP, WITHIN, Table
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member

_DRY = ("dry_run",)
_PAGES = ("limit", "marker")


def collections() -> Iterator[Route]:
    """Every collection, at the top and within objects."""
    for table in TOP.values():
        yield from _of_list(table, f"/v1/{table.path}")
        yield from _of_object(table, f"/v1/{table.path}")
    for table in WITHIN.values():
        base = f"/v1/{table.parent}/{{{_word(TOP[table.parent or ''])}}}/{table.path}"
        yield from _of_list(table, base)
        yield from _of_object(table, base)
    yield from _of_monitor()
    yield from _of_state(TOP["members"], "/v1/members/{member}/state")
    yield from _of_state(WITHIN["pools", "members"], "/v1/pools/{pool}/members/{member}/state")
    yield _of_check(TOP["members"], "/v1/members/{member}/check")
    yield _of_check(WITHIN["pools", "members"], "/v1/pools/{pool}/members/{member}/check")


def model_of(table: Table) -> str:
    """The name of the schema of a collection's objects."""
    return COLLECTIONS[table.collection].__name__


def _word(table: Table) -> str:
    """How an object is called in paths."""
    return table.path.removesuffix("s").replace("l7_policie", "policy")


def _target(table: Table, words: Mapping[str, str]) -> Target:
    parent = words.get(_word(TOP[table.parent]), "") if table.parent else ""
    return Target(table, parent, words.get(_word(table), ""))


def _name(verb: str, table: Table, several: bool = False) -> str:
    """The id of an operation: verb, what it is about, where that is not the place it lives."""
    what = model_of(table) + ("s" if several else "")
    what = what.replace("L7Policys", "L7Policies")
    within = "InPool" if table.path == "members" and table.parent else ""
    return f"{verb}{what}{within}"


def _of_list(table: Table, path: str) -> Iterator[Route]:
    model, what = model_of(table), table.path.replace("_", " ")
    of = f" of one {_word(TOP[table.parent])}" if table.parent else ""

    def listing(served: Served, request: IRequest, words: Mapping[str, str]) -> Reply:
        return served.resources.list(request, _target(table, words))

    yield Route(
        method="GET",
        path=path,
        operation=_name("list", table, True),
        role=Role.READ,
        summary=f"The {what}{of}, in order of creation",
        call=listing,
        gives={200: f"{model}List"},
        query=_PAGES,
        filters=table.collection,
        tagged=True,
    )
    yield Route(
        method="POST",
        path=path,
        operation=_name("create", table),
        role=Role.WRITE,
        summary="Make one, with what is nested in it",
        call=lambda served, request, words: served.resources.create(request, _target(table, words)),
        takes=f"{model}New",
        gives={201: model},
        query=_DRY,
        tagged=True,
    )
    if table.replaceable:
        yield Route(
            method="PUT",
            path=path,
            operation=_name("replaceAll", table, True),
            role=Role.WRITE,
            summary="Replace the whole list; what matches by name or place keeps its id",
            call=lambda served, request, words: served.resources.replace_all(
                request, _target(table, words)
            ),
            takes=f"{model}News",
            gives={200: f"{model}List"},
            query=_DRY,
            tagged=True,
        )


def _of_object(table: Table, base: str) -> Iterator[Route]:
    model, path = model_of(table), f"{base}/{{{_word(table)}}}"

    def route(
        method: str, verb: str, summary: str, call: Call, takes: str, gives: Mapping[int, str]
    ) -> Route:
        return Route(
            method=method,
            path=path,
            operation=_name(verb, table),
            role=Role.READ if method == "GET" else Role.WRITE,
            summary=summary,
            call=call,
            takes=takes,
            gives=gives,
            query=() if method == "GET" else _DRY,
            tagged=True,
        )

    yield route(
        "GET",
        "get",
        "One of them, with all that it contains",
        lambda served, request, words: served.resources.get(request, _target(table, words)),
        "",
        {200: model},
    )
    yield route(
        "PUT",
        "replace",
        "Replace it; made when there is none of that name",
        lambda served, request, words: served.resources.replace(request, _target(table, words)),
        f"{model}New",
        {200: model, 201: model},
    )
    yield route(
        "PATCH",
        "patch",
        "Change some fields (RFC 7396)",
        lambda served, request, words: served.resources.patch(request, _target(table, words)),
        f"{model}Patch",
        {200: model},
    )
    yield route(
        "DELETE",
        "delete",
        "Take it away, with all that it contains",
        lambda served, request, words: served.resources.delete(request, _target(table, words)),
        "",
        {204: ""},
    )


def _of_monitor() -> Iterator[Route]:
    model = HealthMonitor.__name__
    summaries = {
        "GET": ("get", "The health monitor of a pool", "", {200: model}),
        "PUT": ("replace", "Replace it, or make it", f"{model}New", {200: model, 201: model}),
        "PATCH": ("patch", "Change some of its fields (RFC 7396)", f"{model}Patch", {200: model}),
        "DELETE": ("delete", "Check the members no more", "", {204: ""}),
    }
    for method, (verb, summary, takes, gives) in summaries.items():
        yield Route(
            method=method,
            path=f"/v1/pools/{{pool}}/{MONITOR}",
            operation=f"{verb}{model}",
            role=Role.READ if method == "GET" else Role.WRITE,
            summary=summary,
            call=lambda served, request, words: served.resources.monitor(request, words["pool"]),
            takes=takes,
            gives=gives,
            query=() if method == "GET" else _DRY,
            tagged=True,
        )


def _member(served: Served, table: Table, words: Mapping[str, str]) -> Member:
    made = served.resources.find(_target(table, words))
    assert isinstance(made, Member)
    return made


def _of_check(table: Table, path: str) -> Route:
    return Route(
        method="POST",
        path=path,
        operation=f"checkMember{'InPool' if table.parent else ''}",
        role=Role.OPERATE,
        summary="Check a member now, and say how each phase went",
        call=lambda served, request, words: member_checks.post(
            served.control, request, _member(served, table, words)
        ),
        gives={200: "MemberCheck"},
    )


def _of_state(table: Table, path: str) -> Iterator[Route]:
    within = "InPool" if table.parent else ""
    yield Route(
        method="GET",
        path=path,
        operation=f"getMemberState{within}",
        role=Role.READ,
        summary="Whether a member gets requests, by what operators said",
        call=lambda served, request, words: member_states.get(
            served.control, request, _member(served, table, words)
        ),
        gives={200: "MemberState"},
    )
    yield Route(
        method="PUT",
        path=path,
        operation=f"setMemberState{within}",
        role=Role.OPERATE,
        summary="Have a member ready, drained or in maintenance",
        call=lambda served, request, words: member_states.put(
            served.control, request, _member(served, table, words)
        ),
        takes="StateChange",
        gives={200: "MemberState"},
    )
