"""C{error_pages}: what FiberLB's own errors look like."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape
from http import HTTPStatus
from mimetypes import MimeTypes
from typing import Final

from fiberlb.model.error_pages import PROBLEM_JSON, Page
from fiberlb.model.response import BodyFile
from fiberlb.treatment.draft import Asked, Draft, OwnPage
from fiberlb.wire.field_lines import finder
from fiberlb.wire.quality import LONGEST, qualities

#: Makes a page of a status and a reason, or has none for this client.
_Maker = Callable[[Asked, int, str], OwnPage | None]
#: The types that Python knows itself: those of the machine would differ from node to node.
_types: Final = MimeTypes()
_variable: Final = re.compile(rb"\{(request_id|reason|status)\}").split
_accepted: Final = finder("Accept")


def show_pages(value: tuple[tuple[str, Page], ...], draft: Draft) -> None:
    """Errors of ours are shown with these pages."""
    if not value:
        return
    makers = {key: _problem if page == PROBLEM_JSON else _file(page) for key, page in value}
    draft.page = lambda asked, status, reason: _shown(makers, asked, status, reason)


def _shown(makers: Mapping[str, _Maker], asked: Asked, status: int, reason: str) -> OwnPage | None:
    """The status's own page, else that of its class, as far as the client wants it."""
    for key in (str(status), f"{status // 100}xx"):
        maker = makers.get(key)
        page = None if maker is None else maker(asked, status, reason)
        if page is not None:
            return page
    return None


def _problem(asked: Asked, status: int, reason: str) -> OwnPage | None:
    """A problem document (RFC 9457), unless the client would rather have a text."""
    accepted = _accepted(asked.block())
    if not prefers_json(accepted if len(accepted) <= LONGEST else b""):
        return None
    document = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "code": reason,
        "request_id": asked.request_id,
    }
    return b"application/problem+json", json.dumps(document).encode() + b"\n"


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


@lru_cache(maxsize=256)
def prefers_json(accepted: bytes) -> bool:
    """
    Whether a client takes JSON at least as gladly as a text (RFC 9110 section 12.5.1).

    @param accepted: its C{Accept}; one that says nothing takes anything.
    """
    weights = qualities(accepted or b"*/*")
    document = _weight(weights, b"application/problem+json", b"application/json")
    return 0 < document >= _weight(weights, b"text/html", b"text/plain")


def _weight(weights: Mapping[bytes, int], *kinds: bytes) -> int:
    """The largest weight of some media types; of the ranges that one is in the narrowest counts."""
    found = 0
    for kind in kinds:
        ranges = (kind, kind.partition(b"/")[0] + b"/*", b"*/*")
        found = max(found, next((weights[one] for one in ranges if one in weights), 0))
    return found


def _file(page: Page) -> _Maker:
    """The content of a file, with what its placeholders stand for where it is a text."""
    assert isinstance(page, BodyFile)
    kind = media_type(page)
    pieces = _variable(page.content) if kind.startswith("text/") else [page.content]

    def made(asked: Asked, status: int, reason: str) -> OwnPage | None:
        values = {b"request_id": asked.request_id, b"reason": reason, b"status": str(status)}
        texts = [escape(values[p]).encode() if n % 2 else p for n, p in enumerate(pieces)]
        return kind.encode(), b"".join(texts)

    return made


def media_type(page: BodyFile) -> str:
    """The media type of a file, by the end of its name and for texts with their encoding."""
    kind, packed = _types.guess_type(page.name)
    if kind is None or packed is not None:
        return "application/octet-stream"
    if not kind.startswith("text/"):
        return kind
    try:
        page.content.decode()
    except UnicodeDecodeError:
        return kind
    return f"{kind}; charset=utf-8"
