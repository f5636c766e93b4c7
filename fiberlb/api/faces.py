"""The dialects of the admin API side by side, told apart by their addresses."""

from __future__ import annotations

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from fiberlb.api.octavia.app import OctaviaFace, spoken
from fiberlb.api.rest.door import Asks
from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import of_problem, written
from fiberlb.control.service import ControlService


class Faces(Resource):
    """
    Hands a request to the dialect that its address is of.

    @param native: the native API, which has all addresses but those of the others.
    """

    isLeaf = True

    def __init__(self, native: IResource, control: ControlService) -> None:
        super().__init__()
        self._native = native
        self._octavia = OctaviaFace(control)

    def render(self, request: Request) -> bytes | int:
        """Twisted's entry."""
        face = self._octavia if spoken(request.path) else self._native
        found: bytes | int = face.render(request)
        return found

    def refuse(self, request: Request, why: Refused, revision: int) -> bytes:
        """Answer a request that is not let in."""
        if spoken(request.path):
            return self._octavia.refuse(request, why)
        return written(request, of_problem(why), revision)

    def asks(self, path: bytes) -> Asks:
        """How the dialect of a path asks who somebody is."""
        if not spoken(path):
            return Asks.ALWAYS
        return Asks.ITSELF if self._octavia.asks(path) else Asks.IF_NEEDED
