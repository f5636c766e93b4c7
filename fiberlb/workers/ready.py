"""A snapshot between the two steps of a change, for all workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fiberlb.snapshot import Snapshot
from fiberlb.workers.slots import Bound

if TYPE_CHECKING:
    from fiberlb.workers.plane import WorkersPlane


class Ready:
    """A snapshot that is ready to be served; one of the two methods is called, once."""

    def __init__(
        self,
        plane: WorkersPlane,
        snapshot: Snapshot,
        bound: Bound,
        tables: dict[str, Any],
        member_tls: Mapping[str, Any],
    ) -> None:
        self.snapshot = snapshot
        self.member_tls = member_tls
        self.bound = bound
        self.tables = tables
        self._plane = plane

    async def activate(self) -> None:
        """Put it in force."""
        await self._plane.activate(self)

    async def discard(self) -> None:
        """Give back what was taken."""
        self.bound.close()
