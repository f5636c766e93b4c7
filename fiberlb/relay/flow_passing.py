"""
Flows on their way from one worker to another, with their sockets.

They go over a SOCK_SEQPACKET pair: each packet is a JSON list of flows, and
carries a descriptor for each. The end of it is the end of the flows. Both
ends may be of different versions, at an upgrade: a flow may get further fields
at its end only.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.logger import Logger

from fiberlb.relay.datagram_sockets import connected, given
from fiberlb.relay.flow import Flow
from fiberlb.relay.leg import Leg
from fiberlb.relay.loop import READ, WRITE, Loop
from fiberlb.relay.networks import plain_address

#: Flows in one packet: the system takes at most 253 descriptors at once (unix(7)).
BATCH: Final = 64
#: Octets of a packet at the most.
LONGEST: Final = 65536
#: Seconds that the worker before may take.
PATIENCE: Final = 3.0
_log = Logger()

#: A flow as it is told: client's address, our address, pool, member, seconds since its last
#: datagram and since its first, whether an answer is due, octets sent and received.
Told = list[Any]


def told(flow: Flow, now: float) -> Told:
    """What another process needs to go on with a flow."""
    return [
        list(flow.address),
        flow.local.hex(),
        "" if flow.pool is None else flow.pool.id,
        "" if flow.member is None else flow.member.id,
        round(now - flow.used, 3),
        round(now - flow.started, 3),
        flow.waiting,
        flow.sent_octets,
        flow.received_octets,
        bool(flow.preface),
    ]


def packets(port: Any) -> list[tuple[bytes, list[Any]]]:
    """
    All flows of a port, to be sent; it has them no more, and reads no more.

    @param port: L{fiberlb.relay.udp.DatagramPort}.
    """
    port.pause()
    flows = [flow for flow in port.flows.values() if flow.leg is not None]
    made = []
    for start in range(0, len(flows), BATCH):
        several = flows[start : start + BATCH]
        data = json.dumps([told(flow, port.loop.now) for flow in several]).encode()
        socks = []
        for flow in several:
            leg: Leg = flow.leg
            flow.forget()
            socks.append(leg.pass_on())
        made.append((data, socks))
    port.rest()
    return made


class Giving:
    """
    Sends packets, the last one first; closes its sockets when they are on their way.

    A process that ends waits for it, as for a connection.
    """

    shared = False

    def __init__(
        self, loop: Loop, channel: socket.socket, several: list[tuple[bytes, list[Any]]]
    ) -> None:
        """@param channel: does not block; closed at the end."""
        self.fd = channel.fileno()
        self.events = 0
        self.due = 0.0
        self.closed = False
        self._loop = loop
        self._channel = channel
        self._left = several

    def start(self) -> None:
        """Begin to send."""
        self._loop.watch(self, WRITE)
        self._loop.wheel.set(self, self._loop.now + PATIENCE)

    @property
    def side(self) -> Giving:
        """What is asked to leave when the process ends."""
        return self

    def leave_if_idle(self) -> None:
        """It is at work."""

    def readable(self) -> None:
        """Nothing is said by the other side."""

    def event(self, events: int) -> None:
        """There is room, or nobody is there any more."""
        while self._left:
            data, socks = self._left[-1]
            try:
                self._send(data, [sock.fileno() for sock in socks])
            except BlockingIOError:
                return
            except OSError as why:
                _log.warn("Flows are not passed on: {why}", why=os.strerror(why.errno or 0))
                break
            self._left.pop()
            _close(socks)
        self.broken()

    def _send(self, data: bytes, descriptors: Sequence[int]) -> None:
        try:
            socket.send_fds(self._channel, [data], descriptors)
        except OSError as why:
            if why.errno != errno.ETOOMANYREFS:
                raise
            # The flows go on to the same members over other sockets.
            self._channel.send(data)

    def broken(self) -> None:
        """The end, whatever came."""
        if not self.closed:
            self.closed = True
            self._loop.wheel.remove(self)
            for _, socks in self._left:
                _close(socks)
            self._left.clear()
            self._loop.retire(self)

    def visit(self, now: float) -> float:
        """The time is over: nobody waits for the rest."""
        self.broken()
        return 0.0

    def abort(self) -> None:
        """The process ends."""
        self.broken()

    def close_descriptor(self) -> None:
        """After the batch."""
        self._channel.close()


class Taking:
    """
    Takes flows until there are no more, or the time is over; then the port is read.

    @param find: id -> the state of a member with that of its pool, C{None} if it is gone.
    """

    shared = False
    side = None

    def __init__(
        self, loop: Loop, channel: socket.socket, port: Any, find: Callable[[str], Any]
    ) -> None:
        """@param channel: does not block; closed at the end."""
        self.fd = channel.fileno()
        self.events = 0
        self.due = 0.0
        self.closed = False
        self._loop = loop
        self._channel = channel
        self._port = port
        self._find = find

    def start(self) -> None:
        """Begin to take."""
        self._loop.watch(self, READ)
        self._loop.wheel.set(self, self._loop.now + PATIENCE)

    def readable(self) -> None:
        """Flows, or the end of them."""
        flags = socket.MSG_CMSG_CLOEXEC
        while not self.closed:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST, BATCH, flags)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:
                self.abort()
                return
            self._take(json.loads(data), descriptors)

    def event(self, events: int) -> None:
        """The other side is gone; what it has said is still there."""
        self.readable()

    def _take(self, several: list[Told], descriptors: list[int]) -> None:
        for number, one in enumerate(several):
            descriptor = descriptors[number] if number < len(descriptors) else -1
            flow = taken(self._port, one, self._find, descriptor)
            if flow is None and descriptor >= 0:
                os.close(descriptor)

    def visit(self, now: float) -> float:
        """The time is over."""
        _log.warn("The worker before does not pass all of its flows on in time")
        self.abort()
        return 0.0

    def broken(self) -> None:
        """An exception of ours: what was taken stays."""
        self.abort()

    def abort(self) -> None:
        """The end, whatever came."""
        if not self.closed:
            self.closed = True
            self._loop.wheel.remove(self)
            self._loop.retire(self)
            self._port.start()

    def close_descriptor(self) -> None:
        """After the batch."""
        self._channel.close()


def taken(port: Any, one: Told, find: Callable[[str], Any], descriptor: int) -> Flow | None:
    """
    A flow of another process, going on at this port; C{None} where it cannot.

    @param find: see L{Taking}.
    @param descriptor: of its socket, which is the flow's if there is one; -1: it gets another.
    """
    host, local, _, member_id, used, started, waiting, sent, received, unsaid, *_ = one
    address, ours = tuple(host), bytes.fromhex(local)
    found = find(member_id)
    if found is None or port.closed:
        return None
    member, pool = found
    key = (address, ours) if ours else address
    if key in port.flows:
        return None
    flow = Flow(port, key, address, ours, plain_address(address[0]))
    if descriptor >= 0:
        flow.join(pool, member, given(member.family, descriptor), shared=True)
        if not unsaid:
            flow.preface = b""
    else:
        try:
            flow.join(pool, member, connected(member))
        except OSError:
            return None
    now = port.loop.now
    flow.used, flow.started, flow.waiting = now - used, now - started, waiting
    flow.sent_octets, flow.received_octets = sent, received
    port.add(flow)
    return flow


def _close(socks: Sequence[Any]) -> None:
    for sock in socks:
        sock.close()
