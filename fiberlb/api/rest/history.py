"""C{/v1/revisions}: who changed what, and why; and going back."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.web.iweb import IRequest

from fiberlb.api.rest import changed
from fiberlb.api.rest.bodies import command_only
from fiberlb.api.rest.conditions import condition
from fiberlb.api.rest.lists import (
    flag,
    limit_of,
    next_address,
    number_of,
    query_of,
    single,
    time_of,
)
from fiberlb.api.rest.problem import Refused, invalid
from fiberlb.api.rest.reply import Reply
from fiberlb.control.differences import names
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
        before=number_of("marker", single(query, "marker")),
        limit=limit_of(query),
    )
    found, more = await control.history.search(wanted)
    following = next_address("/v1/revisions", query, str(found[-1].revision)) if more else None
    items = [document(entry) for entry in found]
    return Reply(document={"items": items, "next": following, "revision": control.revision})


async def revision(control: ControlService, request: IRequest, word: str) -> Reply:
    """GET /v1/revisions/{revision}: with what it changed, field by field."""
    query_of(request, ())
    told = await control.history.told(_revision(word))
    several = told.versions or []
    known = changed.everything(control.configuration)

    def work() -> dict[str, Any]:
        done = document(told.entry)
        if told.versions is not None:
            # The changes of keys are no objects, and stay as they were noted.
            done["changes"] = changed.changes(several, known) or done["changes"]
        return {**done, "kept": told.versions is not None, "names": names(several, known)}

    return Reply(document=await control.beside(work, len(several)))


async def rollback(control: ControlService, request: IRequest, word: str) -> Reply:
    """POST /v1/revisions/{revision}/rollback: a new revision that is like that one."""
    query = query_of(request, ("dry_run", "keys"))
    command_only(request)
    dry, keys = flag(query, "dry_run"), single(query, "keys")
    if keys not in (None, "newest", "then"):
        raise invalid("keys must be newest or then")
    outcome = await control.history.rollback(
        _revision(word),
        changed.origin_of(request),
        condition=condition(request),
        newest_keys=keys != "then",
        dry_run=dry,
        rider=control.confirming.ends(),
    )
    return await changed.reply(control, outcome, dry)


def _revision(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 12):
        raise Refused(404, "no_revision", f"{word!r} is not the number of a revision")
    return int(word)


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


def _since(word: str | None) -> int | str | None:
    """A number, or a time in the form that the history has."""
    if word is None or (word.isascii() and word.isdigit()):
        return number_of("since", word)
    return time_of("since", word)
