"""The addresses of the native REST API, on Klein, made of the table of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import unquote

from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from fiberlb.api.access.identity import identity_of, note_refusal, permit
from fiberlb.api.rest.problem import Refused, invalid, refused
from fiberlb.api.rest.reply import Reply, of_problem, written
from fiberlb.api.rest.resource import Resources
from fiberlb.api.rest.route import Route, Served
from fiberlb.api.rest.routes import ROUTES
from fiberlb.api.rest.tables import ALIASES
from fiberlb.control.refusals import Stopping
from fiberlb.control.service import ControlService


class RestApi:
    """
    The native API of one control service; C{app.resource()} is its resource.

    Names in addresses arrive percent-encoded: see L{fiberlb.api.rest.site}.
    """

    app = Klein()
    _log = Logger()

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._served = Served(control, Resources(control))

    async def answer(self, route: Route, request: IRequest, words: dict[str, str]) -> bytes:
        """The answer of a route, for who may use it."""
        permit(identity_of(request), route.needs)
        if not route.early and not self._control.started:
            raise Stopping()
        plain = {name: _plain(word) for name, word in words.items()}
        made = route.call(self._served, request, plain)
        return self._send(request, made if isinstance(made, Reply) else await made)

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Whatever went wrong, as a problem."""
        why = failure.value
        assert why is not None
        found = _of_routing(why) if isinstance(why, HTTPException) else refused(why)
        if found is None:
            self._log.failure("a request of the admin API failed", failure=failure)
            found = Refused(500, "internal", "this is a defect of FiberLB; its log says more")
        note_refusal(request, found.code)
        return self._send(request, of_problem(found))

    def _send(self, request: IRequest, reply: Reply) -> bytes:
        wanted, serving = self._control.workers
        if wanted:
            request.setHeader(b"FiberLB-Workers-Applied", f"{serving}/{wanted}".encode())
        return written(request, reply, self._control.revision)


def _endpoint(route: Route) -> Callable[..., Awaitable[bytes]]:
    """The method that Klein calls for a route."""

    async def endpoint(self: RestApi, request: IRequest, **words: Any) -> bytes:
        return await self.answer(route, request, words)

    endpoint.__name__ = route.operation
    return endpoint


def _spellings(route: Route) -> Iterator[str]:
    """The path of a route as Klein has it, with each spelling of its collection."""
    path = route.path.replace("{", "<").replace("}", ">")
    yield path
    for alias, name in ALIASES.items():
        if path.removeprefix(f"/v1/{name}")[:1] in ("", "/") and path.startswith(f"/v1/{name}"):
            yield path.replace(name, alias, 1)


def _plain(segment: str) -> str:
    """
    A segment of the address, decoded.

    @raise Refused: 400, it is not UTF-8.
    """
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise invalid("the address is not UTF-8") from None


def _of_routing(why: HTTPException) -> Refused:
    """Werkzeug's refusals: no such address, or not with this method."""
    if isinstance(why, MethodNotAllowed):
        methods = ", ".join(sorted(why.valid_methods or ()))
        detail = f"the address takes {methods}"
        return Refused(405, "method_not_allowed", detail, headers={"Allow": methods})
    return Refused(404, "not_found", "there is nothing at this address")


for _route in ROUTES:
    for _path in _spellings(_route):
        RestApi.app.route(_path, methods=[_route.method])(_endpoint(_route))
# An address is right or it is not: nothing is redirected.
RestApi.app.url_map.merge_slashes = False
