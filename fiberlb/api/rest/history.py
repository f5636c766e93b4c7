"""GET /v1/revisions: who changed what, and why."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest.lists import limit_of, next_address, query_of, single, time_of
from fiberlb.api.rest.problem import invalid
from fiberlb.api.rest.reply import Reply
from fiberlb.control.history import Revision, Wanted
from fiberlb.control.service import ControlService

#: What a query may ask for.
PARAMETERS = ("object", "author", "since", "limit", "marker")


async def revisions(control: ControlService, request: IRequest) -> Reply:
    """The history, newest first."""
    query = query_of(request, PARAMETERS)
    wanted = Wanted(
        object=single(query, "object") or "",
        author=single(query, "author") or "",
        since=_since(single(query, "since")),
        before=_number("marker", single(query, "marker")),
        limit=limit_of(query),
    )
    found, more = await control.revisions(wanted)
    following = next_address("/v1/revisions", query, str(found[-1].revision)) if more else None
    items = [document(entry) for entry in found]
    return Reply(document={"items": items, "next": following, "revision": control.revision})


def document(entry: Revision) -> dict[str, Any]:
    """A revision as it is answered."""
    return {
        "revision": entry.revision,
        "at": entry.at,
        "author": entry.origin.author,
        "source": entry.origin.source,
        "reason": entry.origin.reason,
        "changes": [attrs.asdict(change) for change in entry.changes],
    }


def _number(name: str, word: str | None) -> int | None:
    if word is None:
        return None
    if not (word.isascii() and word.isdigit() and len(word) <= 12):
        raise invalid(f"{name} must be the number of a revision")
    return int(word)


def _since(word: str | None) -> int | str | None:
    """A number, or a time in the form that the history has."""
    if word is None or (word.isascii() and word.isdigit()):
        return _number("since", word)
    return time_of("since", word)
