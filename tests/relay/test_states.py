"""Tests of L{fiberlb.relay.states}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.states import ListenerState
from tests.support.relay_world import RelayTestCase, answer, ask


class StateTests(SynchronousTestCase):
    """What a plane tells."""

    def test_reason(self) -> None:
        """Only what is in error has a reason."""
        self.assertEqual(ListenerState("i", "::", 80, "listening").reason, "")


class FigureTests(RelayTestCase):
    """What one process tells of its traffic."""

    def test_counted(self) -> None:
        """Answers by class, octets of bodies, own answers by reason; nothing of other processes."""
        world = self.world()
        client = world.client(ask())
        world.members[0].link.send(answer(b"hello"))
        client.send(b"BROKEN\r\n\r\n")
        figures = world.plane.listener_figures(world.cell.id)
        self.assertEqual((figures["answers_2xx"], figures["answers_4xx"]), (1, 1))
        self.assertEqual(figures["requests"], 1)
        self.assertGreater(figures["sent"], 5)
        self.assertEqual(world.plane.reasons(), {"bad_request": 1})
        self.assertEqual(world.plane.processes().pids, {})
        self.assertEqual(world.plane.listener_figures("x"), {})
