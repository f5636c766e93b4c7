"""C{/v1/config}, C{/v1/apply}: the store layer as one document, read, replaced and applied."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest import changed
from fiberlb.api.rest.bodies import YAML, accepts_yaml, command_only, read_whole
from fiberlb.api.rest.conditions import condition, not_modified, quoted
from fiberlb.api.rest.documents import stored
from fiberlb.api.rest.exported import exported
from fiberlb.api.rest.lists import flag, number_of, query_of, single
from fiberlb.api.rest.problem import invalid
from fiberlb.api.rest.reply import NOT_MODIFIED, Reply, encoded
from fiberlb.api.rest.resource import AN_OBJECT, dry_reply, reason_of
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.commits import time_text
from fiberlb.control.confirming import Waiting
from fiberlb.control.operations import Op, Operation, Outcome
from fiberlb.control.service import ControlService
from fiberlb.control.yaml_text import yaml_text
from fiberlb.model.fields import REFUSED, Loading
from fiberlb.model.quantities import Duration
from fiberlb.model.resource import Owner

_log = Logger()

#: Seconds that a confirmation may take at most.
LONGEST = 86400.0


async def whole(control: ControlService, request: IRequest) -> Reply:
    """
    GET /v1/config: now, or as it was at a revision; JSON, or YAML where that is wanted.

    With C{names} it is what a person would write into a file.
    """
    query = query_of(request, ("revision", "names"))
    number = number_of("revision", single(query, "revision"))
    form = exported if flag(query, "names") else stored
    tag = control.state.tags.whole if number is None else str(number)
    headers = {"ETag": quoted(tag), "Vary": "Accept"}
    if not_modified(request, tag):
        return Reply(NOT_MODIFIED, headers=headers)
    configuration, facts = control.configuration, control.certificates
    if number is not None and number != control.revision:
        configuration = await control.history.configuration(number)
        facts = CertificateFacts()  # what is known of today's stays known
    yaml = accepts_yaml(request)

    def work() -> bytes:
        document = form(configuration, facts)
        return yaml_text(document).encode() if yaml else encoded(document)

    body = await control.beside(work)
    media = YAML if yaml else "application/json"
    return Reply(headers=headers, body=body, content_type=media)


async def replace(control: ControlService, request: IRequest) -> Reply:
    """PUT /v1/config: the store layer is what the body says."""
    dry = flag(query_of(request, ("dry_run",)), "dry_run")
    outcome = await _written(control, request, Op.CONFIG, dry, None)
    return await changed.reply(control, outcome, dry, brief=changed.minimal(request))


async def apply(control: ControlService, request: IRequest) -> Reply:
    """POST /v1/apply: what C{fiberlb apply} made is what the body says; the rest stays."""
    query = query_of(request, ("dry_run", "confirm"))
    dry = flag(query, "dry_run")
    seconds = _seconds(single(query, "confirm"))
    outcome = await _written(control, request, Op.APPLY, dry, seconds)
    waiting = None
    if seconds is not None and not dry and outcome.versions:
        waiting = waits(await control.confirming.known())
    more = {"unconfirmed": waiting}
    return await changed.reply(control, outcome, dry, more, changed.minimal(request))


async def _written(
    control: ControlService, request: IRequest, op: Op, dry: bool, seconds: float | None
) -> Outcome:
    read = read_whole(request)
    size = int(request.getHeader("content-length") or 0) // AN_OBJECT
    body = await control.beside(read, size)
    operation = Operation(op=op, body=body, condition=condition(request))
    applies = op is Op.APPLY
    owner = Owner.APPLY if applies else Owner.API
    origin = changed.origin_of(request, "apply" if applies else "rest", owner)
    confirming = control.confirming
    rider = confirming.minds() if seconds is None else confirming.asks(seconds, origin.author)
    return await control.write([operation], origin, dry, rider)


def _seconds(word: str | None) -> float | None:
    """
    How long a change waits for its confirmation.

    @raise fiberlb.api.rest.problem.Refused: 400, no duration, or too long a one.
    """
    if word is None:
        return None
    loading = Loading()
    found = Duration().load(word, ("confirm",), loading)
    if found is REFUSED or found is None or not 1 <= found <= LONGEST:
        raise invalid("confirm must be a duration from 1s to 24h, such as 60s")
    seconds: float = found
    return seconds


async def unconfirmed(control: ControlService, request: IRequest) -> Reply:
    """GET /v1/confirmation: what waits, if anything does."""
    query_of(request, ())
    return Reply(document={"unconfirmed": waits(await control.confirming.known())})


async def confirm(control: ControlService, request: IRequest) -> Reply:
    """POST /v1/confirmation: what waits stays; or, with C{dry_run}, what would."""
    query = query_of(request, ("revision", "dry_run"))
    command_only(request)
    number, reason = number_of("revision", single(query, "revision")), reason_of(request)
    if flag(query, "dry_run"):
        waiting = await control.confirming.wanted(number)
        return dry_reply(control, {"confirmed": waiting.revision})
    done = await control.confirming.confirm(number)
    who, why = identity_of(request).name, f": {reason}" if reason else ""
    _log.info("Revision {n} was confirmed by {who}{why}", n=done.revision, who=who, why=why)
    return Reply(document={"confirmed": done.revision, "revision": control.revision})


def waits(waiting: Waiting | None) -> dict[str, Any] | None:
    """What is told of it."""
    if waiting is None:
        return None
    until = time_text(waiting.until)
    return {"revision": waiting.revision, "until": until, "author": waiting.author}
