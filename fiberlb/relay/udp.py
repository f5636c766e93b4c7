"""
UDP listeners: datagrams read from a socket, each to the member of its flow.

A flow is told by the client's address and port and, where a socket is bound to
all addresses, by the one that the client sends to: answers leave from there.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from fiberlb.model.addresses import at
from fiberlb.relay.datagram_sockets import (
    ANCILLARY,
    ANYWHERE,
    Source,
    deafen,
    local_of,
    shown,
    source_of,
)
from fiberlb.relay.flow import Flow
from fiberlb.relay.flow_room import FlowRoom
from fiberlb.relay.loop import READ, Loop
from fiberlb.relay.networks import plain_address
from fiberlb.relay.runtime import Cell
from fiberlb.wire import proxy_protocol

#: Datagrams read in one go; more of them when a socket is read for the last time.
TURN: Final = 64
LAST_TURN: Final = 16384
#: Flows looked at for one to end where there is no room for another, and the seconds of
#: silence after which one is ended for that.
LOOKED_AT: Final = 16
SILENT: Final = 1.0
#: Addresses of ours that are kept in the form that answers need.
_SOURCES: Final = 1024


class DatagramPort:
    """
    One socket of a UDP listener.

    @ivar cell: the listener that it belongs to; may be replaced.
    @ivar flows: by client; the one that was looked at last for being ended at the end.
    @ivar late: sockets to members that flows have left.
    @ivar closed: nothing is read any more; answers are still sent.
    """

    #: Other processes hold the same socket.
    shared = True

    def __init__(self, loop: Loop, sock: Any, cell: Cell, room: FlowRoom) -> None:
        self.loop: Any = loop
        self.sock = sock
        self.fd: int = sock.fileno()
        self.events = 0
        self.cell = cell
        #: As acceptors have it: there is no TLS here.
        self.slot: Any = None
        self.room = room
        self.flows: OrderedDict[Any, Flow] = OrderedDict()
        self.late = 0
        self.closed = False
        self._retired = False
        name = sock.getsockname()
        self.host: str = plain_address(name[0])
        self.port: int = name[1]
        self._anywhere = name[0] in ANYWHERE
        self._sources: dict[bytes, Source] = {}
        self._turn = 1
        self._quiet: dict[str, float] = {}

    def start(self) -> None:
        """Begin to read."""
        if not self.closed and not self.events:
            self.loop.watch(self, READ)

    def readable(self) -> None:
        """Datagrams are there; twice as many are read as last time, if there were that many."""
        if self._anywhere:
            more = self._read_anywhere(self._turn)
        else:
            more = self._read(self._turn)
        self._turn = min(self._turn * 2, TURN) if more else 1

    def event(self, events: int) -> None:
        """An error, which reading clears; or it was read a moment ago, and is no more."""
        if self.events:
            self.readable()

    def broken(self) -> None:
        """An exception of ours: the listener goes on, the datagram it concerned is gone."""

    def close_descriptor(self) -> None:
        """After the batch."""
        self.sock.close()

    def _read(self, most: int) -> bool:
        """Read so many; false when no more are there."""
        read, flows, room = self.sock.recvfrom_into, self.flows, self.room
        buffer, view, figures = room.buffer, room.view, self.cell.datagrams
        for _ in range(most):
            try:
                count, address = read(buffer)
            except OSError:
                return False
            figures.received += 1
            flow = flows.get(address)
            if flow is not None:
                flow.forward(view[:count])
            else:
                self._begin(address, address, b"", view[:count])
        return True

    def _read_anywhere(self, most: int) -> bool:
        """The same where answers have to leave from the address that was sent to."""
        read, flows, room = self.sock.recvmsg_into, self.flows, self.room
        buffers, view, figures = [room.buffer], room.view, self.cell.datagrams
        for _ in range(most):
            try:
                count, ancillary, _, address = read(buffers, ANCILLARY)
            except OSError:
                return False
            figures.received += 1
            local = local_of(ancillary)
            key = (address, local)
            flow = flows.get(key)
            if flow is not None:
                flow.forward(view[:count])
            else:
                self._begin(key, address, local, view[:count])
        return True

    # Flows.

    def _begin(self, key: Any, address: Any, local: bytes, piece: Any) -> None:
        """A client that has no flow, and what it has sent."""
        cell = self.cell
        plan = cell.plan
        client, port = plain_address(address[0]), address[1]
        if plan.allowed is not None and not plan.allowed(client):
            self.refuse("denied", "denied_address", client, port)
            return
        pool = plan.only.pool if plan.only is not None else None
        if pool is None:
            self.refuse("no_member", "no_route", client, port)
            return
        bound = cell.bound
        if bound is not None and not bound.take():
            self.refuse("limit", "overloaded", client, port)
            return
        flow = Flow(self, key, address, local, client)
        why = "overloaded" if self.room.full and not self._make_room() else flow.choose(pool)
        if why == "overloaded" and self._make_room():
            # Descriptors have run out before the room has.
            why = flow.choose(pool)
        if why is None:
            self.add(flow)
            cell.accepted += 1
            cell.requests += 1
            flow.forward(piece)
        else:
            drop = {"overloaded": "limit", "connect_refused": "unreachable"}.get(why, "no_member")
            self.refuse(drop, why, client, port)
            if bound is not None:
                bound.told()

    def add(self, flow: Flow) -> None:
        """A flow that has a member."""
        self.flows[flow.key] = flow
        cell = self.cell
        cell.connections += 1
        if cell.bound is not None:
            cell.bound.told()
        self.loop.wheel.set(flow, flow.used + cell.plan.timeouts.udp_idle)

    def _make_room(self) -> bool:
        """End a flow that has been silent, the first one found; whether there was one."""
        flows, now = self.flows, self.loop.now
        for _ in range(min(LOOKED_AT, len(flows))):
            key = next(iter(flows))
            flow = flows[key]
            if flow.used + SILENT <= now:
                flow.finish("overloaded")
                return True
            flows.move_to_end(key)
        return False

    def refuse(self, drop: str, reason: str, client: str, port: int) -> None:
        """A datagram goes nowhere: count it, and once a second say so in the log."""
        cell = self.cell
        cell.datagrams.drops[drop] += 1
        reasons = cell.services.reasons
        reasons[reason] = reasons.get(reason, 0) + 1
        now = self.loop.now
        if now >= self._quiet.get(reason, 0.0):
            self._quiet[reason] = now + 1
            cell.log.own(self._row(client, port, reason=reason, started=now))

    # Answers.

    def source(self, local: bytes) -> Source:
        """What has answers leave from this address of ours."""
        found = self._sources.get(local)
        if found is None:
            if len(self._sources) >= _SOURCES:
                self._sources.clear()
            found = self._sources[local] = source_of(local)
        return found

    def send(self, piece: Any, flow: Flow) -> None:
        """
        A datagram to the client of a flow.

        @raise OSError: the system does not take it.
        """
        if flow.source:
            self.sock.sendmsg([piece], flow.source, 0, flow.address)
        else:
            self.sock.sendto(piece, flow.address)

    def introduction(self, flow: Flow) -> bytes:
        """What the first datagram to a member begins with: the PROXY header, version 2."""
        host = plain_address(shown(flow.local)) or self.host
        ends = (flow.client, flow.peer_port), (host, self.port)
        return proxy_protocol.binary(ends, datagrams=True)

    # The end.

    def stop(self) -> None:
        """Take what has come, then read no more; answers that are on their way are waited for."""
        if self.closed:
            return
        self.room.parted.add((True, self.port))
        read = self._read_anywhere if self._anywhere else self._read
        read(LAST_TURN)
        deafen(self.sock)
        # What has come meanwhile.
        read(LAST_TURN)
        self.leave()

    def leave(self) -> None:
        """Read no more; what comes is for another process."""
        if self.closed:
            return
        self.pause()
        for flow in list(self.flows.values()):
            flow.dismiss()
        self.rest()

    def pause(self) -> None:
        """Read no more; the flows stay."""
        self.closed = True
        if self.events:
            self.loop.rewatch(self, 0)

    def rest(self) -> None:
        """Give the socket back when nothing is read from it and nobody needs it for answers."""
        if self.closed and not self._retired and not self.flows and not self.late:
            self._retired = True
            self.loop.retire(self)

    # The log.

    def note(self, flow: Flow, member: str, reason: str | None) -> None:
        """A flow has ended: count it, and write it down if anybody asked for it."""
        cell = flow.cell
        cell.answers[0] += 1
        if reason is not None:
            reasons = cell.services.reasons
            reasons[reason] = reasons.get(reason, 0) + 1
        log = cell.log
        if not log.on and reason is None:
            return
        response, total = flow.times()
        row = self._row(
            flow.client,
            flow.peer_port,
            reason=reason,
            started=flow.started,
            octets=(flow.sent_octets, flow.received_octets),
            chosen=("" if flow.pool is None else flow.pool.name, member),
            tries=flow.tries,
            times=(response, total),
        )
        if log.on:
            log.entries.append(row)
        else:
            log.own(row)

    def _row(
        self,
        client: str,
        port: int,
        *,
        reason: str | None,
        started: float,
        octets: tuple[int, int] = (0, 0),
        chosen: tuple[str, str] = ("", ""),
        tries: int = 0,
        times: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[Any, ...]:
        """One line of the access log; its fields are named in L{fiberlb.observe.entry}."""
        cell = self.cell
        wall, name = cell.services.wall(started), cell.plan.name
        detail = f"UDP, at {at(self.host, self.port)}"
        return (
            wall, name, client, port, b"", b"", 1, b"", 0, *octets, *chosen, "", reason, "", tries,
            0.0, 0.0, *times, False, None, detail, 0.0, b"",
        )  # fmt: skip
