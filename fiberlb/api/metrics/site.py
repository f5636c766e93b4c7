"""The figures on an address of their own: C{/metrics}, and nothing else."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from fiberlb.api.metrics.page import CONTENT_TYPE, page
from fiberlb.api.rest.channel import IDLE, MOST, AdminChannel, Connections
from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import Reply, of_problem, written
from fiberlb.control.service import ControlService
from fiberlb.model.addresses import UNIX
from fiberlb.model.listener import Listener

_log = Logger()
PATH = b"/metrics"


async def figures(control: ControlService) -> bytes:
    """The page, as it is sent."""
    text = await control.in_slices(page(control))
    return text.encode()


class FiguresRequest(Request):
    """A request whose body, if anybody sends one, is not kept."""

    def gotLength(self, length: int | None) -> None:
        """The head is there."""
        self.content = io.BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of a body that nobody asked for."""


class Figures(Resource):
    """
    The only thing that is served.

    @param text: makes the page.
    @param revision: in force now.
    """

    isLeaf = True

    def __init__(self, text: Callable[[], Awaitable[bytes]], revision: Callable[[], int]) -> None:
        super().__init__()
        self._text = text
        self._revision = revision

    def render(self, request: Request) -> bytes | int:
        """Answer a request."""
        if request.path != PATH:
            why = Refused(404, "not_found", "the figures of this node are at /metrics")
            return written(request, of_problem(why), self._revision())
        if request.method not in (b"GET", b"HEAD"):
            headers = {"Allow": "GET, HEAD"}
            why = Refused(405, "method_not_allowed", "the address takes GET, HEAD", headers=headers)
            return written(request, of_problem(why), self._revision())
        done = Deferred.fromCoroutine(self._answer(request))
        done.addErrback(lambda failure: self._failed(request, failure))
        # Who went away is told nothing.
        request.notifyFinish().addErrback(lambda _: done.cancel())
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        text = await self._text()
        reply = Reply(content_type=CONTENT_TYPE, body=text)
        request.write(written(request, reply, self._revision()))
        request.finish()

    def _failed(self, request: Request, failure: Failure) -> None:
        if request._disconnected:
            return
        _log.failure("the figures could not be shown", failure=failure)
        why = Refused(500, "internal", "this is a defect of FiberLB; its log says more")
        request.write(written(request, of_problem(why), self._revision()))
        request.finish()


class FiguresSite(Site):
    """
    The factory of a listener's connections.

    @ivar connections: those that are open.
    """

    protocol: Any = AdminChannel

    def __init__(self, resource: Figures, reactor: IReactorTime) -> None:
        super().__init__(
            resource,
            requestFactory=FiguresRequest,
            timeout=IDLE,
            reactor=reactor,
            parsePOSTFormSubmission=False,
        )
        self.noisy = False
        self.connections = Connections()
        self.allowed: Callable[[str], bool] | None = None
        self._counts: Counter[str] = Counter()

    def use(self, listener: Listener, allowed: Callable[[str], bool] | None) -> None:
        """
        Go by a listener from the next connection on.

        @param allowed: of C{allowed_cidrs}: whether an address may connect; C{None}: all may.
        """
        limit = listener.connection_limit
        self.connections.most = MOST if limit < 0 else min(limit, MOST)
        self.allowed = allowed

    def buildProtocol(self, addr: Any) -> Any:
        """A connection, unless it comes from where none may come from."""
        if self.allowed is not None and not self.allowed(getattr(addr, "host", UNIX)):
            return None
        self._counts["accepted"] += 1
        return super().buildProtocol(addr)

    def log(self, request: Any) -> None:
        """Nothing of it is news; it is counted."""
        self._counts["requests"] += 1

    @property
    def counted(self) -> Mapping[str, int]:
        """As of a listener of traffic: C{connections}, C{accepted}, C{requests}."""
        return {"connections": len(self.connections), **self._counts}
