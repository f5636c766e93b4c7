"""Operational states of members: set by anybody who may, whoever owns the member."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.logger import Logger
from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.bodies import read_json
from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.problem import Refused
from fiberlb.api.rest.reply import Reply
from fiberlb.control.commits import time_text
from fiberlb.control.service import ControlService
from fiberlb.errors import ConfigurationError
from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading
from fiberlb.model.operational import NEVER, AddressChange, MemberMode, Operational, StateChange
from fiberlb.model.pool import Member, Pool

_log = Logger()
C = TypeVar("C", bound=StateChange)


def get(control: ControlService, request: IRequest, member: Member) -> Reply:
    """GET .../state of a member."""
    query_of(request, ())
    return Reply(document=document(control, member))


async def put(control: ControlService, request: IRequest, member: Member) -> Reply:
    """PUT .../state of a member: answered when every process goes by it."""
    query_of(request, ())
    change = _change(StateChange, request)
    await _set(control, [member], change, identity_of(request).name)
    return Reply(document=document(control, member))


async def post(control: ControlService, request: IRequest) -> Reply:
    """
    POST /v1/members/state: the same for every member on a machine.

    @raise Refused: 404, nobody is there.
    """
    query_of(request, ())
    change = _change(AddressChange, request)
    every = control.configuration.all(Member).values()
    there = [m for m in every if change.port in (None, m.port)]
    members = [m for m in there if change.address in _addresses(control, m)]
    if not members:
        port = "" if change.port is None else f" and the port {change.port}"
        raise Refused(404, "not_found", f"no member has the address {change.address}{port}")
    await _set(control, members, change, identity_of(request).name)
    return Reply(document={"items": [document(control, member) for member in members]})


def _addresses(control: ControlService, member: Member) -> tuple[str, ...]:
    """The address of a member; of one by name also what that is at now, unless it is several."""
    parts = control.members.parts(member.id) or ()
    at = [part.address for part in parts if part.id == member.id]
    return (member.address, *at)


async def _set(
    control: ControlService, members: list[Member], change: StateChange, author: str
) -> None:
    states = {member.id: wanted(control, member, change) for member in members}
    await control.operating.states.set(states)
    for member in members:
        state = states[member.id]
        _log.info(
            "Member {member} of pool {pool} is set to {state}{weight} by {author}{reason}",
            member=member.name or member.id,
            member_id=member.id,
            pool=control.configuration.all(Pool)[member.pool_id].name or member.pool_id,
            state=state.mode.value,
            author=author,
            weight="" if state.weight is None else f", weight {state.weight}",
            reason=f": {state.reason}" if state.reason else "",
        )


def _change(cls: type[C], request: IRequest) -> C:
    loading = Loading()
    found = structure(cls, read_json(request), (), loading)
    if found is None:
        raise ConfigurationError(loading.problems)
    return found


def wanted(control: ControlService, member: Member, change: StateChange) -> Operational:
    """The state that a change means for one member, now."""
    now = control.wall()
    deadline = change.deadline
    if change.state is MemberMode.READY:
        deadline = NEVER
    elif deadline is None:
        deadline = control.configuration.all(Pool)[member.pool_id].drain.deadline
    return Operational(
        mode=change.state,
        until=now + deadline,
        weight=change.weight,
        reason=change.reason,
        since=now,
    )


def document(control: ControlService, member: Member) -> dict[str, Any]:
    """The state of a member, and what runs on it."""
    figures = control.member_figures(member.id)
    return {
        "id": member.id,
        "name": member.name,
        "pool_id": member.pool_id,
        "address": member.address,
        "port": member.port,
        **operational(control, member.id),
        "sessions": figures.get("sessions", 0),
        "in_flight": figures.get("in_flight", 0),
    }


def operational(control: ControlService, ident: str) -> dict[str, Any]:
    """What has been set of a member, and what became of it."""
    state = control.operating.states.of(ident)
    return {
        "state": state.mode.value,
        "deadline": None if state.until == NEVER else time_text(state.until),
        "weight": state.weight,
        "reason": state.reason,
        "since": time_text(state.since) if state.since else None,
        "drained": control.operating.emptying.drained(ident),
    }
