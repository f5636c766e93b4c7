"""A data plane with UDP listeners on sockets of this machine, turn by turn."""

from __future__ import annotations

import socket
from collections.abc import Callable
from random import Random
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool, PoolProtocol
from fiberlb.model.resource import Resource
from fiberlb.observe.entry import Entry
from fiberlb.relay.binding import Binding
from fiberlb.relay.plane import DataPlane
from fiberlb.relay.reactor import LeanReactor
from fiberlb.relay.services import Services
from fiberlb.relay.udp import DatagramPort
from fiberlb.snapshot import Snapshot, compile_now
from tests.support.datagrams import LARGEST, datagram_socket, free_udp_port
from tests.support.relay_world import MemoryLog

#: Turns after which nothing more will come of it; each waits for some milliseconds.
_MOST_TURNS = 5000


class DatagramCase(SynchronousTestCase):
    """
    One listener, one pool, and sockets in the place of its members.

    @ivar members: the sockets, named m0, m1, ...
    """

    def setUp(self) -> None:
        """A loop of our own."""
        self.loop = LeanReactor()
        self.log = MemoryLog()
        self._ahead = 0.0
        self.plane = self.make_plane()
        self.members: list[socket.socket] = []
        self.snapshot: Snapshot | None = None
        self.port = free_udp_port()
        self.addCleanup(self.dispose)

    def make_plane(self) -> Any:
        """The data plane; time moves by L{advance}."""
        binding = Binding()
        services = Services(
            self.loop, lambda when: when, lambda: "id", bind=binding.bind, release=binding.release
        )
        return DataPlane(Clock(), services, self.log, random=Random(1).random)

    def dispose(self) -> None:
        """Give back what it holds."""
        self.assertEqual((self.loop.faults, self.flushLoggedErrors()), (0, []))
        for item in self.loop.wheel:
            item.abort()
        self.turn()
        self.loop.disconnectAll()
        pipes = self.loop.pipes
        assert pipes is not None
        pipes.close()
        self.loop._poller.close()
        for member in self.members:
            member.close()

    def serve(self, count: int = 2, **given: Any) -> None:
        """
        Have so many members.

        @param given: C{listener}, C{pool} and C{member}: further fields.
        """
        while len(self.members) < count:
            self.members.append(datagram_socket())
        self.apply(*self.objects(count, **given))

    def objects(
        self,
        count: int = 2,
        listener: dict[str, Any] | None = None,
        pool: dict[str, Any] | None = None,
        member: dict[str, Any] | None = None,
    ) -> list[Resource]:
        """The objects of a configuration."""
        named = {"name": "dns", "protocol": ListenerProtocol.UDP, "default_pool_id": "pool"}
        where = {"loadbalancer_id": "lb", "port": self.port}
        made: list[Resource] = [
            LoadBalancer(id="lb", vip_address="127.0.0.1"),
            Listener(**{"id": "dns", **named, **where, **(listener or {})}),
            Pool(**{"id": "pool", "name": "pool", "protocol": PoolProtocol.UDP, **(pool or {})}),
        ]
        for number, sock in enumerate(self.members[:count]):
            host, port = sock.getsockname()
            one: dict[str, Any] = {"id": f"m{number}", "name": f"m{number}", "pool_id": "pool"}
            made.append(Member(**{**one, "address": host, "port": port, **(member or {})}))
        return made

    def apply(self, *objects: Resource) -> None:
        """Put these objects in force."""
        found: dict[str, dict[str, Resource]] = {name: {} for name in COLLECTIONS}
        for made in objects:
            found[made.COLLECTION][made.id] = made
        self.snapshot = compile_now(
            Configuration(revision=1, objects=found),
            self.snapshot,
            limits=Limits(),
            clock=lambda: 0.0,
            report=lambda rule, why: None,
        )
        prepared = self.successResultOf(Deferred.fromCoroutine(self.plane.prepare(self.snapshot)))
        self.plane.activate(prepared)
        self.turn()

    # What happens.

    @property
    def reader(self) -> DatagramPort:
        """Who reads what clients send."""
        (found,) = self.plane._acceptors.values()
        assert isinstance(found, DatagramPort)
        return found

    @property
    def cell(self) -> Any:
        """The listener."""
        return self.plane._cells["dns"]

    @property
    def drops(self) -> dict[str, int]:
        """What was dropped, by why."""
        return {why: count for why, count in self.cell.datagrams.drops.items() if count}

    def turn(self) -> None:
        """One turn of the reactor."""
        self.loop.runUntilCurrent()
        self.loop.doIteration(0.001)

    def until(self, done: Callable[[], Any]) -> None:
        """Turns until it is so."""
        for _ in range(_MOST_TURNS):
            if done():
                return
            self.turn()
        raise AssertionError("it never comes to that")

    def advance(self, seconds: float) -> None:
        """Let deadlines of so long pass."""
        self._ahead += seconds
        self.loop.wheel.sweep(self.loop.refresh() + self._ahead)
        self.turn()

    def client(self) -> socket.socket:
        """A client."""
        made = datagram_socket()
        self.addCleanup(made.close)
        return made

    def send(self, client: socket.socket, data: bytes = b"x") -> None:
        """A datagram to the listener."""
        client.sendto(data, ("127.0.0.1", self.port))

    def received(self, sock: socket.socket) -> tuple[bytes, Any]:
        """What one of them gets, and from where; turns until it is there."""
        sock.setblocking(False)
        found: list[tuple[bytes, Any]] = []

        def there() -> bool:
            try:
                found.append(sock.recvfrom(LARGEST))
            except BlockingIOError:
                return False
            return True

        self.until(there)
        return found[0]

    def nothing(self, sock: socket.socket) -> bool:
        """Whether nothing is there for it after some turns."""
        sock.setblocking(False)
        for _ in range(20):
            self.turn()
        try:
            sock.recv(1)
        except BlockingIOError:
            return True
        return False

    def asked(self, client: socket.socket, data: bytes = b"x") -> tuple[int, Any]:
        """A datagram has reached a member: which one, and from where it has come."""
        self.send(client, data)
        where: list[tuple[int, Any]] = []

        def there() -> bool:
            for number, member in enumerate(self.members):
                try:
                    member.setblocking(False)
                    found, peer = member.recvfrom(LARGEST)
                except OSError:
                    # Nothing is there, or it is closed.
                    continue
                assert found == data, found
                where.append((number, peer))
            return bool(where)

        self.until(there)
        return where[0]

    def figures(self) -> list[tuple[int, int]]:
        """Of each member: flows, and sockets."""
        told = [self.plane.member_figures(f"m{n}") for n in range(len(self.members))]
        return [(figure["in_flight"], figure["sessions"]) for figure in told]

    @property
    def entries(self) -> list[Entry]:
        """The lines of the access log."""
        return [Entry(*row) for row in self.log.entries]

    def evolved(self, ident: str, objects: list[Resource], **fields: Any) -> list[Resource]:
        """The same objects, one of them changed."""
        return [attrs.evolve(one, **fields) if one.id == ident else one for one in objects]
