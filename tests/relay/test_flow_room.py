"""Tests of L{fiberlb.relay.flow_room}."""

from __future__ import annotations

import resource

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.flow_room import FlowRoom


class RoomTests(SynchronousTestCase):
    """How many flows a process may have."""

    def test_most(self) -> None:
        """As many as leave half of the descriptors for everything else."""
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        room = FlowRoom()
        self.assertLessEqual(room.most, soft // 2 if soft > 0 else 1 << 20)
        self.assertGreaterEqual(room.most, 16)
        self.assertGreater(len(room.view), 65527)

    def test_full(self) -> None:
        """It is full when all are used."""
        room = FlowRoom(1)
        self.assertFalse(room.full)
        room.used += 1
        self.assertTrue(room.full)
