"""Tests of L{fiberlb.relay.udp}: datagrams from a client to a member and back."""

from __future__ import annotations

from fiberlb.model.listener import Listener
from fiberlb.model.pool import Algorithm, ProxyVersion
from fiberlb.relay.udp import LOOKED_AT, SILENT
from tests.support.datagram_world import DatagramCase
from tests.support.datagrams import datagram_socket


class PortTests(DatagramCase):
    """A listener at one address."""

    def test_both_ways(self) -> None:
        """What a client sends its member gets, and the other way round, whatever it is."""
        self.serve(1)
        client = self.client()
        (member,) = self.members
        for data in (b"x", b"", bytes(range(256)) * 255, b"x" * 65507):
            self.send(client, data)
            found, flow = self.received(member)
            self.assertEqual(found, data)
            member.sendto(data, flow)
            self.assertEqual(self.received(client), (data, ("127.0.0.1", self.port)))
        counted = self.cell.datagrams
        self.assertEqual((counted.received, counted.sent, self.drops), (4, 4, {}))
        self.assertEqual((self.cell.received, self.cell.sent), (130788, 130788))
        self.assertEqual((self.cell.accepted, self.cell.requests, self.figures()), (1, 1, [(1, 1)]))

    def test_only_the_member(self) -> None:
        """Nobody else can answer."""
        self.serve(1)
        client, stranger = self.client(), self.client()
        self.send(client)
        _, flow = self.received(self.members[0])
        stranger.sendto(b"forged", flow)
        self.assertTrue(self.nothing(client))

    def test_apart(self) -> None:
        """Each client has a flow of its own; a client stays with its member."""
        self.serve(2)
        clients = [self.client() for _ in range(4)]
        where = [self.asked(client) for client in clients]
        self.assertEqual(sorted(number for number, _ in where), [0, 0, 1, 1])
        self.assertEqual([self.asked(client) for client in clients], where)
        self.assertEqual(self.figures(), [(2, 2), (2, 2)])

    def test_algorithms(self) -> None:
        """Every algorithm that does not read requests finds a member."""
        self.serve(2)
        for algorithm in Algorithm:
            if algorithm is not Algorithm.HASH:
                self.serve(2, pool={"algorithm": algorithm})
                self.asked(self.client())
        self.serve(2, pool={"algorithm": Algorithm.SOURCE_IP})
        self.assertEqual(len({self.asked(self.client())[0] for _ in range(8)}), 1)
        self.serve(2, pool={"algorithm": Algorithm.LEAST_CONNECTIONS})
        self.asked(self.client())
        flows = [count for count, _ in self.figures()]
        for _ in range(2 * max(flows)):
            self.asked(self.client())
        flows = [count for count, _ in self.figures()]
        self.assertLessEqual(abs(flows[0] - flows[1]), 1)

    def test_refused(self) -> None:
        """What cannot go anywhere is counted by why, and the log says so once a second."""
        self.serve(1, listener={"allowed_cidrs": ("10.0.0.0/8",)})
        client = self.client()
        for _ in range(3):
            self.send(client)
        self.until(lambda: self.drops == {"denied": 3})
        self.assertEqual(len(self.log.own_entries), 1)
        self.serve(1, listener={"default_pool_id": None})
        self.send(client)
        self.until(lambda: self.drops.get("no_member") == 1)
        self.serve(1)
        self.plane.set_member_usable("m0", False)
        self.send(client)
        self.until(lambda: self.drops.get("no_member") == 2)
        reasons = {"denied_address": 3, "no_route": 1, "all_members_down": 1}
        self.assertEqual(self.plane.reasons(), reasons)
        self.assertEqual((self.cell.connections, self.entries), (0, []))

    def test_limit(self) -> None:
        """No more flows than C{connection_limit}; those that there are go on."""
        self.serve(1, listener={"connection_limit": 1})
        client, other = self.client(), self.client()
        self.asked(client)
        self.send(other)
        self.until(lambda: self.drops == {"limit": 1})
        self.asked(client)
        self.advance(31)
        self.assertEqual(self.cell.connections, 0)
        self.asked(other)

    def test_room(self) -> None:
        """Where there is no room a flow that is silent makes some; those in use stay."""
        self.serve(1)
        self.plane._room.most = LOOKED_AT
        clients = [self.client() for _ in range(LOOKED_AT)]
        for client in clients:
            self.asked(client)
        late = self.client()
        self.send(late)
        self.until(lambda: self.drops == {"limit": 1})
        for flow in list(self.reader.flows.values())[3:4]:
            flow.used -= SILENT
        self.asked(late)
        self.assertEqual(self.cell.connections, LOOKED_AT)
        self.assertEqual([entry.reason for entry in self.entries], ["overloaded"])

    def test_introduced(self) -> None:
        """The first datagram to a member begins with a header, the others do not."""
        self.serve(1, pool={"proxy_protocol": ProxyVersion.V2})
        client = self.client()
        self.send(client, b"one")
        self.send(client, b"two")
        found, _ = self.received(self.members[0])
        own = client.getsockname()[1].to_bytes(2, "big")
        tail = bytes([127, 0, 0, 1] * 2) + own + self.port.to_bytes(2, "big") + b"one"
        self.assertEqual(found, b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c" + tail)
        self.assertEqual(self.received(self.members[0])[0], b"two")

    def test_anywhere(self) -> None:
        """A socket of all addresses answers from the one that was sent to."""
        self.serve(1, listener={"address": ("0.0.0.0",)})
        client = self.client()
        for host in ("127.0.0.1", "127.0.0.7", "127.0.0.8"):
            client.sendto(host.encode(), (host, self.port))
            found, flow = self.received(self.members[0])
            self.members[0].sendto(found, flow)
            self.assertEqual(self.received(client), (host.encode(), (host, self.port)))
        self.assertEqual(self.cell.connections, 3)

    def test_both_families(self) -> None:
        """C{::} serves IPv6 and IPv4, and knows an IPv4 client as such."""
        listener = {"address": ("::",), "allowed_cidrs": ("127.0.0.1/32", "::1/128")}
        self.serve(1, listener=listener)
        six = datagram_socket("::1")
        self.addCleanup(six.close)
        for client, host in ((self.client(), "127.0.0.1"), (six, "::1")):
            client.sendto(b"x", (host, self.port))
            found, flow = self.received(self.members[0])
            self.members[0].sendto(found, flow)
            self.assertEqual(self.received(client)[1][:2], (host, self.port))
        self.advance(31)
        self.assertEqual({entry.client for entry in self.entries}, {"127.0.0.1", "::1"})

    def test_removed(self) -> None:
        """A listener that is removed passes on what has come, and answers that are due."""
        self.serve(1)
        client, idle = self.client(), self.client()
        _, flow = self.asked(idle)
        self.members[0].sendto(b"x", flow)
        self.received(idle)
        self.send(client, b"last")
        kept = [one for one in self.objects(1) if not isinstance(one, Listener)]
        self.apply(*kept)
        found, flow = self.received(self.members[0])
        self.members[0].sendto(found, flow)
        self.assertEqual(self.received(client), (b"last", ("127.0.0.1", self.port)))
        self.send(client, b"other")
        self.assertTrue(self.nothing(self.members[0]))
        self.advance(3)
        datagram_socket("127.0.0.1", self.port).close()
        self.assertEqual([entry.reason for entry in self.entries], [None, None])
        self.assertEqual(self.figures(), [(0, 0)])

    def test_removed_and_back(self) -> None:
        """One that comes back while answers are awaited gets everything that is new."""
        self.serve(1)
        client = self.client()
        self.asked(client)
        objects = self.objects(1)
        self.apply(*[one for one in objects if not isinstance(one, Listener)])
        self.apply(*objects)
        for _ in range(20):
            self.asked(self.client())

    def test_another_listener(self) -> None:
        """Another listener at the same address takes the flows over with the socket."""
        self.serve(1)
        client = self.client()
        _, flow = self.asked(client)
        before = self.cell
        objects = self.objects(1)
        listener = next(one for one in objects if isinstance(one, Listener))
        self.apply(
            *[one for one in objects if one is not listener],
            *self.evolved("dns", [listener], id="other", name="other"),
        )
        self.assertEqual(self.asked(client)[1], flow)
        self.assertEqual(before.connections, 0)
        self.assertEqual(self.plane._cells["other"].connections, 1)

    def test_end(self) -> None:
        """At the end of the process answers are waited for, not for long."""
        self.serve(1)
        client = self.client()
        _, flow = self.asked(client)
        self.plane.stop(30.0)
        self.members[0].sendto(b"answer", flow)
        self.assertEqual(self.received(client)[0], b"answer")
