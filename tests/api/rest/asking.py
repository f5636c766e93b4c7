"""An API to ask: a node on a stage, and requests to its resource."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import attrs
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.site import AdminServer
from fiberlb.model.admin import AdminListen
from tests.control.stage import Stage

T = TypeVar("T")

HOST = "127.0.0.1:9876"
LOOPBACK = AdminListen(address=HOST)


def resource(stage: Stage, listen: AdminListen = LOOPBACK) -> Any:
    """What an address of a node's admin API serves."""
    return AdminServer(stage.control, stage.clock).door(listen)[0]


@attrs.frozen
class Answer:
    """
    What came back.

    @ivar body: the bytes.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def tag(self) -> str:
        """The entity tag, quoted."""
        return self.headers["etag"]

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Pointers and messages of a problem."""
        return [(error["path"], error["message"]) for error in self.document["errors"]]


class Asking(SynchronousTestCase):
    """Test cases that ask an API; the node has the file C{FILE}."""

    FILE = ""

    def setUp(self) -> None:
        """A node, and its API."""
        self.stage = Stage(self, self.FILE)
        self.treq: Any = StubTreq(resource(self.stage))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        media: str | None = "application/json",
        host: str = HOST,
        **headers: str,
    ) -> Answer:
        """
        One request.

        @param body: sent as JSON.
        @param raw: sent as it is.
        @param media: of the body.
        @param headers: further fields, with C{_} for C{-}.
        """
        return self.answer(self.asking(method, path, body, raw, media, host, headers))

    def asking(
        self,
        method: str,
        path: str,
        body: Any = None,
        raw: bytes | None = None,
        media: str | None = "application/json",
        host: str = HOST,
        headers: dict[str, str] | None = None,
    ) -> Deferred[Any]:
        """The request, its answer still to come."""
        data = raw if body is None else json.dumps(body).encode()
        fields = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if data is not None and media is not None:
            fields["Content-Type"] = media
        fields["Host"] = host
        waiting: Deferred[Any] = self.treq.request(
            method, f"http://{HOST}{path}", data=data, headers=fields
        )
        self.treq.flush()
        return waiting

    def answer(self, waiting: Deferred[Any]) -> Answer:
        """What has come."""
        self.treq.flush()
        response = self.successResultOf(waiting)
        content = self.treq.content(response)
        self.treq.flush()
        headers = {
            name.decode().lower(): b", ".join(values).decode()
            for name, values in response.headers.getAllRawHeaders()
        }
        return Answer(response.code, headers, self.successResultOf(content))

    def get(self, path: str, **headers: str) -> Answer:
        """A GET that must succeed."""
        found = self.ask("GET", path, **headers)  # type: ignore[arg-type]
        self.assertEqual(found.status, 200, found.body)
        return found

    def post(self, path: str, body: Any) -> Answer:
        """A POST that must succeed."""
        found = self.ask("POST", path, body)
        self.assertEqual(found.status, 201, found.body)
        return found

    def refusal(self, found: Answer, status: int, code: str) -> dict[str, Any]:
        """Make sure that an answer is a problem of that code; the problem."""
        self.assertEqual(found.status, status, found.body)
        self.assertEqual(found.headers["content-type"], "application/problem+json")
        document: dict[str, Any] = found.document
        self.assertEqual((document["status"], document["code"]), (status, code), document)
        for key in ("type", "title", "detail", "errors"):
            self.assertIn(key, document)
        return document
