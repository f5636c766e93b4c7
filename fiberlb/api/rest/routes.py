"""
The one table of what the admin address serves.

A route is added here; the addresses (L{fiberlb.api.rest.app}), the role check and
the description of the API are made of this table.
"""

from __future__ import annotations

from collections.abc import Mapping

from twisted.web.iweb import IRequest

from fiberlb.api.metrics.page import CONTENT_TYPE, page
from fiberlb.api.rest import keys, member_states, openapi, requests, status, tokens
from fiberlb.api.rest.bodies import LARGEST
from fiberlb.api.rest.collection_routes import collections
from fiberlb.api.rest.explain import explain
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.reply import Reply, encoded
from fiberlb.api.rest.route import Role, Route, Served
from fiberlb.api.rest.whole_routes import WHOLE


async def _metrics(served: Served, request: IRequest, words: Mapping[str, str]) -> Reply:
    text = await served.control.in_slices(page(served.control))
    return Reply(content_type=CONTENT_TYPE, body=text.encode())


async def _described(served: Served, request: IRequest, words: Mapping[str, str]) -> Reply:
    query_of(request, ())
    body = await served.control.beside(lambda: encoded(openapi.described(ROUTES)))
    return Reply(body=body)


def _change_keys(what: str, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"/v1/keys/{what}",
        operation=f"{what}Keys",
        role=Role.ADMIN,
        summary=summary,
        call=lambda served, request, words: keys.change(served.control, request, what),
        query=("dry_run",),
        further=(409,),
    )


#: What concerns the node.
_NODE = (
    Route(
        method="GET",
        path="/v1/status",
        operation="getStatus",
        role=Role.READ,
        summary="How this node is",
        call=lambda served, request, words: status.status(served.control),
        gives={200: "Status"},
        early=True,
    ),
    Route(
        method="POST",
        path="/v1/workers/restart",
        operation="restartWorkers",
        role=Role.ADMIN,
        summary="Replace the workers one by one",
        call=lambda served, request, words: status.restart(served.control, request),
        query=("dry_run",),
        further=(409,),
    ),
    Route(
        method="POST",
        path="/v1/listeners/{listener}/explain",
        operation="explainRequest",
        role=Role.READ,
        summary="What becomes of a request, and why",
        call=explain,
        takes="Asked",
        gives={200: "Explanation"},
    ),
    Route(
        method="GET",
        path="/v1/requests",
        operation="listRequests",
        role=Role.READ,
        summary="The last answers that FiberLB has made itself, the last one first",
        call=lambda served, request, words: requests.recent(served.control, request),
        gives={200: "OwnAnswerList"},
        query=requests.PARAMETERS,
    ),
    Route(
        method="GET",
        path="/v1/requests/{request_id}",
        operation="getRequest",
        role=Role.READ,
        summary="Why FiberLB answered a request itself, by the id that the answer bears",
        call=lambda served, request, words: requests.recall(
            served.control, request, words["request_id"]
        ),
        gives={200: "OwnAnswer"},
    ),
    Route(
        method="POST",
        path="/v1/members/state",
        operation="setMachineState",
        role=Role.OPERATE,
        summary="The state of every member on a machine",
        call=lambda served, request, words: member_states.post(served.control, request),
        takes="AddressChange",
        gives={200: "MemberStates"},
        further=(404,),
    ),
)
_KEYS = (
    Route(
        method="GET",
        path="/v1/keys",
        operation="listKeys",
        role=Role.ADMIN,
        summary="The ids of the keys that seal private keys, never the keys",
        call=lambda served, request, words: keys.listing(served.control, request),
    ),
    _change_keys("rotate", "Seal with a new key"),
    _change_keys("reseal", "Seal everything with the first key"),
    _change_keys("prune", "Forget the keys that nothing is sealed with"),
    Route(
        method="POST",
        path="/v1/cookie_keys/rotate",
        operation="rotateCookieKeys",
        role=Role.ADMIN,
        summary="Sign persistence cookies with a new key",
        call=lambda served, request, words: keys.sign_anew(served.control, request),
        query=("dry_run",),
    ),
)
#: For probes and monitoring.
_WATCHED = (
    Route(
        method="GET",
        path="/metrics",
        operation="getMetrics",
        role=Role.READ,
        summary="Figures for Prometheus",
        call=_metrics,
        gives={200: "Metrics"},
        early=True,
    ),
    Route(
        method="GET",
        path="/openapi.json",
        operation="describe",
        role=Role.READ,
        summary="This API in the words of OpenAPI 3.1",
        call=_described,
        early=True,
    ),
    Route(
        method="GET",
        path="/healthz",
        operation="isAlive",
        role=Role.OPEN,
        summary="Whether the process answers",
        call=lambda served, request, words: status.alive(),
        gives={200: "Word"},
        early=True,
    ),
    Route(
        method="GET",
        path="/readyz",
        operation="isReady",
        role=Role.OPEN,
        summary="Whether it serves, and goes on to",
        call=lambda served, request, words: status.ready(served.control),
        gives={200: "Word", 503: "Word"},
        early=True,
    ),
)

ROUTES: tuple[Route, ...] = (
    *collections(),
    *WHOLE,
    *_NODE,
    *_KEYS,
    *tokens.ROUTES,
    *_WATCHED,
)
#: Addresses that are open to whoever reaches them, and those that are so to this machine.
OPEN = frozenset(route.path.encode() for route in ROUTES if route.role is Role.OPEN)
OPEN_HERE = frozenset({b"/metrics"})
_LARGE = {(r.method.encode(), r.path.encode()): r.largest for r in ROUTES if r.largest != LARGEST}


def largest_body(method: bytes, path: bytes) -> int:
    """How many bytes a body may have; asked before there is one, so no route is looked for."""
    return _LARGE.get((method, path), LARGEST)
