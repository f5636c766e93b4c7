"""What a data plane tells of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from fiberlb.errors import AddressInUse


@attrs.frozen
class ListenerState:
    """
    What became of one address of a listener.

    @ivar state: C{listening}, C{error} (tried again) or C{closing} (finishes what runs).
    @ivar reason: why, in state C{error}.
    """

    listener_id: str
    host: str
    port: int
    state: str
    reason: str = ""


def listener_states(
    acceptors: Mapping[tuple[str, int], Any],
    failed: Mapping[tuple[str, int], AddressInUse],
    closing: Iterable[Any],
) -> list[ListenerState]:
    """
    What listens where.

    @param acceptors: by where they listen.
    @param failed: those that could not be had.
    @param closing: cells of listeners that are gone.
    """
    return [
        *(ListenerState(a.cell.id, k[0], a.port, "listening") for k, a in acceptors.items()),
        *(ListenerState(w.listener_id, *k, "error", w.message) for k, w in failed.items()),
        *(
            ListenerState(cell.id, host, port, "closing")
            for cell in closing
            if cell.connections
            for host, port in cell.plan.source.addresses
        ),
    ]


@attrs.frozen
class Processes:
    """
    The processes beside this one, and what they have used.

    @ivar pids: C{worker}, C{draining} and C{template} -> those that live.
    @ivar spent: seconds of processor time of all workers, also of those that have ended.
    @ivar lost: lines of the access log that could not be written.
    @ivar deaths: workers that have ended although they should serve.
    """

    pids: Mapping[str, Sequence[int]]
    spent: float
    lost: int
    deaths: int


@attrs.frozen
class Load:
    """
    How processes with traffic keep up.

    @ivar closing: how many end connections because of it.
    @ivar refusing: how many turn something away.
    @ivar periods: how often one of them has begun to.
    @ivar lag: seconds that what is ready waits, in the slowest one.
    """

    closing: int
    refusing: int
    periods: int
    lag: float
