"""Whether a client may connect, before it has said anything."""

from __future__ import annotations

from typing import Any

from fiberlb.relay.runtime import Plan
from fiberlb.treatment.client_key import client_key


def unwelcome(exchange: Any, plan: Plan) -> str:
    """
    The reason code of turning a client away; C{""}: it may stay, and is counted.

    @param exchange: L{fiberlb.relay.exchange.Exchange}, with a C{place} of its own.
    """
    peer: str = exchange.peer
    if plan.allowed is not None and not plan.allowed(peer):
        return "denied_address"
    limit = plan.client_limit
    if limit < 0 or (plan.trusted is not None and plan.trusted(peer)):
        # A proxy has the connections of many clients.
        return ""
    cell = exchange.cell
    services = cell.services
    name = cell.id.encode() + b"\0" + client_key(peer)
    exchange.place = services.crowd.enter(name, limit, services.loop.now)
    return "" if exchange.place is not None else "rate_limited"
