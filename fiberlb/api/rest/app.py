"""The addresses of the native REST API, on Klein."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from fiberlb.api.metrics.page import CONTENT_TYPE, page
from fiberlb.api.rest import keys, member_states, status
from fiberlb.api.rest.bodies import command_only, no_body, read_json
from fiberlb.api.rest.conditions import not_modified, quoted
from fiberlb.api.rest.documents import stored
from fiberlb.api.rest.history import revisions
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.problem import Refused, invalid, refused
from fiberlb.api.rest.reply import NOT_MODIFIED, Reply, encoded, of_problem, written
from fiberlb.api.rest.resource import Resources, Target
from fiberlb.api.rest.tables import ALIASES, MONITOR, TOP, WITHIN, top, within
from fiberlb.control.operations import Op
from fiberlb.control.refusals import Stopping
from fiberlb.control.service import ControlService
from fiberlb.model.pool import Member

_TOP = ", ".join([*TOP, *ALIASES])
_READ_WRITE = ["GET", "PUT", "PATCH", "DELETE"]
#: Addresses of the specification that this version does not serve.
_LATER = "tokens, transactions, requests"


def _parents(path: str) -> str:
    """The words for the tables that contain a path, as a route has them."""
    found = [parent for parent, own in WITHIN if own == path and parent is not None]
    return ", ".join([*found, *(alias for alias, name in ALIASES.items() if name in found)])


class RestApi:
    """
    The native API of one control service; C{app.resource()} is its resource.

    Names in addresses arrive percent-encoded: see L{fiberlb.api.rest.site}.
    """

    app = Klein()
    _log = Logger()

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._resources = Resources(control)

    @app.route(f"/v1/<any({_TOP}):path>", methods=["GET", "POST"])
    async def collection(self, request: IRequest, path: str) -> bytes:
        """A collection at the top."""
        target = Target(top(path))
        if request.method == b"POST":
            return await self._answer(request, lambda: self._resources.create(request, target))
        return self._read(request, lambda: self._resources.list(request, target))

    @app.route(f"/v1/<any({_TOP}):path>/<word>", methods=_READ_WRITE)
    async def object(self, request: IRequest, path: str, word: str) -> bytes:
        """An object at the top."""
        return await self._object(request, Target(top(path), "", _plain(word)))

    @app.route(
        f"/v1/<any({_parents('members')}):path>/<parent>/<any(members):own>",
        methods=["GET", "POST", "PUT"],
    )
    async def members(self, request: IRequest, path: str, parent: str, own: str) -> bytes:
        """The members of a pool."""
        return await self._contained(request, Target(within(path, own), _plain(parent)))

    @app.route(
        f"/v1/<any({_parents('rules')}):path>/<parent>/<any(rules):own>",
        methods=["GET", "POST", "PUT"],
    )
    async def rules(self, request: IRequest, path: str, parent: str, own: str) -> bytes:
        """The rules of a policy."""
        return await self._contained(request, Target(within(path, own), _plain(parent)))

    @app.route(
        f"/v1/<any({_parents('members')}):path>/<parent>/<any(members):own>/<word>",
        methods=_READ_WRITE,
    )
    async def member(self, request: IRequest, path: str, parent: str, own: str, word: str) -> bytes:
        """A member of a pool."""
        target = Target(within(path, own), _plain(parent), _plain(word))
        return await self._object(request, target)

    @app.route(
        f"/v1/<any({_parents('rules')}):path>/<parent>/<any(rules):own>/<word>",
        methods=_READ_WRITE,
    )
    async def rule(self, request: IRequest, path: str, parent: str, own: str, word: str) -> bytes:
        """A rule of a policy."""
        target = Target(within(path, own), _plain(parent), _plain(word))
        return await self._object(request, target)

    @app.route("/v1/members/state", methods=["POST"])
    async def machine(self, request: IRequest) -> bytes:
        """The state of every member on a machine."""
        return await self._answer(request, lambda: member_states.post(self._control, request))

    @app.route("/v1/<any(members):own>/<word>/state", methods=["GET", "PUT"])
    async def state(self, request: IRequest, own: str, word: str) -> bytes:
        """The state of a member."""
        return await self._state(request, Target(top(own), "", _plain(word)))

    @app.route(
        f"/v1/<any({_parents('members')}):path>/<parent>/<any(members):own>/<word>/state",
        methods=["GET", "PUT"],
    )
    async def state_within(
        self, request: IRequest, path: str, parent: str, own: str, word: str
    ) -> bytes:
        """The state of a member of a pool."""
        target = Target(within(path, own), _plain(parent), _plain(word))
        return await self._state(request, target)

    async def _state(self, request: IRequest, target: Target) -> bytes:
        def found() -> Member:
            made = self._resources.find(target)
            assert isinstance(made, Member)
            return made

        control = self._control
        if request.method == b"PUT":
            return await self._answer(request, lambda: member_states.put(control, request, found()))
        return self._read(request, lambda: member_states.get(control, request, found()))

    @app.route(f"/v1/pools/<pool>/{MONITOR}", methods=_READ_WRITE)
    async def monitor(self, request: IRequest, pool: str) -> bytes:
        """The health monitor of a pool."""
        word, method = _plain(pool), request.method
        if method in (b"GET", b"HEAD"):
            return self._read(request, lambda: self._resources.get_monitor(request, word))
        return await self._answer(request, lambda: self._write_monitor(request, word))

    async def _write_monitor(self, request: IRequest, pool: str) -> Reply:
        resources = self._resources
        if request.method == b"DELETE":
            no_body(request)
            return await resources.write_monitor(request, pool, Op.DELETE)
        if request.method == b"PATCH":
            body = read_json(request, patch=True)
            return await resources.write_monitor(request, pool, Op.PATCH, body)
        return await resources.write_monitor(request, pool, Op.REPLACE, read_json(request))

    @app.route("/v1/config", methods=["GET"])
    async def config(self, request: IRequest) -> bytes:
        """The store layer, whole."""
        return await self._answer(request, lambda: self._config(request))

    @app.route("/v1/revisions", methods=["GET"])
    async def revisions(self, request: IRequest) -> bytes:
        """The history."""
        return await self._answer(request, lambda: revisions(self._control, request))

    @app.route("/v1/status", methods=["GET"])
    async def status(self, request: IRequest) -> bytes:
        """How this node is."""
        return self._send(request, status.status(self._control))

    @app.route("/v1/workers/restart", methods=["POST"])
    async def restart(self, request: IRequest) -> bytes:
        """Replace the workers one by one."""
        command_only(request)
        return await self._answer(request, lambda: status.restart(self._control))

    @app.route("/v1/keys", methods=["GET"])
    async def keys(self, request: IRequest) -> bytes:
        """The key-encryption keys, without themselves."""
        return await self._answer(request, lambda: keys.listing(self._control, request))

    @app.route("/v1/cookie_keys/rotate", methods=["POST"])
    async def sign_anew(self, request: IRequest) -> bytes:
        """Sign persistence cookies with a new key."""
        command_only(request)
        return await self._answer(request, lambda: keys.sign_anew(self._control, request))

    @app.route("/v1/keys/<any(rotate, reseal, prune):what>", methods=["POST"])
    async def change_keys(self, request: IRequest, what: str) -> bytes:
        """Exchange them."""
        command_only(request)
        return await self._answer(request, lambda: keys.change(self._control, request, what))

    @app.route("/metrics", methods=["GET"])
    async def metrics(self, request: IRequest) -> bytes:
        """Figures for monitoring."""
        text = await self._control.in_slices(page(self._control))
        request.setHeader(b"Content-Type", CONTENT_TYPE.encode())
        return text.encode()

    @app.route("/healthz", methods=["GET"])
    async def healthz(self, request: IRequest) -> bytes:
        """Whether the process answers."""
        return self._send(request, status.alive())

    @app.route("/readyz", methods=["GET"])
    async def readyz(self, request: IRequest) -> bytes:
        """Whether it serves, and goes on to."""
        return self._send(request, status.ready(self._control))

    @app.route(f"/v1/<any({_LATER}):path>", branch=True, methods=["GET", "POST", *_READ_WRITE])
    async def later(self, request: IRequest, path: str) -> bytes:
        """What comes with a later version."""
        raise Refused(404, "not_supported", f"{path}: known, not supported by this version")

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Whatever went wrong, as a problem."""
        why = failure.value
        assert why is not None
        found = _of_routing(why) if isinstance(why, HTTPException) else refused(why)
        if found is None:
            self._log.failure("a request of the admin API failed", failure=failure)
            found = Refused(500, "internal", "this is a defect of FiberLB; its log says more")
        return self._send(request, of_problem(found))

    # -- the ways to an answer

    async def _object(self, request: IRequest, target: Target) -> bytes:
        resources = self._resources
        methods: dict[bytes, Callable[[IRequest, Target], Awaitable[Reply]]] = {
            b"PUT": resources.replace,
            b"PATCH": resources.patch,
            b"DELETE": resources.delete,
        }
        method = methods.get(request.method)
        if method is None:
            method = resources.get
        return await self._answer(request, lambda: method(request, target))

    async def _contained(self, request: IRequest, target: Target) -> bytes:
        resources = self._resources
        if request.method == b"POST":
            return await self._answer(request, lambda: resources.create(request, target))
        if request.method == b"PUT":
            return await self._answer(request, lambda: resources.replace_all(request, target))
        return self._read(request, lambda: resources.list(request, target))

    async def _config(self, request: IRequest) -> Reply:
        query_of(request, ())
        tag = str(self._control.revision)
        headers = {"ETag": quoted(tag)}
        if not_modified(request, tag):
            return Reply(NOT_MODIFIED, headers=headers)
        body = await self._control.beside(lambda: encoded(stored(self._control)))
        return Reply(document=body, headers=headers, body=body)

    def _read(self, request: IRequest, make: Callable[[], Reply]) -> bytes:
        if not self._control.started:
            raise Stopping()
        return self._send(request, make())

    async def _answer(self, request: IRequest, make: Callable[[], Awaitable[Reply]]) -> bytes:
        if not self._control.started:
            raise Stopping()
        return self._send(request, await make())

    def _send(self, request: IRequest, reply: Reply) -> bytes:
        wanted, serving = self._control.workers
        if wanted:
            request.setHeader(b"FiberLB-Workers-Applied", f"{serving}/{wanted}".encode())
        return written(request, reply, self._control.revision)


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


# An address is right or it is not: nothing is redirected.
RestApi.app.url_map.merge_slashes = False
