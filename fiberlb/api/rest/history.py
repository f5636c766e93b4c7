"""GET /v1/revisions: who changed what, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest.lists import limit_of, next_address, query_of, single
from fiberlb.api.rest.problem import invalid
from fiberlb.api.rest.reply import Reply
from fiberlb.control.commits import time_text
from fiberlb.control.history import Revision, Wanted
from fiberlb.control.service import ControlService

_PARAMETERS = ("object", "author", "since", "limit", "marker")


async def revisions(control: ControlService, request: IRequest) -> Reply:
    """The history, newest first."""
    query = query_of(request, _PARAMETERS)
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
    try:
        # A plus in a query is a blank unless it was encoded.
        at = datetime.fromisoformat(word.replace(" ", "+"))
    except ValueError:
        raise invalid("since must be a revision's number or a time (RFC 3339)") from None
    return time_text((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
