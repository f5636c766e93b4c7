"""A snapshot between the two steps of a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fiberlb.errors import AddressInUse
from fiberlb.snapshot import Snapshot
from fiberlb.tls.contexts import TlsSlot

if TYPE_CHECKING:
    from fiberlb.relay.plane import DataPlane

_Key = tuple[str, int]


class Prepared:
    """
    A snapshot that is ready to be served; one of the two methods is called, once.

    @ivar sockets: new ones, by address and port.
    @ivar failed: addresses that could not be had and are tolerated.
    @ivar tables: TLS slots and their new tables, by listener.
    @ivar member_tls: TLS to the members, by pool.
    """

    def __init__(self, plane: DataPlane, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.sockets: dict[_Key, Any] = {}
        self.failed: dict[_Key, AddressInUse] = {}
        self.tables: dict[str, tuple[TlsSlot, Any]] = {}
        self.member_tls: Mapping[str, Any] = {}
        self._plane = plane

    async def activate(self) -> None:
        """Put it in force."""
        self._plane.activate(self)

    async def discard(self) -> None:
        """Give back what was taken."""
        self.close()

    def close(self) -> None:
        """Close the sockets that are not in use."""
        for key, sock in self.sockets.items():
            sock.close()
            self._plane.unused(key)
        self.sockets.clear()
