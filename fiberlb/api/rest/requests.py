"""GET /v1/requests/ID: why FiberLB answered a request itself."""

from __future__ import annotations

import re

from twisted.web.iweb import IRequest

from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import Reply
from fiberlb.control.commits import time_text
from fiberlb.control.service import ControlService

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
    return Reply(document={**found, "at": time_text(found["at"])})
