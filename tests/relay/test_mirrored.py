"""Copies of requests, and that nobody waits for them."""

from __future__ import annotations

import errno
from typing import Any

from fiberlb.model.mirror import MirrorSettings
from fiberlb.model.pool import Member, Pool
from fiberlb.relay.exchange import MOST_HELD
from fiberlb.relay.mirrored import MOST
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked, head

CHUNKED = b"Transfer-Encoding: chunked"


class MirrorTests(RelayTestCase):
    """m0 serves, m1 gets the copies."""

    def mirrored(self, percent: int = 100, **pool: Any) -> World:
        """A world with a mirror."""
        world = self.world(2)
        settings = MirrorSettings(pool_id="mirror", percent=percent)
        world.apply(
            *world.objects(listener={"mirror": settings}, members=["m0"]),
            Pool(id="mirror", name="mirror", **pool),
            Member(id="m1", name="m1", address="192.0.2.201", port=9001, pool_id="mirror"),
        )
        return world

    def figures(self, world: World) -> dict[str, int]:
        """What became of the copies."""
        found = world.plane.pool_figures("mirror")
        return {key: found[f"copies_{key}"] for key in ("sent", "dropped", "failed")}

    def serve(self, world: World, client: Any) -> None:
        """m0 answers, and the client has it at once."""
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_copied(self) -> None:
        """Both get the same bytes; only one's answer is heard, and the log has one request."""
        world = self.mirrored()
        client = world.client()
        for sent, seen in (
            (ask(), asked()),
            (ask(target=b"/x"), asked(target=b"/x")),
            (
                ask(b"Content-Length: 4", method=b"POST", body=b"abcd"),
                asked(b"Content-Length: 4", method=b"POST", body=b"abcd"),
            ),
            (
                ask(CHUNKED, method=b"PUT", body=b"2\r\nab\r\n0\r\n\r\n"),
                asked(CHUNKED, method=b"PUT", body=b"2\r\nab\r\n0\r\n\r\n"),
            ),
        ):
            client.send(sent)
            self.assertEqual(world.members[0].link.news(), seen)
            self.assertEqual(world.members[1].link.news(), seen)
            world.members[1].link.send(answer(b"not this one"))
            self.serve(world, client)
        self.assertEqual(self.figures(world), {"sent": 4, "dropped": 0, "failed": 0})
        self.assertEqual(len(world.entries), 4)
        self.assertEqual({entry.member for entry in world.entries}, {"m0"})
        self.assertEqual([len(member.links) for member in world.members], [1, 1])

    def test_answers(self) -> None:
        """Whatever the mirror answers is read to its end and dropped."""
        long = b"x" * 300_000
        for made in (
            answer(long),
            head(CHUNKED) + b"493e0\r\n" + long + b"\r\n0\r\n\r\n",
            answer(b"", status=b"204 No Content"),
            head(status=b"103 Early Hints") + answer(),
        ):
            world = self.mirrored()
            client = world.client(ask())
            mirror = world.members[1].link
            for at in range(0, len(made), 50_000):
                mirror.send(made[at : at + 50_000])
            self.serve(world, client)
            self.assertEqual(self.figures(world)["sent"], 1, made[:80])
            client.send(ask())
            self.assertEqual(len(world.members[1].links), 1)
            mirror.send(answer())
            self.serve(world, client)

    def test_broken(self) -> None:
        """A mirror that refuses, resets, or talks rubbish is nobody's trouble."""
        for what in ("refused", "at once", "reset", "rubbish"):
            world = self.mirrored()
            mirror = world.members[1]
            mirror.does = {"refused": errno.ECONNREFUSED, "at once": -errno.ENETUNREACH}.get(
                what, "accept"
            )
            client = world.client(ask(b"Content-Length: 1", method=b"POST", body=b"a"))
            if what == "reset":
                mirror.link.reset()
            elif what == "rubbish":
                mirror.link.send(b"SSH-2.0\r\n\r\n")
            self.serve(world, client)
            self.assertEqual(self.figures(world), {"sent": 0, "dropped": 0, "failed": 1}, what)
            self.assertEqual(world.reasons, [None])

    def test_hangs(self) -> None:
        """A mirror that never answers gets so many requests; all are answered at once anyway."""
        for does in ("accept", "hang"):
            world = self.mirrored()
            world.members[1].does = does
            client = world.client()
            for _ in range(3 * MOST):
                client.send(ask())
                self.serve(world, client)
            self.assertEqual({entry.total for entry in world.entries}, {0.0})
            self.assertEqual(len(world.members[1].links), MOST)
            self.assertEqual(self.figures(world), {"sent": 0, "dropped": 2 * MOST, "failed": 0})
            world.advance(70)
            self.assertEqual(self.figures(world)["failed"], MOST)
            world.members[1].does = "accept"
            again = world.client(ask())
            self.assertEqual(world.members[1].link.news(), asked())
            world.members[1].link.send(answer())
            self.serve(world, again)

    def test_percent(self) -> None:
        """Exactly the share, spread evenly."""
        world = self.mirrored(25)
        client = world.client()
        copied = []
        for number in range(12):
            client.send(ask())
            copied.append(self.figures(world)["sent"])
            if world.members[1].links and world.members[1].link.news():
                world.members[1].link.send(answer())
                copied[-1] = self.figures(world)["sent"]
            self.serve(world, client)
            self.assertEqual(copied[-1], (number + 1) // 4)

    def test_large(self) -> None:
        """A body that is larger than what is held is not copied, and reaches its member whole."""
        world = self.mirrored()
        body = bytes(range(256)) * (MOST_HELD // 256 + 1)
        client = world.client(ask(b"Content-Length: %d" % len(body), method=b"POST"))
        for at in range(0, len(body), 16384):
            client.send(body[at : at + 16384])
        self.assertTrue(world.members[0].link.news().endswith(body))
        self.serve(world, client)
        self.assertEqual(self.figures(world), {"sent": 0, "dropped": 1, "failed": 0})
        self.assertEqual(world.members[1].links, [])

    def test_client_goes(self) -> None:
        """What a client does not send to its end is not copied."""
        world = self.mirrored()
        client = world.client(ask(b"Content-Length: 9", method=b"POST", body=b"abc"))
        client.reset()
        self.assertEqual(world.members[1].links, [])
        other = world.client(ask())
        world.members[1].link.send(answer())
        self.serve(world, other)

    def test_not_copied(self) -> None:
        """Upgrades are not copied: there is no answer to drop."""
        world = self.mirrored()
        client = world.client(ask(b"Connection: Upgrade", b"Upgrade: x"))
        self.serve(world, client)
        self.assertEqual(world.members[1].links, [])

    def test_room(self) -> None:
        """A mirror's own limit holds, and copies do not queue."""
        world = self.mirrored(member_max_connections=1)
        clients = [world.client(ask()) for _ in range(3)]
        self.assertEqual(len(world.members[1].links), 1)
        self.assertEqual(self.figures(world)["failed"], 2)
        world.members[1].link.send(answer())
        for number, client in enumerate(clients):
            world.members[0].links[number].send(answer())
            self.assertEqual(client.news(), answer())
