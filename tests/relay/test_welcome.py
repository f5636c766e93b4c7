"""Whether a client may connect."""

from __future__ import annotations

from typing import Any

from fiberlb.model.listener import ListenerProtocol
from fiberlb.relay.crowd import Place
from tests.relay.test_passing import hello
from tests.support.relay_world import PEER, RelayTestCase, answer, ask, refusal


class ClientLimitTests(RelayTestCase):
    """C{client_connection_limit}."""

    def test_http(self) -> None:
        """One too many is told so at once, and closed; others are not concerned."""
        world = self.world(listener={"client_connection_limit": 2})
        clients = [world.client() for _ in range(3)]
        self.assertEqual(clients[2].received, refusal("rate_limited"))
        self.assertTrue(clients[2].ended)
        self.assertEqual([c.closed for c in clients[:2]], [False, False])
        self.assertFalse(world.client(peer="192.0.2.8").ended)
        clients[0].send(ask())
        world.members[0].link.send(answer())
        clients[1].close()
        self.assertEqual(clients[0].received, answer())
        self.assertFalse(world.client().ended)
        self.assertTrue(world.client().ended)

    def test_tcp(self) -> None:
        """The same of connections that are relayed: a reset."""
        world = self.world(tcp=True, listener={"client_connection_limit": 1})
        client = world.client()
        self.assertTrue(world.client().was_reset)
        client.reset()
        self.assertFalse(world.client().closed)
        self.assertEqual(world.plane.reasons()["rate_limited"], 1)

    def test_passing(self) -> None:
        """The same where TLS is passed through."""
        fields = {"client_connection_limit": 1, "protocol": ListenerProtocol.HTTPS}
        world = self.world(tcp=True, listener=fields)
        client = world.client(hello())
        self.assertTrue(world.client().near_ended)
        client.reset()
        silent = world.client()
        self.assertFalse(silent.ended)
        silent.close()
        self.assertFalse(world.client(hello()).ended)

    def test_network(self) -> None:
        """Of IPv6 64 bits are one client."""
        world = self.world(listener={"client_connection_limit": 1})
        self.assertFalse(world.client(peer="2001:db8::1").ended)
        self.assertTrue(world.client(peer="2001:db8::2").ended)
        self.assertFalse(world.client(peer="2001:db8:1::2").ended)

    def test_trusted(self) -> None:
        """A proxy has the connections of many clients."""
        world = self.world(listener={"client_connection_limit": 1}, trusted=[PEER])
        self.assertEqual([world.client().ended for _ in range(3)], [False] * 3)

    def test_changed(self) -> None:
        """A limit that goes, and comes back, knows of those that came under it."""
        world = self.world(listener={"client_connection_limit": 1})
        client = world.client()
        world.apply(*world.objects())
        self.assertFalse(world.client().ended)
        limited: dict[str, Any] = {"client_connection_limit": 1}
        world.apply(*world.objects(limited))
        self.assertTrue(world.client().ended)
        client.close()
        self.assertFalse(world.client().ended)
        self.assertEqual(Place.__slots__, ("_client", "_crowd"))
