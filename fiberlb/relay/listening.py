"""
The listening sockets of one process: which there are, and which listener each belongs to.

They are bound while a change is prepared, and change hands when it is activated: a socket whose
address is still wanted is never closed, whoever's it is afterwards.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import UDP, line, named
from fiberlb.relay.accept import ACCEPTS, SHARED_ACCEPTS, Acceptor
from fiberlb.relay.flow_room import FlowRoom
from fiberlb.relay.missing import Missing
from fiberlb.relay.prepared import Prepared
from fiberlb.relay.runtime import Cell
from fiberlb.relay.services import Services
from fiberlb.relay.udp import DatagramPort
from fiberlb.snapshot import ListenerPlan, Snapshot
from fiberlb.tls.contexts import TlsSlot

_Key = tuple[str, int]


class Listening:
    """
    What takes connections and datagrams, one reader at each address.

    @param reactor: has C{IReactorTime}.
    @param services: of the loop it runs on; they bind.
    """

    #: Other processes accept from the same sockets.
    _shares: ClassVar[bool] = False

    def __init__(self, reactor: Any, services: Services) -> None:
        self._reactor = reactor
        self._services = services
        self._snapshot: Snapshot | None = None
        self._cells: dict[str, Cell] = {}
        self._slots: dict[str, TlsSlot] = {}
        self._acceptors: dict[_Key, Acceptor | DatagramPort] = {}
        self._room = FlowRoom()
        self._missing = Missing(reactor.callLater, self._bind_late)

    def _bind(self, prepared: Prepared, ident: str, plan: ListenerPlan, tolerated: bool) -> None:
        held = self._room.parted.union(line(*k) for k in (*self._acceptors, *prepared.sockets))
        for key in plan.addresses:
            if key in self._acceptors or key in prepared.sockets:
                continue
            try:
                free = line(*key) not in held
                sock = self._services.bind(ident, *key, plan.freebind, probe=free)
            except AddressInUse as why:
                if not tolerated:
                    raise
                prepared.failed[key] = why
            else:
                prepared.sockets[key] = sock
                held.add(line(*key))

    def _swap_sockets(self, snapshot: Snapshot, prepared: Prepared) -> None:
        wanted = snapshot.wanted()
        for key in [key for key in self._acceptors if key not in wanted]:
            self._stop_accepting(key)
        for key, ident in wanted.items():
            cell, slot = self._cells[ident], self._slots.get(ident)
            acceptor = self._acceptors.get(key)
            if acceptor is not None:
                acceptor.cell, acceptor.slot = cell, slot
            elif key in prepared.sockets:
                self._acceptors[key] = self._accept_from(key, prepared.sockets.pop(key), ident)
        self._missing.use({k: prepared.failed[k] for k in wanted if k in prepared.failed})

    def _accept_from(self, key: _Key, sock: Any, ident: str) -> Acceptor | DatagramPort:
        """Begin to accept for a listener."""
        found = self._reader_of(key, sock, ident)
        found.start()
        return found

    def _reader_of(self, key: _Key, sock: Any, ident: str) -> Acceptor | DatagramPort:
        """What accepts connections, or takes datagrams, for a listener."""
        if key[0].startswith(UDP):
            return DatagramPort(self._services.loop, sock, self._cells[ident], self._room)
        return Acceptor(
            self._services.loop,
            sock,
            self._cells[ident],
            self._slots.get(ident),
            self._reactor.callLater,
            exclusive=self._shares,
            most=SHARED_ACCEPTS if self._shares and named(key[0]) else ACCEPTS,
        )

    def _stop_accepting(self, key: _Key) -> None:
        self._acceptors.pop(key).stop()
        self._services.release(key[0])

    def unused(self, key: _Key) -> None:
        """A socket that was prepared for this address is closed again."""
        if key not in self._acceptors:
            self._services.release(key[0])

    def _bind_late(self, key: _Key, ident: str) -> bool:
        """
        Listen at an address at last; false when the listener does not exist any more.

        @raise AddressInUse: it cannot be had yet.
        """
        plan = self._snapshot.listeners.get(ident) if self._snapshot else None
        if plan is not None:
            free = line(*key) not in {line(*k) for k in self._acceptors}
            sock = self._services.bind(ident, *key, plan.freebind, probe=free)
            self._acceptors[key] = self._accept_from(key, sock, ident)
        return plan is not None

    def _stop_listening(self) -> None:
        """Accept from nowhere any more, and try no more to."""
        for key in list(self._acceptors):
            self._stop_accepting(key)
        self._missing.stop()

    def _accepting(self) -> list[Acceptor]:
        """What takes connections."""
        return [a for a in self._acceptors.values() if isinstance(a, Acceptor)]
