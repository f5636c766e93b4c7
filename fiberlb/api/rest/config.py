"""GET /v1/config: what the API wrote, as one document."""

from __future__ import annotations

from twisted.web.iweb import IRequest

from fiberlb.api.rest.conditions import not_modified, quoted
from fiberlb.api.rest.documents import stored
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.reply import NOT_MODIFIED, Reply, encoded
from fiberlb.control.service import ControlService


async def whole(control: ControlService, request: IRequest) -> Reply:
    """The store layer, whole."""
    query_of(request, ())
    tag = str(control.revision)
    headers = {"ETag": quoted(tag)}
    if not_modified(request, tag):
        return Reply(NOT_MODIFIED, headers=headers)
    body = await control.beside(lambda: encoded(stored(control)))
    return Reply(document=body, headers=headers, body=body)
