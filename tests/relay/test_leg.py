"""Tests of L{fiberlb.relay.leg}: the sockets of flows."""

from __future__ import annotations

from fiberlb.relay.leg import LATE
from tests.support.datagram_world import DatagramCase


class LegTests(DatagramCase):
    """A member's side."""

    def test_many_answers(self) -> None:
        """However many answers come at once, all are passed on."""
        self.serve(1)
        client = self.client()
        _, flow = self.asked(client)
        for number in range(300):
            self.members[0].sendto(b"%d" % number, flow)
        for number in range(300):
            self.assertEqual(self.received(client)[0], b"%d" % number)

    def test_late(self) -> None:
        """A member that a flow has left is heard for a while, refusals of it are not."""
        self.serve(2)
        client = self.client()
        number, flow = self.asked(client)
        self.plane.set_member_usable(f"m{number}", False)
        self.asked(client)
        self.members[number].sendto(b"late", flow)
        self.assertEqual(self.received(client)[0], b"late")
        self.members[number].close()
        self.advance(LATE + 1)
        self.assertEqual(self.figures()[number], (0, 0))
        self.assertEqual((self.reader.late, self.plane._room.used), (0, 1))

    def test_fault(self) -> None:
        """An exception of ours ends the flow, and nothing else."""
        self.serve(1)
        client, other = self.client(), self.client()
        self.asked(client)
        self.asked(other)
        flow = next(iter(self.reader.flows.values()))
        leg = flow.leg
        assert leg is not None
        leg.broken()
        self.turn()
        self.assertEqual([entry.reason for entry in self.entries], ["internal"])
        self.assertEqual(self.figures(), [(1, 1)])
        self.asked(other)
