"""What a request asks for: its address, taken apart, and its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.octavia.attributes import flag
from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.lists import Query
from fiberlb.api.rest.bodies import parsed


@attrs.frozen
class Asked:
    """
    One request.

    @ivar words: the segments of its address after the version.
    @ivar path: its whole address, and C{base} what stands before it.
    """

    request: IRequest
    method: str
    words: Sequence[str]
    query: Query
    base: str
    path: str

    def flag(self, name: str) -> bool:
        """
        Whether a parameter says yes.

        @raise Fault: 400, it says neither yes nor no.
        """
        said = [flag(name, each) for each in self.query.get(name, ())]
        return any(said)


def only(asked: Asked, *methods: str) -> None:
    """@raise Fault: 405, the request has another method than these."""
    if asked.method not in methods:
        raise Fault(405, f"The method {asked.method} is not allowed for this resource.")


def asked_of(request: IRequest) -> Asked:
    """What a request is about."""
    method = request.method.decode("ascii", "replace")
    split = urlsplit(request.uri.decode("ascii", "replace"))
    path = split.path.removesuffix(".json").rstrip("/") or "/"
    words = [unquote(each) for each in path.split("/") if each]
    scheme = "https" if request.isSecure() else "http"
    host = request.getHeader("host") or "localhost"
    query: Mapping[str, list[str]] = parse_qs(split.query, keep_blank_values=True)
    method = "GET" if method == "HEAD" else method
    return Asked(request, method, words[1:], query, f"{scheme}://{host}", path)


def body_of(asked: Asked, envelope: str) -> Any:
    """
    The document of a write, out of its envelope.

    @raise Fault: 400 or 415.
    """
    sent = asked.request.getHeader("content-type") or ""
    media = sent.partition(";")[0].strip().lower()
    if media != "application/json":
        raise Fault(415, f"Unknown mimetype: {media}")
    try:
        text = asked.request.content.read().decode("utf-8")
    except UnicodeDecodeError:
        raise Fault(400, "Request is not in valid JSON format.") from None
    body = parsed(text)
    if not isinstance(body, dict) or set(body) != {envelope}:
        raise Fault(400, f"Invalid input for field/attribute {envelope}. Mandatory field missing.")
    return body[envelope]
