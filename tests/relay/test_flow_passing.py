"""Tests of L{fiberlb.relay.flow_passing}: flows from one process to another."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from fiberlb.relay.flow_passing import BATCH, PATIENCE, Giving, Taking, packets
from fiberlb.relay.udp import DatagramPort
from tests.support.datagram_world import DatagramCase


class PassingTests(DatagramCase):
    """Two readers of one socket, one after the other, in one process."""

    def second(self) -> DatagramPort:
        """Who reads next, of a copy of the socket."""
        reader = self.reader
        made = DatagramPort(self.loop, reader.sock.dup(), reader.cell, reader.room)
        key = next(iter(self.plane._acceptors))
        self.plane._acceptors[key] = made
        return made

    def channel(self) -> tuple[socket.socket, socket.socket]:
        """Both ends."""
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for one in pair:
            one.setblocking(False)
        return pair

    def take(self, theirs: socket.socket, port: DatagramPort) -> Taking:
        """Begin to take."""
        taking = Taking(self.loop, theirs, port, self.plane._table.find)
        taking.start()
        return taking

    def pass_all(self) -> DatagramPort:
        """All flows go from one to the other."""
        before, after = self.reader, self.second()
        ours, theirs = self.channel()
        taking = self.take(theirs, after)
        Giving(self.loop, ours, packets(before)).start()
        self.until(lambda: taking.closed)
        return after

    def test_passed(self) -> None:
        """Flows go on with the same member by the same socket; nothing that waits is lost."""
        self.serve(2)
        clients = [self.client() for _ in range(2 * BATCH + 3)]
        where = [self.asked(client) for client in clients]
        for number, flow in where[:5]:
            self.members[number].sendto(b"answer", flow)
        self.send(clients[-1], b"waits")
        figures, count = self.figures(), self.cell.connections
        self.pass_all()
        for client in clients[:5]:
            self.assertEqual(self.received(client)[0], b"answer")
        number, flow = where[-1]
        self.assertEqual(self.received(self.members[number]), (b"waits", flow))
        self.assertEqual([self.asked(client) for client in clients], where)
        self.assertEqual((self.figures(), self.cell.connections), (figures, count))
        self.assertEqual((self.cell.accepted, self.entries), (count, []))

    def test_what_is_known(self) -> None:
        """Octets and times of before count at the end."""
        self.serve(1, listener={"address": ("0.0.0.0",)})
        client = self.client()
        _, flow = self.asked(client, b"abc")
        self.members[0].sendto(b"answer", flow)
        self.received(client)
        after = self.pass_all()
        self.assertEqual(self.asked(client, b"de")[1], flow)
        (one,) = after.flows.values()
        self.assertTrue(one.waiting)
        self.advance(40)
        (entry,) = self.entries
        self.assertEqual((entry.received, entry.sent, entry.member), (5, 6, "m0"))

    def test_member_gone(self) -> None:
        """A flow whose member is not known there begins anew."""
        self.serve(2)
        client = self.client()
        number, _ = self.asked(client)
        before, after = self.reader, self.second()
        several = packets(before)
        self.apply(*self.evolved(f"m{number}", self.objects(2), enabled=False))
        ours, theirs = self.channel()
        taking = self.take(theirs, after)
        Giving(self.loop, ours, several).start()
        self.until(lambda: taking.closed)
        self.assertEqual(after.flows, {})
        self.assertEqual(self.asked(client)[0], 1 - number)

    def test_without_sockets(self) -> None:
        """Where descriptors do not come along flows keep their members, by other sockets."""
        self.serve(2)
        client = self.client()
        number, flow = self.asked(client)
        before, after = self.reader, self.second()
        ((data, socks),) = packets(before)
        for sock in socks:
            sock.close()
        # A field of a later version is no trouble.
        data = json.dumps([[*one, "new"] for one in json.loads(data)]).encode()
        ours, theirs = self.channel()
        taking = self.take(theirs, after)
        ours.send(data)
        ours.close()
        self.until(lambda: taking.closed)
        found, other = self.asked(client)
        self.assertEqual(found, number)
        self.assertNotEqual(other, flow)

    def test_nobody_takes(self) -> None:
        """Sockets are closed where the other side has gone."""
        self.serve(1)
        self.asked(self.client())
        several = packets(self.reader)
        ours, theirs = self.channel()
        theirs.close()
        Giving(self.loop, ours, several).start()
        self.until(lambda: ours.fileno() < 0)
        self.assertEqual(several, [])

    def test_patience(self) -> None:
        """A worker that hangs is not waited for."""
        self.serve(1)
        before, after = self.reader, self.second()
        before.pause()
        ours, theirs = self.channel()
        self.addCleanup(ours.close)
        taking = self.take(theirs, after)
        client = self.client()
        self.send(client)
        self.assertTrue(self.nothing(self.members[0]))
        self.advance(PATIENCE + 1)
        self.assertTrue(taking.closed)
        self.received(self.members[0])

    def test_nothing_stays_open(self) -> None:
        """Descriptors are closed by who has passed them on."""
        self.serve(1)
        before = len(os.listdir("/proc/self/fd"))
        self.asked(self.client())
        self.pass_all()
        self.turn()
        self.advance(40)
        self.turn()
        # The client's.
        self.assertEqual(len(os.listdir("/proc/self/fd")), before + 1)

    def test_end_of_process(self) -> None:
        """A process that ends waits until its flows are on their way, not for ever."""
        self.serve(1)
        ours, theirs = self.channel()
        self.addCleanup(theirs.close)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        several: list[tuple[bytes, list[Any]]] = [(b"[]" + b" " * 1000, []) for _ in range(50)]
        Giving(self.loop, ours, several).start()
        self.turn()
        ended: list[None] = []
        self.plane.stop(30.0).addCallback(ended.append)
        self.assertEqual(ended, [])
        self.advance(PATIENCE + 1)
        self.plane._reactor.advance(1)
        self.assertEqual((ended, several), ([None], []))

    def test_full(self) -> None:
        """More than the system holds at once goes when there is room again."""
        self.serve(1)
        ours, theirs = self.channel()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        several: list[tuple[bytes, list[Any]]] = [(b"[]" + b" " * 1000, []) for _ in range(50)]
        giving = Giving(self.loop, ours, several)
        giving.start()
        self.turn()
        self.assertGreater(len(several), 0)
        taking = self.take(theirs, self.reader)
        self.until(lambda: taking.closed)
        self.assertEqual(several, [])
