"""Answers of the Octavia face."""

from __future__ import annotations

import json
import uuid
from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest.problem import phrase
from fiberlb.api.rest.reply import ALWAYS


@attrs.frozen
class Reply:
    """
    One answer.

    @ivar document: its JSON body; C{None} for none.
    """

    status: int
    document: Any = None


def written(request: IRequest, reply: Reply) -> bytes:
    """Set the head of an answer; returns its body."""
    request.setResponseCode(reply.status, phrase(reply.status).encode())
    for name, value in ALWAYS:
        request.setHeader(name.encode(), value.encode())
    request.setHeader(b"x-openstack-request-id", f"req-{uuid.uuid4()}".encode())
    body = b""
    if reply.document is not None:
        body = json.dumps(reply.document, ensure_ascii=False).encode("utf-8")
        request.setHeader(b"Content-Type", b"application/json")
    if reply.status != 204:
        request.setHeader(b"Content-Length", str(len(body)).encode())
    return body


def send(request: IRequest, reply: Reply) -> None:
    """Write an answer, unless whoever asked has gone."""
    if getattr(request, "_disconnected", False):
        return
    body = written(request, reply)
    if request.method != b"HEAD":
        request.write(body)
    request.finish()
