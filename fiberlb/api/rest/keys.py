"""The key-encryption keys: which there are, and exchanging them. No key is in any answer."""

from __future__ import annotations

import attrs
from twisted.logger import Logger
from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.bodies import command_only
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.reply import Reply
from fiberlb.api.rest.resource import dry_of, dry_reply, reason_of
from fiberlb.control.operations import Origin
from fiberlb.control.service import ControlService

_log = Logger()


async def listing(control: ControlService, request: IRequest) -> Reply:
    """GET /v1/keys: the key that seals comes first."""
    query_of(request, ())
    items = [attrs.asdict(one) for one in await control.keys.uses()]
    return Reply(document={"items": items})


async def sign_anew(control: ControlService, request: IRequest) -> Reply:
    """
    POST /v1/cookie_keys/rotate: persistence cookies are signed with a new key.

    Answered when every process does it, or, with C{dry_run}, with how many keys would be believed.
    """
    command_only(request)
    dry, reason = dry_of(request), reason_of(request)
    keys = control.operating.cookie_keys
    if dry:
        return dry_reply(control, {"keys": keys.after_rotation})
    await control.operating.states.sign(keys.rotate)
    who, why = identity_of(request).name, f": {reason}" if reason else ""
    _log.info("{who} has persistence cookies signed with a new key{why}", who=who, why=why)
    return Reply(document={"keys": len(keys.keys)})


async def change(control: ControlService, request: IRequest, what: str) -> Reply:
    """POST /v1/keys/rotate, reseal, prune: answered when it is done, or, if so asked, foreseen."""
    command_only(request)
    dry = dry_of(request)
    origin = Origin(identity_of(request).name, "rest", reason_of(request))
    keys = control.keys
    if dry:
        foreseen = attrs.asdict(await keys.foresee(what))
        return dry_reply(control, {**foreseen, "removed": list(foreseen["removed"])})
    work = {"rotate": keys.rotate, "reseal": keys.reseal, "prune": keys.prune}[what]
    done = await work(origin)
    document = attrs.asdict(done)
    document["removed"] = list(done.removed)
    return Reply(document=document)
