"""The data plane of a worker: sockets come from control, figures go into a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from fiberlb.observe.kept import Sought
from fiberlb.relay.accept import Acceptor
from fiberlb.relay.bound import Share
from fiberlb.relay.flow_passing import Giving, Taking, packets
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.plane import DataPlane
from fiberlb.relay.prepared import Prepared
from fiberlb.relay.states import ListenerState
from fiberlb.relay.udp import DatagramPort
from fiberlb.snapshot import ListenerPlan, Snapshot
from fiberlb.workers.counting import (
    copies_name,
    listener_rows,
    load_rows,
    queue_name,
    reason_rows,
)
from fiberlb.workers.pages import Figures, Page

_Address = tuple[str, int]
#: Figures written in one go: about a millisecond.
MOST = 2000


class ServingPlane(DataPlane):
    """
    A data plane that binds nothing.

    @ivar shares: of listeners and members with a limit, from the next activation on.

    A socket that comes before the revision that names its address waits for
    it; one whose address is not wanted any more is emptied and let go.
    """

    rotates = False
    _shares = True

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._ports: dict[tuple[_Address, int], Acceptor | DatagramPort] = {}
        self._waiting: dict[tuple[_Address, int], Any] = {}
        self._flushing: Iterator[tuple[str, Figures]] = iter(())
        self.shares: Mapping[str, Share] = {}

    def _share(self, name: str) -> Share | None:
        return self.shares.get(name)

    def _bind(self, prepared: Prepared, ident: str, plan: ListenerPlan, tolerated: bool) -> None:
        """Nothing: control has bound it."""

    def _swap_sockets(self, snapshot: Snapshot, prepared: Prepared) -> None:
        wanted = snapshot.wanted()
        for key in list(self._ports):
            if key[0] not in wanted:
                self._ports.pop(key).stop()
        for key, acceptor in self._ports.items():
            ident = wanted[key[0]]
            acceptor.cell, acceptor.slot = self._cells[ident], self._slots.get(ident)
        for key, sock in list(self._waiting.items()):
            if key[0] in wanted:
                del self._waiting[key]
                self._ports[key] = self._accept_from(key[0], sock, wanted[key[0]])

    def recent(self, sought: Sought, before: str) -> Iterator[dict[str, Any]]:
        """The last answers of this process, the last one first."""
        return self._services.kept.last(sought, before)

    def recollection(self, ident: str) -> dict[str, Any] | None:
        """What this process knows of an answer of its own."""
        return self._services.kept.find(ident)

    def listen(self, address: _Address, slot: int, sock: Any, flows: Any = None) -> None:
        """
        Accept from a socket too.

        @param sock: listens and does not block.
        @param flows: where the flows of a socket of datagrams come from, before it is read.
        """
        key = (address, slot)
        if key in self._ports or key in self._waiting:
            for one in (sock, flows):
                if one is not None:
                    one.close()
            return
        ident = self._snapshot.wanted().get(address) if self._snapshot else None
        if ident is not None and flows is not None:
            port = self._ports[key] = self._reader_of(address, sock, ident)
            find = self._table.find
            Taking(self._services.loop, flows, port, find).start()
            return
        if flows is not None:
            flows.close()
        if ident is None:
            self._waiting[key] = sock
        else:
            self._ports[key] = self._accept_from(address, sock, ident)

    def pass_on(self, address: _Address, slot: int, channel: Any) -> None:
        """
        Let go of a socket of datagrams; another worker goes on with its flows.

        @param channel: where they are sent.
        """
        port = self._ports.pop((address, slot), None)
        sock = self._waiting.pop((address, slot), None)
        if sock is not None:
            sock.close()
        several = packets(port) if isinstance(port, DatagramPort) else []
        Giving(self._services.loop, channel, several).start()

    def unlisten(self, address: _Address, slot: int, empty: bool) -> None:
        """
        Let go of a socket.

        @param empty: take what waits there: nobody else will.
        """
        acceptor = self._ports.pop((address, slot), None)
        if acceptor is not None:
            (acceptor.stop if empty else acceptor.leave)()
        sock = self._waiting.pop((address, slot), None)
        if sock is not None:
            sock.close()

    def leave(self) -> None:
        """Let go of every socket; others accept from them."""
        for address, slot in [*self._ports, *self._waiting]:
            self.unlisten(address, slot, False)

    def sockets(self) -> list[tuple[_Address, int, Any]]:
        """What is accepted from: address, slot, socket."""
        return [(key[0], key[1], acceptor.sock) for key, acceptor in self._ports.items()]

    def listeners(self) -> Sequence[ListenerState]:
        """What is accepted from, as a plane of one process tells it."""
        return [
            ListenerState(acceptor.cell.id, address[0], acceptor.port, "listening")
            for (address, _), acceptor in self._ports.items()
        ]

    def _accepting(self) -> list[Acceptor]:
        return [a for a in self._ports.values() if isinstance(a, Acceptor)]

    # Figures.

    @property
    def closing(self) -> int:
        """Connections of listeners that are no longer configured."""
        return sum(cell.connections for cell in self._closing)

    def flush(self, page: Page, places: Mapping[str, int], everything: bool = False) -> None:
        """
        Write figures into the page.

        @param everything: all of them; else the next L{MOST}, round and round.
        """
        if everything:
            self._flushing = self._figures()
        found = list(islice(self._flushing, None if everything else MOST))
        if not found:
            self._flushing = self._figures()
            found = list(islice(self._flushing, MOST))
        # What somebody waits for is never late.
        for state in self._table.restrained():
            found.append((state.id, _of_member(state)))
        for ident, figures in found:
            place = places.get(ident)
            if place is not None:
                page.write(place, figures)

    def _figures(self) -> Iterator[tuple[str, Figures]]:
        for ident, (state, _) in list(self._table.members.items()):
            yield ident, _of_member(state)
        for ident, pool in list(self._table.pools.items()):
            if pool.queue is not None:
                yield queue_name(ident), (pool.queue.waiting, 0, 0, 0)
            copies = self._kept.find("mirror", ident)
            if copies is not None:
                yield copies_name(ident), (copies.sent, copies.dropped, copies.failed, 0)
        for ident, cell in list(self._cells.items()):
            yield from listener_rows(ident, cell)
        yield from reason_rows(self._services.reasons)
        yield from load_rows(self.load())


def _of_member(state: MemberState) -> Figures:
    """What a member has counted, for its place."""
    return state.sessions, state.in_flight, state.requests, state.failures
