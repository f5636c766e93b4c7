"""Answers, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest.problem import PROBLEM_TYPE, Refused, phrase

#: On every answer: nothing here is a page, and nothing is to be kept by caches between.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Server", "FiberLB"),
)
#: Objects from which on a document is not laid out for people.
LONG = 1000
NO_CONTENT = 204
NOT_MODIFIED = 304


@attrs.frozen
class Reply:
    """
    One answer.

    @ivar document: its JSON body; C{None} for none.
    @ivar body: the document as it is sent, where that was made already.
    """

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    content_type: str = "application/json"
    body: bytes | None = None


def of_problem(why: Refused) -> Reply:
    """The answer of a problem."""
    return Reply(why.status, why.document(), why.headers, PROBLEM_TYPE)


def encoded(document: Any, size: int = 0) -> bytes:
    """
    A document as it is sent, one object or list to a person's eye.

    @param size: about how many objects it tells of. What nobody reads is not indented: that
        takes ten times as long.
    """
    indent = 2 if size < LONG else None
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def heads(reply: Reply, revision: int) -> list[tuple[str, str]]:
    """The fields of an answer, its framing apart."""
    return [*ALWAYS, ("FiberLB-Revision", str(revision)), *reply.headers.items()]


def written(request: IRequest, reply: Reply, revision: int) -> bytes:
    """
    Set the head of an answer.

    @param revision: in force now.

    @return: its body.
    """
    request.setResponseCode(reply.status, phrase(reply.status).encode())
    for name, value in heads(reply, revision):
        request.setHeader(name.encode(), value.encode())
    if reply.document is None and reply.body is None:
        if reply.status not in (NO_CONTENT, NOT_MODIFIED):
            request.setHeader(b"Content-Length", b"0")
        return b""
    body = encoded(reply.document) if reply.body is None else reply.body
    request.setHeader(b"Content-Type", reply.content_type.encode())
    request.setHeader(b"Content-Length", str(len(body)).encode())
    return body
