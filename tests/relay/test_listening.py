"""Sockets that come, change hands and go."""

from __future__ import annotations

from typing import Any

from fiberlb.errors import AddressInUse
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.relay.missing import RETRY
from tests.support.relay_links import LOCAL
from tests.support.relay_world import RelayTestCase, World, answer, ask, evolve, refusal


def listener(ident: str, port: int, **fields: Any) -> Listener:
    """Another listener."""
    made: dict[str, Any] = {"id": ident, "name": ident, "loadbalancer_id": "lb", "port": port}
    made |= {"protocol": ListenerProtocol.HTTP, "default_pool_id": "pool"}
    return Listener(**{**made, **fields})


def states(world: World) -> list[tuple[str, int, str]]:
    """What listens where."""
    return sorted((s.listener_id, s.port, s.state) for s in world.plane.listeners())


class ListeningTests(RelayTestCase):
    """Listeners that come, change and go."""

    def test_added(self) -> None:
        """A new listener listens from its activation on; the others are not touched."""
        world = self.world()
        before = world.bound[0]
        world.apply(*world.objects(), listener("more", 81))
        self.assertEqual(states(world), [("more", 81, "listening"), ("web", 80, "listening")])
        self.assertEqual([b.address for b in world.bound], [LOCAL, (LOCAL[0], 81)])
        self.assertFalse(before.closed)

    def test_removed(self) -> None:
        """One that goes stops accepting; it is listed until its last client has gone."""
        world = self.world()
        client, member = self.start(world)
        world.apply()
        world.loop.run()
        self.assertTrue(world.bound[0].closed)
        self.assertEqual(states(world), [("web", 80, "closing")])
        member.send(answer())
        self.assertTrue(client.ended)
        self.assertEqual(states(world), [])

    def test_moved(self) -> None:
        """One that moves keeps its clients."""
        world = self.world()
        client, member = self.start(world)
        world.apply(*evolve(world.objects(), "web", port=8080))
        self.assertEqual(states(world), [("web", 8080, "listening")])
        member.send(answer())
        client.send(ask())
        member.send(answer())
        self.assertEqual(client.received, answer() * 2)
        self.assertFalse(client.closed)

    def test_handed_over(self) -> None:
        """An address may pass from one listener to another without being closed."""
        world = self.world()
        objects = [o for o in world.objects() if o.id != "web"]
        world.apply(*objects, listener("other", 80, default_pool_id=None))
        self.assertEqual(states(world), [("other", 80, "listening")])
        self.assertFalse(world.bound[0].closed)
        client = world.client(ask())
        self.assertEqual(client.received, refusal("no_route", closes=False))
        self.assertEqual(world.entries[0].listener, "other")

    def test_disabled(self) -> None:
        """A disabled one does not listen."""
        world = self.world()
        world.apply(*evolve(world.objects(), "web", enabled=False))
        self.assertEqual(states(world), [])

    def test_refused(self) -> None:
        """An address that cannot be had refuses the change; nothing is left of it."""
        world = self.world()
        world.refused_binds[82] = AddressInUse("c", LOCAL[0], 82, "in use")
        snapshot = world.compile(*world.objects(), listener("b", 81), listener("c", 82))
        failed = self.failureOf(world.plane.prepare(snapshot), AddressInUse)
        self.assertEqual(failed.port, 82)
        self.assertEqual([bound.closed for bound in world.bound], [False, True])
        self.assertEqual(states(world), [("web", 80, "listening")])

    def failureOf(self, coroutine: Any, kind: type[Exception]) -> Any:
        """The exception that a coroutine ends with."""
        try:
            coroutine.send(None)
        except kind as why:
            return why
        raise AssertionError("it did not fail")

    def test_tolerated(self) -> None:
        """Where that is tolerated it is tried again until it can be had."""
        world = self.world()
        world.refused_binds[81] = AddressInUse("b", LOCAL[0], 81, "in use")
        snapshot = world.compile(*world.objects(), listener("b", 81))
        world.wait(world.wait(world.plane.prepare(snapshot, {"b"})).activate())
        self.assertEqual(states(world), [("b", 81, "error"), ("web", 80, "listening")])
        self.assertEqual([s.reason for s in world.plane.listeners()], ["", "in use"])
        world.advance(RETRY + 0.5)
        self.assertEqual(states(world)[0], ("b", 81, "error"))
        world.refused_binds.clear()
        world.advance(RETRY)
        self.assertEqual(states(world)[0], ("b", 81, "listening"))
        world.advance(RETRY * 2)
        self.assertEqual(len(world.bound), 2)

    def test_tolerated_and_removed(self) -> None:
        """One that is not wanted any more is not tried any more."""
        world = self.world()
        world.refused_binds[81] = AddressInUse("b", LOCAL[0], 81, "in use")
        snapshot = world.compile(*world.objects(), listener("b", 81))
        world.wait(world.wait(world.plane.prepare(snapshot, {"b"})).activate())
        world.apply(*world.objects())
        world.refused_binds.clear()
        world.advance(RETRY * 2)
        self.assertEqual(states(world), [("web", 80, "listening")])
        self.assertEqual(len(world.bound), 1)

    def test_bound_meanwhile(self) -> None:
        """One that was had between preparing and activating is not had twice."""
        world = self.world()
        world.refused_binds[81] = AddressInUse("b", LOCAL[0], 81, "in use")
        snapshot = world.compile(*world.objects(), listener("b", 81))
        world.wait(world.wait(world.plane.prepare(snapshot, {"b"})).activate())
        world.refused_binds.clear()
        prepared = world.wait(world.plane.prepare(snapshot))
        world.advance(RETRY + 0.5)
        world.wait(prepared.activate())
        self.assertEqual([bound.closed for bound in world.bound].count(False), 2)
        self.assertEqual(states(world), [("b", 81, "listening"), ("web", 80, "listening")])

    def test_discarded(self) -> None:
        """What was prepared can be given back."""
        world = self.world()
        snapshot = world.compile(*world.objects(), listener("b", 81))
        prepared = world.wait(world.plane.prepare(snapshot))
        world.wait(prepared.discard())
        self.assertEqual([bound.closed for bound in world.bound], [False, True])
        client = world.client(ask())
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer())
