"""Tests of L{fiberlb.relay.first_heads}, through connections."""

from __future__ import annotations

from fiberlb.relay.first_heads import HEADS, MOST_REMEMBERED
from tests.support.relay_world import PEER, RelayTestCase, World, answer, ask, asked

CLOSE = b"Connection: close"


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
