"""Tests of L{fiberlb.workers.slots}: on loopback, where binding is all there is to it."""

from __future__ import annotations

import os
import socket

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.relay.accept import bind
from fiberlb.relay.binding import Binding
from fiberlb.relay.held import Held
from fiberlb.snapshot import Snapshot
from fiberlb.workers.slots import LANES, LEAST_LANES, Slots, sockets
from tests.support.datagrams import free_udp_port
from tests.support.ports import free_port
from tests.workers.test_bases import snapshot


def listening(**ports: int) -> Snapshot:
    """Listeners by id, each at one port of loopback."""
    made = snapshot(**dict.fromkeys(ports))
    plans = {
        ident: attrs.evolve(plan, addresses=(("127.0.0.1", ports[ident]),))
        for ident, plan in made.listeners.items()
    }
    return attrs.evolve(made, listeners=plans)


def wanted(made: Snapshot) -> dict[tuple[str, int], str]:
    """The listener of each address."""
    return {address: i for i, plan in made.listeners.items() for address in plan.addresses}


def refused(listener_id: str, host: str, port: int, freebind: bool, probe: bool) -> socket.socket:
    """What a process gets whose rights are gone."""
    raise AddressInUse(listener_id, host, port, "no right", "needs_privilege")


class SlotsTests(SynchronousTestCase):
    """Sockets for each worker."""

    def setUp(self) -> None:
        """Nothing listens."""
        self.slots = Slots(bind)
        self.addCleanup(self.slots.close_all)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)

    def serve(self, made: Snapshot, count: int = 2, tolerated: str = "") -> None:
        """Prepare and use."""
        bound = self.slots.prepare(made, count, tolerated)
        self.slots.use(bound, wanted(made))
        self.slots.drop(wanted(made))

    def held(self) -> list[int]:
        """The slots of the address."""
        return sorted(slot for address, slot, _ in self.slots if address == self.address)

    def taken(self) -> bool:
        """Whether somebody accepts there."""
        with socket.socket() as sock:
            return sock.connect_ex(self.address) == 0

    def test_use(self) -> None:
        """One socket for each slot; they stay over changes, and go with the address."""
        made = listening(a=self.port)
        self.serve(made)
        self.assertEqual(self.held(), [0, 1])
        before = {id(sock) for _, _, sock in self.slots}
        self.serve(listening(b=self.port))
        self.assertEqual({id(sock) for _, _, sock in self.slots}, before)
        self.assertEqual(self.slots.port(self.address), self.port)
        self.serve(listening())
        self.assertFalse(self.taken())

    def test_discarded(self) -> None:
        """What was prepared and is not used is closed."""
        bound = self.slots.prepare(listening(a=self.port), 2, "")
        self.assertTrue(self.taken())
        bound.close()
        self.assertFalse(self.taken())

    def test_refused(self) -> None:
        """A port of somebody else: nothing stays bound, or the listener waits."""
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        busy = other.getsockname()[1]
        made = listening(a=self.port, b=busy)
        self.assertRaises(AddressInUse, self.slots.prepare, made, 2, "")
        self.assertFalse(self.taken())
        self.serve(made, tolerated="b")
        self.assertEqual(list(self.slots.failed), [("127.0.0.1", busy)])
        self.assertEqual(self.slots.retry(made, 2), [])
        other.close()
        self.assertEqual(self.slots.retry(made, 2), [("127.0.0.1", busy)])
        self.assertEqual(self.slots.failed, {})

    def test_not_retried(self) -> None:
        """An address that failed and is not wanted any more is forgotten."""
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        self.serve(listening(b=other.getsockname()[1]), tolerated="b")
        self.assertEqual(self.slots.retry(listening(), 2), [])
        self.assertEqual(self.slots.failed, {})

    def test_wider_and_narrower(self) -> None:
        """More slots, then fewer: the last ones get nothing new and are closed."""
        made = listening(a=self.port)
        self.serve(made)
        self.slots.widen(4, made)
        self.assertEqual(self.held(), [0, 1, 2, 3])
        idle = self.slots.narrow(1)
        self.assertEqual(sorted(slot for _, slot in idle), [1, 2, 3])
        clients = [socket.create_connection(self.address) for _ in range(10)]
        (first,) = [sock for _, slot, sock in self.slots if slot == 0]
        for _ in clients:
            first.accept()[0].close()
        self.assertRaises(BlockingIOError, first.accept)
        self.slots.close(idle)
        self.assertEqual(self.held(), [0])
        self.slots.widen(2, made)
        self.assertEqual(self.held(), [0, 1])
        for client in clients:
            client.close()

    def test_datagrams(self) -> None:
        """Those of datagrams stay as many as they are, whatever the number of workers."""
        self.slots = Slots(Binding().bind)
        self.addCleanup(self.slots.close_all)
        made = listening(a=free_udp_port())
        ((host, port),) = made.listeners["a"].addresses
        plan = attrs.evolve(made.listeners["a"], addresses=((f"udp:{host}", port),))
        made = attrs.evolve(made, listeners={"a": plan})
        self.serve(made)
        self.assertEqual(len(list(self.slots)), LEAST_LANES)
        self.assertEqual(self.slots.port((f"udp:{host}", port)), port)
        self.slots.widen(3, made)
        self.assertEqual(self.slots.narrow(1), [])
        self.assertEqual(len(list(self.slots)), LEAST_LANES)
        self.assertEqual(sockets(("udp:::", 1), 8), 8 * LANES)
        self.assertEqual(sockets(("::", 1), 8), 8)
        # A worker may still answer from there when the address comes back.
        copy = next(iter(self.slots))[2].dup()
        self.addCleanup(copy.close)
        self.serve(listening())
        self.serve(made)

    def test_taken_over(self) -> None:
        """Sockets that were handed back: a second copy is closed; their order is not known."""
        first, second = (
            bind("a", *self.address, False, True),
            bind("a", *self.address, False, False),
        )
        self.slots.take(self.address, 1, first)
        self.slots.take(self.address, 0, second)
        copy = second.dup()
        self.slots.take(self.address, 0, copy)
        self.assertEqual(copy.fileno(), -1)
        self.serve(listening(a=self.port))
        self.assertEqual(self.held(), [0, 1])
        self.assertEqual(self.slots.narrow(1), [])

    def test_rights_gone(self) -> None:
        """Ports that cannot be bound again: what is held first, then queues are shared."""
        held = Held(refused)
        held.hold("a", self.address, False, 3, (os.getuid(), os.getgid()))
        self.slots = Slots(held.bind, held=held)
        self.addCleanup(self.slots.close_all)
        made = listening(a=self.port)
        self.serve(made)
        for _ in range(2):
            self.slots.widen(5, made)
            self.assertEqual(self.held(), [0, 1, 2, 3, 4])
            queues = {os.fstat(sock.fileno()).st_ino for _, _, sock in self.slots}
            self.assertEqual(len(queues), 3)
            idle = self.slots.narrow(1)
            self.assertEqual(sorted(slot for _, slot in idle), [1, 2])
            self.slots.close(idle)
            self.assertEqual(self.held(), [0])
        self.assertTrue(self.taken())
        self.serve(listening())
        self.assertFalse(self.taken())
        with socket.socket() as other:
            other.bind(self.address)
