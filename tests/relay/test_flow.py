"""Tests of L{fiberlb.relay.flow}: which member a flow has, and how it ends."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from fiberlb.balancing.peak_ewma import Average
from fiberlb.model.operational import NEVER, MemberMode, Operational, Operations
from fiberlb.model.persistence import PersistenceType, SessionPersistence
from fiberlb.model.pool import Algorithm, Retries, SessionEnd
from tests.support.datagram_world import DatagramCase
from tests.support.datagrams import datagram_socket


class FlowTests(DatagramCase):
    """Members that go and come."""

    def alone(self, number: int, **fields: Any) -> None:
        """One member of two is changed."""
        self.apply(*self.evolved(f"m{number}", self.objects(2), **fields))

    def test_idle(self) -> None:
        """A flow ends when neither side has sent anything for a while."""
        self.serve(1, listener={"timeouts": (("udp_idle", 10.0),)})
        client = self.client()
        _, flow = self.asked(client, b"abc")
        self.advance(8)
        self.members[0].sendto(b"answer", flow)
        self.received(client)
        (one,) = self.reader.flows.values()
        one.used += 8
        self.advance(8)
        self.assertEqual(self.figures(), [(1, 1)])
        self.advance(3)
        self.assertEqual(self.figures(), [(0, 0)])
        (entry,) = self.entries
        self.assertEqual((entry.received, entry.sent, entry.member), (3, 6, "m0"))
        self.assertEqual((entry.reason, entry.tries, entry.status), (None, 1, 0))
        self.assertEqual((self.plane._room.used, self.cell.connections), (0, 0))

    def test_down(self) -> None:
        """The flows of a member that is down go on with another one, at the next datagram."""
        self.serve(2)
        client = self.client()
        number, flow = self.asked(client)
        self.plane.set_member_usable(f"m{number}", False)
        # What it still says is passed on for a while.
        other, _ = self.asked(client)
        self.assertEqual(other, 1 - number)
        self.members[number].sendto(b"late", flow)
        self.assertEqual(self.received(client)[0], b"late")
        self.assertEqual(sorted(self.figures()), [(0, 1), (1, 1)])
        self.advance(3)
        self.assertEqual(sorted(self.figures()), [(0, 0), (1, 1)])
        self.plane.set_member_usable(f"m{number}", True)
        self.assertEqual(self.asked(client)[0], other)

    def test_persistence(self) -> None:
        """Flows of one address have one member, and end with its time when it drains."""
        kept = SessionPersistence(type=PersistenceType.SOURCE_IP)
        self.serve(3, pool={"session_persistence": kept})
        clients = [self.client() for _ in range(4)]
        (number,) = {self.asked(client)[0] for client in clients}
        self.operate(number, NEVER)
        self.assertEqual({self.asked(client)[0] for client in clients}, {number})
        self.operate(number, 0.0)
        self.plane._tick()
        self.assertEqual(self.figures()[number], (0, 0))
        others = {self.asked(client)[0] for client in clients}
        self.assertEqual((len(others), number in others), (1, False))

    def operate(self, number: int, until: float) -> None:
        """A member drains until then."""
        state = Operational(mode=MemberMode.DRAIN, until=until)
        done = self.plane.operate(Operations(members={f"m{number}": state}))
        self.successResultOf(Deferred.fromCoroutine(done))

    def test_removed(self) -> None:
        """So do those of one that is removed, disabled or at another address."""
        self.serve(2)
        client = self.client()
        number, _ = self.asked(client)
        self.alone(number, enabled=False)
        self.assertEqual(self.asked(client)[0], 1 - number)
        self.alone(1 - number, enabled=False)
        self.assertEqual(self.asked(client)[0], number)
        moved = datagram_socket()
        self.members[number].close()
        self.members[number] = moved
        self.alone(1 - number, enabled=False)
        self.assertEqual(self.asked(client)[0], number)
        self.assertEqual(self.drops, {})

    def test_drained(self) -> None:
        """One of weight 0 keeps the flows it has, and gets no others."""
        self.serve(2)
        client = self.client()
        number, flow = self.asked(client)
        self.alone(number, weight=0)
        self.assertEqual(self.asked(client), (number, flow))
        for _ in range(4):
            self.assertEqual(self.asked(self.client())[0], 1 - number)

    def test_pool_disabled(self) -> None:
        """Nobody serves while the pool is disabled."""
        self.serve(1)
        client = self.client()
        self.asked(client)
        self.serve(1, pool={"enabled": False})
        self.send(client)
        self.until(lambda: self.drops == {"no_member": 1})
        self.serve(1)
        self.asked(client)

    def test_unchanged(self) -> None:
        """A change of something else leaves flows alone."""
        self.serve(2)
        client = self.client()
        where = self.asked(client)
        for algorithm in (Algorithm.LEAST_CONNECTIONS, Algorithm.MAGLEV):
            self.serve(2, pool={"algorithm": algorithm}, listener={"description": "x"})
            self.assertEqual(self.asked(client), where)

    def test_denied_later(self) -> None:
        """What is allowed counts from the next datagram on."""
        self.serve(1)
        client = self.client()
        self.asked(client)
        self.serve(1, listener={"allowed_cidrs": ("10.0.0.0/8",)})
        self.send(client)
        self.until(lambda: self.drops == {"denied": 1})
        self.serve(1)
        self.asked(client)

    def test_nobody(self) -> None:
        """With nobody left datagrams are dropped, until somebody is there."""
        self.serve(1)
        client = self.client()
        self.asked(client)
        self.plane.set_member_usable("m0", False)
        self.send(client)
        self.until(lambda: self.drops == {"no_member": 1})
        self.apply(*self.evolved("m0", self.objects(1), enabled=False))
        self.send(client)
        self.until(lambda: self.drops == {"no_member": 2})
        self.serve(1)
        self.plane.set_member_usable("m0", True)
        self.asked(client)

    def test_refused(self) -> None:
        """What a member's machine refuses the next member gets."""
        self.serve(2)
        self.members[0].close()
        for _ in range(4):
            client = self.client()
            self.assertEqual(self.asked(client)[0], 1)
            self.assertEqual(self.asked(client)[0], 1)
        self.assertEqual(self.drops, {})
        self.assertGreaterEqual(self.plane.member_figures("m0")["failures"], 2)

    def test_refused_late(self) -> None:
        """A member that goes away in the middle of a flow costs no question."""
        self.serve(2)
        client = self.client()
        number, flow = self.asked(client)
        self.members[number].sendto(b"x", flow)
        self.received(client)
        self.members[number].close()
        self.assertEqual(self.asked(client, b"again")[0], 1 - number)

    def test_refused_by_all(self) -> None:
        """When nobody takes it, it is dropped, after as many tries as the pool says."""
        self.serve(2)
        for member in self.members:
            member.close()
        client = self.client()
        self.send(client)
        self.until(lambda: self.drops == {"unreachable": 1})
        self.assertEqual(self.plane.reasons(), {"connect_refused": 1})
        self.assertEqual([self.plane.member_figures(n)["failures"] for n in ("m0", "m1")], [1, 1])

    def test_no_retries(self) -> None:
        """Without attempts nobody else gets it."""
        self.serve(2, pool={"retries": Retries(attempts=0)})
        self.members[0].close()
        clients = [self.client(), self.client()]
        for client in clients:
            self.send(client)
        self.until(lambda: self.drops == {"unreachable": 1})

    def test_large_is_not_held(self) -> None:
        """A large datagram that was refused is gone; the next one finds another member."""
        self.serve(2, pool={"algorithm": Algorithm.FIRST_AVAILABLE})
        self.members[0].close()
        client = self.client()
        self.send(client, b"x" * 9000)
        self.until(lambda: self.drops == {"unreachable": 1})
        self.assertEqual(self.asked(client)[0], 1)

    def test_ended(self) -> None:
        """C{close_sessions_on} ends flows at once."""
        self.serve(2, pool={"close_sessions_on": (SessionEnd.MEMBER_DOWN,)})
        client = self.client()
        number, _ = self.asked(client)
        self.plane.set_member_usable(f"m{number}", False)
        self.assertEqual([entry.reason for entry in self.entries], ["member_closed"])
        self.assertEqual(self.figures(), [(0, 0), (0, 0)])
        self.assertEqual(self.asked(client)[0], 1 - number)

    def test_too_large(self) -> None:
        """What one side may send and the other may not take is dropped whole."""
        six = datagram_socket("::1")
        self.addCleanup(six.close)
        self.serve(1, listener={"address": ("::1",)})
        six.sendto(b"x" * 65520, ("::1", self.port))
        self.until(lambda: self.drops == {"too_large": 1})
        six.sendto(b"x" * 65507, ("::1", self.port))
        self.assertEqual(len(self.received(self.members[0])[0]), 65507)

    def test_measured(self) -> None:
        """Where the time to an answer counts, it is measured."""
        self.serve(1, pool={"algorithm": Algorithm.PEAK_EWMA})
        client = self.client()
        _, flow = self.asked(client)
        self.members[0].sendto(b"x", flow)
        self.received(client)
        latency = self.plane._table.members["m0"][0].latency
        assert isinstance(latency, Average)
        self.assertGreater(latency.cost(self.loop.now), 0)
