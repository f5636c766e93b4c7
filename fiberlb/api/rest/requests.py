"""C{/v1/requests}: the answers that FiberLB has made itself, and why it made one."""

from __future__ import annotations

import re
from typing import Any

from twisted.web.iweb import IRequest

from fiberlb.api.rest.lists import limit_of, moment_of, query_of, single
from fiberlb.api.rest.problem import Refused, invalid
from fiberlb.api.rest.reply import Reply
from fiberlb.control.commits import time_text
from fiberlb.control.service import ControlService
from fiberlb.errors import REASONS
from fiberlb.model.listener import Listener

#: What a query may ask for.
PARAMETERS = ("listener", "client", "status", "reason", "since", "limit")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")
_ID = re.compile(r"[\x21-\x7e]{1,200}")


async def recall(control: ControlService, request: IRequest, ident: str) -> Reply:
    """
    What is known of one answer.

    @raise Refused: 404, nothing is, or not any more.
    """
    query_of(request, ())
    found = await control.recall(ident) if _ID.fullmatch(ident) else None
    if found is None:
        detail = (
            "no answer that FiberLB made itself bears this id here, or it is too long ago;"
            " answers of members are in the access log only"
        )
        raise Refused(404, "not_found", detail)
    return Reply(document=_told(found))


async def recent(control: ControlService, request: IRequest) -> Reply:
    """GET /v1/requests: the last ones that are kept, the last one first."""
    query = query_of(request, PARAMETERS)
    since = single(query, "since")
    found = await control.recent(
        limit_of(query),
        listener=_listener(control, single(query, "listener") or ""),
        client=(single(query, "client") or "").strip("[]"),
        status=_status(single(query, "status") or ""),
        reason=_reason(single(query, "reason") or ""),
        since=0.0 if since is None else moment_of("since", since),
    )
    return Reply(document={"items": list(map(_told, found))})


def _told(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "at": time_text(found["at"])}


def _listener(control: ControlService, word: str) -> str:
    """A name for a name or an id; of a listener that is gone, too."""
    made = control.configuration.all(Listener).get(word.lower())
    return word if made is None else made.name


def _status(word: str) -> str:
    if word and not _STATUS.fullmatch(word):
        raise invalid("status must be a number such as 503, or a class such as 5xx")
    return word


def _reason(word: str) -> str:
    if word and word not in REASONS:
        raise invalid(f"{word!r} is no reason code")
    return word
