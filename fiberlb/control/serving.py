"""What the data plane tells of itself, for whoever asks the control service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiberlb.control.plane import ListenerState, Load, Plane, Processes
from fiberlb.observe.kept import Sought


class Serving:
    """
    Asks a data plane; the part of the control service that changes nothing it knows itself.

    @param plane: what serves.
    """

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def listeners(self) -> Sequence[ListenerState]:
        """What listens where."""
        return self._plane.listeners()

    def pool_figures(self, pool_id: str) -> Mapping[str, int]:
        """C{queued} of one pool."""
        return self._plane.pool_figures(pool_id)

    def listener_figures(self, listener_id: str) -> Mapping[str, int]:
        """What a listener has counted: C{connections}, C{accepted}, C{requests} and others."""
        return self._plane.listener_figures(listener_id)

    def reasons(self) -> Mapping[str, int]:
        """How often each reason code was given."""
        return self._plane.reasons()

    def processes(self) -> Processes:
        """The processes beside this one."""
        return self._plane.processes()

    @property
    def load(self) -> Load:
        """How the processes with traffic keep up."""
        return self._plane.load()

    @property
    def workers(self) -> tuple[int, int]:
        """How many workers there should be, and how many serve what is in force."""
        return self._plane.workers()

    async def recall(self, ident: str) -> dict[str, Any] | None:
        """What is known of an answer of FiberLB's own, by the id that it bears."""
        return await self._plane.recall(ident)

    async def recent(
        self,
        most: int,
        *,
        listener: str = "",
        client: str = "",
        status: str = "",
        reason: str = "",
        since: float = 0.0,
    ) -> list[dict[str, Any]]:
        """The last answers of FiberLB's own, the last one first: L{fiberlb.observe.kept.Sought}."""
        sought = Sought(listener, client, status, reason, since)
        return await self._plane.recent(sought, most)

    async def restart_workers(self) -> None:
        """Replace every worker, one after the other; returns when the new ones serve."""
        await self._plane.restart()
