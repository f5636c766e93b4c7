"""The addresses of the Octavia face."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import HTTPConnectionPool
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from fiberlb.api.octavia import discovery, network, services
from fiberlb.api.octavia.asked import Asked, asked_of, body_of, only
from fiberlb.api.octavia.faults import Fault, of_exception
from fiberlb.api.octavia.identity import of_request, permit
from fiberlb.api.octavia.keystone import Keystone, fetching
from fiberlb.api.octavia.lifecycle import TOP, WITHIN, Lifecycle, Place
from fiberlb.api.octavia.reply import Reply, send, written
from fiberlb.api.rest.problem import Refused
from fiberlb.control.service import ControlService

#: First segments of the addresses that are answered here.
VERSIONS = ("v2", "v2.0")
_LBAAS = "lbaas"


def spoken(path: bytes) -> bool:
    """Whether an address is of this dialect."""
    words = path.strip(b"/").split(b"/")
    return words[0].decode("latin-1") in ("", *VERSIONS)


class OctaviaFace(Resource):
    """Everything below C{/v2} and C{/v2.0}, and the document at C{/}."""

    isLeaf = True
    _log = Logger()

    def __init__(self, control: ControlService) -> None:
        super().__init__()
        self._control = control
        self._pool: HTTPConnectionPool | None = None
        self._keystone = Keystone(control.reactor, self._fetch)
        control.when_stopping(self._close)

    def _fetch(self, url: str, token: str) -> Any:
        if self._pool is None:
            self._pool = HTTPConnectionPool(self._control.reactor)
        return fetching(self._control.reactor, self._pool)(url, token)

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.closeCachedConnections()

    def asks(self, path: bytes) -> bool:
        """Whether it finds out by itself who asks, or tells everybody."""
        words = path.strip(b"/").split(b"/")
        if len(words) < 2 or words[1:] == [_LBAAS.encode()]:
            return True
        control = self._control
        return control.started and control.state.file.settings.octavia.keystone is not None

    def refuse(self, request: IRequest, why: Refused) -> bytes:
        """Answer a request that is not let in."""
        for name, value in why.headers.items():
            request.setHeader(name.encode(), value.encode())
        return written(request, Reply(why.status, Fault(why.status, why.detail).document()))

    def render(self, request: IRequest) -> int:
        """Twisted's entry."""
        done = ensureDeferred(self._answer(request))
        done.addErrback(self._failed)
        done.addCallback(lambda reply: send(request, reply))
        return NOT_DONE_YET

    def _failed(self, failure: Failure) -> Reply:
        why = failure.value
        if isinstance(why, Refused):
            why = Fault(why.status, f"Request is not in valid JSON format. {why.detail}")
        found = of_exception(why) if why is not None else None
        if found is None:
            self._log.failure("a request of the Octavia API failed", failure=failure)
            found = Fault(500, "This is a defect of FiberLB; its log says more.")
        return Reply(found.status, found.document())

    async def _answer(self, request: IRequest) -> Reply:
        asked = asked_of(request)
        accepts = request.getHeader("accept") or "*/*"
        if not any(each in accepts for each in ("*/*", "application/json", "application/*")):
            raise Fault(406, "Only application/json is answered.")
        if not asked.words and not asked.path.strip("/"):
            only(asked, "GET")
            return Reply(200, discovery.versions(asked.base))
        if not asked.words or list(asked.words) == [_LBAAS]:
            only(asked, "GET")
            at = "/" + asked.path.strip("/").removesuffix("/" + _LBAAS)
            return Reply(200, discovery.version(asked.base, at))
        if not self._control.started:
            raise Fault(503, "The server is starting.")
        word, rest = asked.words[0], list(asked.words[1:])
        if word == _LBAAS:
            return await self._lbaas(asked, rest)
        settings = self._control.state.file.settings.octavia
        if word in network.COLLECTIONS and len(rest) < 2:
            only(asked, "GET")
            if rest:
                return Reply(200, network.one(settings, word, rest[0]))
            return Reply(200, network.listing(settings, word, asked.query))
        if word == "octavia" and rest == ["amphorae"]:
            only(asked, "GET")
            return Reply(200, {"amphorae": [], "amphorae_links": []})
        raise _nothing()

    async def _lbaas(self, asked: Asked, words: list[str]) -> Reply:
        settings = self._control.state.file.settings.octavia
        identity = await of_request(asked.request, settings, self._keystone)
        permit(identity, asked.method, words[0] if words else "")
        if not words:
            raise _nothing()
        lifecycle = Lifecycle(self._control, identity)
        if words[0] in TOP and len(words) == 3 and (words[0], words[2]) not in WITHIN:
            return services.of_object(asked, lifecycle, words)
        if words[0] in TOP:
            return await self._resources(asked, lifecycle, words)
        found = await services.others(asked, self._control, identity, words)
        if found is None:
            raise _nothing()
        return found

    async def _resources(self, asked: Asked, lifecycle: Lifecycle, words: list[str]) -> Reply:
        place, rest = Place(TOP[words[0]]), words[1:]
        if len(words) > 2:
            within = WITHIN.get((words[0], words[2]))
            if within is None:
                raise _nothing()
            place, rest = Place(within, words[1]), words[3:]
        if len(rest) > 1:
            raise _nothing()
        kind = place.kind
        if not rest:
            if asked.method == "PUT" and kind.path == "members":
                await lifecycle.batch(
                    place.parent, body_of(asked, "members"), asked.flag("additive_only")
                )
                return Reply(202)
            only(asked, "GET", "POST")
            if asked.method == "GET":
                found = lifecycle.list(place, asked.query, asked.base + asked.path)
                return Reply(200, {kind.path: found.items, f"{kind.path}_links": found.links})
            return Reply(201, {kind.root: await lifecycle.create(place, body_of(asked, kind.root))})
        only(asked, "GET", "PUT", "DELETE")
        if asked.method == "GET":
            return Reply(200, {kind.root: lifecycle.show(place, rest[0], asked.query)})
        if asked.method == "PUT":
            done = await lifecycle.update(place, rest[0], body_of(asked, kind.root))
            return Reply(200, {kind.root: done})
        await lifecycle.delete(place, rest[0], asked.flag("cascade"))
        return Reply(204)


def _nothing() -> Fault:
    return Fault(404, "The resource could not be found.")
