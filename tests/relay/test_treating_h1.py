"""Gates: who looks at requests before a member gets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from fiberlb.treatment.draft import Draft, Reply
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked, refusal
from tests.support.treated import treat

Gate = Callable[[Any, Any], Any]


def gates(*given: Gate) -> Callable[[Draft], None]:
    """A treatment of these gates."""
    return lambda draft: draft.gates.extend(given)


class GateTests(RelayTestCase):
    """Gates that know at once."""

    def gated(self, *given: Gate) -> World:
        """A world whose requests pass these."""
        world = self.world()
        treat(world, gates(*given))
        return world

    def test_order(self) -> None:
        """One after the other, each request; what they see is the request."""
        seen: list[Any] = []

        def first(exchange: Any, request: Any) -> None:
            seen.append((1, request.target, request.host, exchange.authority))

        def second(exchange: Any, request: Any) -> None:
            seen.append((2, request.target, request.host, exchange.authority))

        world = self.gated(first, second)
        client = world.client()
        for _ in range(3):
            client.send(ask(target=b"/x"))
            self.assertEqual(world.members[0].link.news(), asked(target=b"/x"))
            world.members[0].link.send(answer())
        self.assertEqual(seen, [(1, b"/x", b"a", b"a"), (2, b"/x", b"a", b"a")] * 3)
        self.assertEqual(client.news(), answer() * 3)

    def test_replies(self) -> None:
        """A gate's answer is the answer, and the connection goes on; later gates do not look."""
        looked: list[int] = []
        replies = iter(
            (
                Reply(204, lines=b"Allow: GET\r\n"),
                Reply(200, body=b"abc"),
                Reply(reason="rejected", lines=b"X: y\r\n"),
                Reply(418, "rejected"),
            )
        )
        world = self.gated(lambda e, r: next(replies), lambda e, r: looked.append(1))
        client = world.client(ask())
        self.assertEqual(client.news(), b"HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n")
        client.send(ask(b"Content-Length: 2", method=b"POST", body=b"xy"))
        self.assertEqual(client.news(), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
        client.send(ask())
        told = refusal("rejected", closes=False)
        self.assertEqual(client.news(), told.replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n"))
        client.send(ask())
        self.assertTrue(client.news().startswith(b"HTTP/1.1 418 "))
        self.assertEqual((looked, world.members[0].links), ([], []))
        self.assertEqual(world.reasons, [None, None, "rejected", "rejected"])

    def test_leaves_lines(self) -> None:
        """What a gate has to say stands in the answer, whoever gives it, and in no other one."""
        number = iter(range(9))

        def counting(exchange: Any, request: Any) -> None:
            exchange.added += b"X-Left: %d\r\n" % next(number)
            exchange.out = exchange.out.replace(b"Host: a", b"Host: b")

        world = self.gated(counting)
        client = world.client(ask())
        self.assertIn(b"Host: b\r\n", world.members[0].link.news())
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer(b"hi", b"X-Left: 0"))
        world.members[0].does = "hang"
        client.send(ask())
        world.members[0].link.reset()
        world.advance(20)
        self.assertEqual(client.news().count(b"X-Left: 1\r\n"), 1)


class WaitTests(RelayTestCase):
    """Gates that have to find out."""

    def waiting(self, data: bytes = b"") -> tuple[World, Any, list[Deferred[Any]]]:
        """A client whose request waits at a gate, with further ones behind."""
        world = self.world()
        waits: list[Deferred[Any]] = []

        def gate(exchange: Any, request: Any) -> Deferred[Any]:
            waits.append(Deferred(lambda d: world.suspects.append(("cancelled", "", ""))))
            return waits[-1]

        treat(world, gates(gate, lambda e, r: None))
        return world, world.client(data or ask()), waits

    def test_passes(self) -> None:
        """It goes on, with those behind it in their order."""
        world, client, waits = self.waiting(ask() + ask(target=b"/2"))
        self.assertEqual((len(waits), world.members[0].links), (1, []))
        waits[0].callback(None)
        world.loop.run()
        self.assertEqual(world.members[0].link.news(), asked())
        world.members[0].link.send(answer())
        self.assertEqual((client.news(), len(waits)), (answer(), 2))
        waits[1].callback(Reply(reason="rejected"))
        world.loop.run()
        self.assertEqual(client.news(), refusal("rejected", closes=False))

    def test_known(self) -> None:
        """An answer that is there already is no wait; a failure refuses, and passes nobody."""
        world = self.world()
        treat(world, gates(lambda e, r: succeed(None)))
        client = world.client(ask())
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())
        treat(world, gates(lambda e, r: fail(ValueError("secret"))))
        world.members[0].links.clear()
        other = world.client(ask())
        self.assertEqual(bytes(other.received), refusal("internal", closes=False))
        self.assertEqual(world.entries[-1].detail, "a gate has failed: ValueError")

    def test_body(self) -> None:
        """A body that comes meanwhile follows the head, what was read and what was not."""
        body = bytes(range(256)) * 800
        data = ask(b"Content-Length: %d" % len(body), method=b"POST", body=body[:1000])
        world, client, waits = self.waiting(data)
        client.send(body[1000:])
        self.assertGreater(client.unread, 0)
        waits[0].callback(None)
        world.loop.run()
        self.assertEqual(world.members[0].link.received.partition(b"\r\n\r\n")[2], body)
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_client_goes(self) -> None:
        """The gate is told, and whatever it finds out then is nobody's."""
        for leave in ("reset", "end"):
            world, client, waits = self.waiting()
            getattr(client, leave)()
            self.assertEqual(world.reasons, ["client_abort"])
            self.assertEqual(world.suspects, [("cancelled", "", "")])
            self.assertTrue(waits[0].called)
            world.loop.run()
            self.assertEqual(world.members[0].links, [])

    def test_breaks(self) -> None:
        """What goes wrong afterwards ends this connection, and no other one."""
        world, client, waits = self.waiting()
        waits[0].callback("no reply")
        world.loop.run()
        self.faults = 1
        self.assertIn(b" 500 ", client.news())
