"""The end of a process's traffic."""

from __future__ import annotations

from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, answer, ask, head

UPGRADE = ask(b"Connection: Upgrade", b"Upgrade: x")
SWITCH = head(b"Connection: Upgrade", b"Upgrade: x", status=b"101 X")
CLOSE = b"Connection: close"


class DrainTests(RelayTestCase):
    """From C{stop} to nothing."""

    def settle(self, world: World) -> None:
        """After the end nothing is left by itself; the plane keeps the time no more."""
        world.loop.run()
        self.assertEqual(world.loop.faults, self.faults, "\n".join(world.loop.failures))
        self.assertEqual(world.loop.open, [])
        self.assertEqual(list(world.loop.wheel), [])
        self.assertEqual(world.figures(), [(0, 0)] * len(world.members))
        self.assertEqual(world.clock.getDelayedCalls(), [])

    def stop(self, world: World, deadline: float = 10.0) -> list[object]:
        """Begin to end; the list has an element once it is over."""
        done: list[object] = []
        world.plane.stop(deadline).addCallback(done.append)
        world.loop.run()
        return done

    def test_idle(self) -> None:
        """Who waits for a next request goes at once, members' idle connections too."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer())
        fresh, cell = world.client(), world.cell
        done = self.stop(world)
        world.advance(0.2)
        self.assertTrue(client.ended and fresh.ended and member.closed)
        self.assertEqual((len(done), cell.connections), (1, 0))
        self.assertTrue(world.bound[0].closed)

    def test_running(self) -> None:
        """What runs is finished, and closes."""
        world = self.world()
        client, member = self.start(world)
        done = self.stop(world)
        world.advance(5)
        self.assertEqual(done, [])
        member.send(answer())
        self.assertEqual(client.received, answer(b"hi", CLOSE))
        world.advance(0.2)
        self.assertEqual(len(done), 1)
        self.assertEqual(world.reasons, [None])

    def test_deadline(self) -> None:
        """What is left at the deadline is cut, and written down."""
        world = self.world()
        waiting, _ = self.start(world)
        streaming, member = self.start(world)
        member.send(answer(b"x" * 10)[:-5])
        tunnel, member = self.start(world, UPGRADE)
        member.send(SWITCH)
        head_begun = world.client(b"GET ")
        connecting = self.connecting(world)
        cell = world.cell
        done = self.stop(world, 5.0)
        world.advance(4.8)
        self.assertEqual(done, [])
        world.advance(0.4)
        self.assertEqual(len(done), 1)
        for link in (waiting, streaming, tunnel, head_begun, connecting):
            self.assertTrue(link.closed)
        self.assertEqual(world.reasons, ["shutting_down"] * 4)
        self.assertEqual(cell.connections, 0)

    def connecting(self, world: World) -> Link:
        """A client whose member does not answer."""
        world.members[0].does = "hang"
        return world.client(ask(method=b"POST"))

    def test_tcp(self) -> None:
        """Sessions are waited for too, those that have no member yet among them."""
        world = self.world(tcp=True)
        running = world.client(b"abc")
        world.members[0].does = "hang"
        connecting = world.client(b"abc")
        done = self.stop(world, 5.0)
        world.advance(1)
        self.assertFalse(running.closed or connecting.closed)
        world.advance(5)
        self.assertTrue(running.was_reset and connecting.was_reset)
        self.assertEqual(len(done), 1)
        self.assertEqual(world.reasons, ["shutting_down"] * 2)

    def test_slow_reader(self) -> None:
        """Somebody who is still taking the last answer is waited for."""
        world = self.world()
        client, member = self.start(world)
        client.room = 10
        member.send(answer(b"x" * 1000))
        done = self.stop(world)
        world.advance(1)
        self.assertEqual(done, [])
        client.take()
        self.assertTrue(client.received.endswith(b"x" * 1000))
        world.advance(0.2)
        self.assertEqual(len(done), 1)

    def test_nobody(self) -> None:
        """Without clients it is over at once."""
        self.assertEqual(len(self.stop(self.world())), 1)
