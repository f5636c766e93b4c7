"""The client's side of HTTP/1.1 between two requests: what it holds, and how long it waits."""

from __future__ import annotations

from typing import Any

from fiberlb.relay.answering_h1 import REST
from fiberlb.relay.downstream_h1 import Downstream
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked

#: Shorter than the members' own, so that it is the client's connection that ends.
KEEP_ALIVE = 20.0


class RestTests(RelayTestCase):
    """A connection that waits for its next request."""

    def waiting(self, requests: int = 3) -> tuple[World, Any]:
        """A client that has asked for the same so many times."""
        world = self.world(listener={"timeouts": {"keep_alive": KEEP_ALIVE}})
        client = world.client()
        for _ in range(requests):
            self.served(world, client)
        return world, client

    def served(self, world: World, client: Any) -> None:
        """One request and its answer."""
        before = len(client.received)
        client.send(ask())
        link = world.members[0].link
        self.assertEqual(link.news(), asked())
        link.send(answer())
        self.assertEqual(client.received[before:], answer())

    def side(self, world: World) -> Any:
        """The one client connection's side."""
        return next(c.side for c in world.loop.wheel if isinstance(c.side, Downstream))

    def test_holds_little(self) -> None:
        """After a while nothing of a head is held, nor a plan or a route."""
        world, _ = self.waiting()
        side = self.side(world)
        self.assertTrue(side.memo_head)
        world.advance(REST + 1)
        held = [getattr(side, name) for name in ("memo_head", "_memo_out", "raw", "out", "target")]
        self.assertEqual(held, [b""] * 5)
        self.assertEqual([side.plan, side.route, side._memo_route], [None] * 3)

    def test_first(self) -> None:
        """The head of a first request is not held at all once it is answered."""
        world, _ = self.waiting(1)
        side = self.side(world)
        self.assertEqual([side.memo_head, side._memo_out, side.raw, side.out], [b""] * 4)

    def test_goes_on(self) -> None:
        """Requests after the rest are served, and written down, like those before."""
        world, client = self.waiting()
        world.advance(REST + 1)
        for _ in range(3):
            self.served(world, client)
        blocks = {entry.block for entry in world.entries}
        self.assertEqual(blocks, {b"\r\n" + ask().partition(b"\r\n")[2][:-2]})
        self.assertEqual(len(world.entries), 6)

    def test_ends(self) -> None:
        """It ends when the time between two requests is over, no sooner and not much later."""
        world, client = self.waiting()
        world.advance(KEEP_ALIVE - 0.5)
        self.assertFalse(client.closed or client.ended)
        world.advance(1)
        self.assertTrue(client.closed or client.ended)

    def test_short(self) -> None:
        """A time shorter than the rest is kept to, and none at all means that it stays."""
        for keep_alive, ends in ((1.0, True), (None, False)):
            world = self.world(listener={"timeouts": {"keep_alive": keep_alive}})
            client = world.client()
            self.served(world, client)
            world.advance(1.5 if ends else 5000)
            self.assertIs(client.closed or client.ended, ends)

    def test_later(self) -> None:
        """Each request begins the wait anew, also one that comes after the rest."""
        world, client = self.waiting(1)
        for _ in range(4):
            world.advance(KEEP_ALIVE - 1)
            self.served(world, client)
        world.advance(KEEP_ALIVE + 1)
        self.assertTrue(client.closed or client.ended)
