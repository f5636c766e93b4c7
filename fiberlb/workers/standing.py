"""What listens where, when the sockets are handed out to workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fiberlb.relay.states import ListenerState
from fiberlb.snapshot import ListenerPlan, Snapshot
from fiberlb.workers.slots import Slots


def standing(
    snapshot: Snapshot | None, slots: Slots, closing: Mapping[str, ListenerPlan]
) -> Sequence[ListenerState]:
    """
    The states of all listeners.

    @param closing: those that are gone, while somebody is connected.
    """
    wanted = snapshot.wanted() if snapshot else {}
    known = slots.addresses()
    states = [
        ListenerState(ident, address[0], slots.port(address), "listening")
        for address, ident in wanted.items()
        if address in known
    ]
    states += [
        ListenerState(why.listener_id, address[0], address[1], "error", why.message)
        for address, why in slots.failed.items()
    ]
    states += [
        ListenerState(ident, host, port, "closing")
        for ident, plan in closing.items()
        for host, port in plan.addresses
    ]
    return states
