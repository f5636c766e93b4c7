"""GET /openapi.json: the API described by itself (OpenAPI 3.1), out of the table of routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fiberlb import __version__
from fiberlb.api.rest.bodies import JSON, MERGE_PATCH, YAML
from fiberlb.api.rest.lists import MOST, filterable
from fiberlb.api.rest.problem import PROBLEM_TYPE, phrase
from fiberlb.api.rest.route import Role, Route
from fiberlb.api.rest.schemas import listed, named, schemas

_ABOUT = (
    "When a write is answered, it is in force. Fields, defaults and words are those of the"
    " configuration file; a reference is written as a name or an id and answered as an id."
)
#: What a parameter of a query is, where it is no text.
_PARAMETERS: dict[str, dict[str, Any]] = {
    "dry_run": {"type": "boolean"},
    "names": {"type": "boolean"},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST},
}
#: How clients say who they are; a certificate or a Unix socket says it too.
_TOKEN = {"type": "http", "scheme": "bearer"}
_REVISION = {
    "description": "The revision in force.",
    "schema": {"type": "string"},
}


def described(routes: Iterable[Route]) -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FiberLB",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "security": [{"token": []}, {}],
        "components": {"schemas": schemas(), "securitySchemes": {"token": _TOKEN}},
    }


def refusals(route: Route) -> list[int]:
    """The statuses of the problems that a route may answer."""
    found = {400, 421, 500, *route.further}
    if route.needs is not None:
        found |= {401, 403, 429}
    if not route.early:
        found |= {503}
    if route.words:
        found |= {404, 409}
    if route.writes:
        found |= {404, 409, 413, 415}
    if route.tagged and route.writes:
        found |= {412}
    return sorted(found - set(route.gives))


def _operation(route: Route) -> dict[str, Any]:
    done: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*_in_path(route), *_in_query(route), *_in_head(route)],
        "responses": _responses(route),
        "x-role": route.role.value,
    }
    if route.role is Role.OPEN:
        done["security"] = []
    if route.takes:
        types = (JSON, MERGE_PATCH) if route.method == "PATCH" else (JSON,)
        types = (*types, YAML) if route.yaml else types
        content = {media: {"schema": named(route.takes)} for media in types}
        done["requestBody"] = {"required": True, "content": content}
    return done


def _tag(route: Route) -> str:
    """The part of the API that a route belongs to: what stands last in its path."""
    words = [word for word in route.path.split("/") if word and "{" not in word]
    return words[1] if words[0] == "v1" else "probes"


def _in_path(route: Route) -> list[dict[str, Any]]:
    told = "An id, or a name that no other bears."
    return [
        {
            "name": word,
            "in": "path",
            "required": True,
            "description": told,
            "schema": {"type": "string", "minLength": 1},
        }
        for word in route.words
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = [
        {"name": name, "in": "query", "schema": _PARAMETERS.get(name, {"type": "string"})}
        for name in route.query
    ]
    filters = filterable(route.filters) if route.filters else []
    for name in filters:
        schema = listed({"type": "string"})
        done.append({"name": name, "in": "query", "schema": schema, "explode": True})
    return done


def _in_head(route: Route) -> list[dict[str, Any]]:
    names = []
    if route.tagged:
        names += ["If-None-Match"]
    if route.tagged and route.writes:
        names += ["If-Match"]
    if route.writes:
        names += ["FiberLB-Reason"]
    return [{"name": name, "in": "header", "schema": {"type": "string"}} for name in names]


def _responses(route: Route) -> dict[str, Any]:
    done: dict[str, Any] = {}
    gives = dict(route.gives)
    for status in sorted(gives):
        done[str(status)] = _response(route, status, [gives[status]] if gives[status] else [])
    if "dry_run" in route.query:
        models = [gives[200]] if gives.get(200) else []
        done["200"] = _response(route, 200, [*models, "DryRun"])
    if route.tagged and not route.writes:
        done["304"] = {"description": phrase(304), "headers": {"FiberLB-Revision": _REVISION}}
    for status in refusals(route):
        content = {PROBLEM_TYPE: {"schema": named("Problem")}}
        done[str(status)] = {"description": phrase(status), "content": content}
    return dict(sorted(done.items()))


def _response(route: Route, status: int, models: list[str]) -> dict[str, Any]:
    headers: dict[str, Any] = {"FiberLB-Revision": _REVISION}
    if route.tagged and models and models != ["DryRun"]:
        headers["ETag"] = {"schema": {"type": "string"}}
    if status == 201:
        headers["Location"] = {"schema": {"type": "string"}}
    done: dict[str, Any] = {"description": phrase(status), "headers": headers}
    if models:
        schema = named(models[0]) if len(models) == 1 else {"anyOf": [named(m) for m in models]}
        media = "text/plain" if models == ["Metrics"] else JSON
        done["content"] = {media: {"schema": schema}}
        if route.yaml and not route.writes:
            done["content"][YAML] = {"schema": schema}
    return done
