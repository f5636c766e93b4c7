"""POST .../check of a member: it is asked now, and each phase is told."""

from __future__ import annotations

from typing import Any

from twisted.web.iweb import IRequest

from fiberlb.api.rest.lists import query_of
from fiberlb.api.rest.reply import Reply
from fiberlb.control.plane import ProbeView
from fiberlb.control.service import ControlService
from fiberlb.model.pool import Member


async def post(control: ControlService, request: IRequest, member: Member) -> Reply:
    """Ask a member, at each of its addresses; what it answers does not change its health."""
    query_of(request, ())
    parts = control.members.parts(member.id)
    asked = [member.id] if parts is None else [part.id for part in parts]
    probes = [await control.health.probe(ident) for ident in asked]
    found = [document(probe) for probe in probes if probe is not None]
    seen = control.member_health(member.id)
    body = {
        "id": member.id,
        "name": member.name,
        "pool_id": member.pool_id,
        "health": seen.health,
        "reason": seen.reason,
        "passed": bool(found) and all(one["passed"] for one in found),
        "checks": found,
    }
    return Reply(document=body)


def document(probe: ProbeView) -> dict[str, Any]:
    """What one address did."""
    return {
        "address": probe.address,
        "port": probe.port or None,
        "type": probe.type,
        "passed": probe.passed,
        "phases": [
            {
                "phase": phase.name,
                "passed": phase.passed,
                "reason": phase.reason,
                "milliseconds": round(phase.seconds * 1000, 1),
            }
            for phase in probe.phases
        ],
    }
