"""The dialects of the admin API side by side, told apart by their addresses."""

from __future__ import annotations

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from fiberlb.api.octavia.app import VERSIONS, OctaviaFace
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
        first = request.path.split(b"/")[1:2]
        ours = first in ([], [b""]) or first[0].decode("latin-1") in VERSIONS
        found: bytes | int = (self._octavia if ours else self._native).render(request)
        return found
