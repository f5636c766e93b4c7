"""The client's side of HTTP/1.1 between two requests: what it holds, and how long it waits."""

from __future__ import annotations

from typing import Any

from fiberlb.relay.answering_h1 import REST
from fiberlb.relay.downstream_h1 import Downstream
from fiberlb.relay.runtime import HEADS, MOST_REMEMBERED
from tests.support.relay_world import PEER, RelayTestCase, World, answer, ask, asked

#: Shorter than the members' own, so that it is the client's connection that ends.
KEEP_ALIVE = 20.0
CLOSE = b"Connection: close"


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
        self.assertTrue(side._memo_head)
        world.advance(REST + 1)
        held = [getattr(side, name) for name in ("_memo_head", "_memo_out", "raw", "out", "target")]
        self.assertEqual(held, [b""] * 5)
        self.assertEqual([side.plan, side.route, side._memo_route], [None] * 3)

    def test_first(self) -> None:
        """The head of a first request is not held at all once it is answered."""
        world, _ = self.waiting(1)
        side = self.side(world)
        self.assertEqual([side._memo_head, side._memo_out, side.raw, side.out], [b""] * 4)

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


class FirstHeadTests(RelayTestCase):
    """Clients that come for one request, with a head that has come before."""

    def come(self, world: World, request: bytes, peer: str = PEER) -> bytes:
        """A client's one request, as the member sees it; the answer is the same every time."""
        client = world.client(request, peer)
        link = world.members[0].link
        seen = bytes(link.news())
        link.send(answer())
        self.assertEqual(client.received, answer(b"hi", CLOSE))
        self.assertTrue(client.closed)
        return seen

    def test_same(self) -> None:
        """Each is told of with its own address."""
        world = self.world()
        request = ask(CLOSE)
        for peer in (PEER, "192.0.2.8", PEER):
            self.assertEqual(
                self.come(world, request, peer), asked().replace(PEER.encode(), peer.encode())
            )
        self.assertEqual(list(world.cell.plan.heads), [request])

    def test_bounds(self) -> None:
        """A few are remembered, and short ones."""
        world = self.world()
        for number in range(3 * HEADS):
            target = b"/%d" % number
            self.assertEqual(self.come(world, ask(CLOSE, target=target)), asked(target=target))
        self.come(world, ask(CLOSE, b"X: " + b"x" * MOST_REMEMBERED))
        heads = world.cell.plan.heads
        self.assertLessEqual(len(heads), HEADS)
        self.assertLessEqual(max(map(len, heads)), MOST_REMEMBERED)

    def test_trusted(self) -> None:
        """What a trusted peer says is not what a stranger says with the same bytes."""
        world = self.world(trusted=["192.0.2.8/32"])
        request = ask(CLOSE, b"X-Forwarded-For: 198.51.100.1")
        stranger = self.come(world, request)
        self.assertNotIn(b"198.51.100.1", stranger)
        self.assertIn(b"198.51.100.1, 192.0.2.8", self.come(world, request, "192.0.2.8"))
        self.assertEqual(self.come(world, request), stranger)

    def test_with_more(self) -> None:
        """A head with bytes after it is another thing."""
        world = self.world()
        world.client(ask(CLOSE) + b"GET /next")
        self.assertEqual(world.members[0].link.news(), asked())
        self.assertEqual(world.cell.plan.heads, {})
