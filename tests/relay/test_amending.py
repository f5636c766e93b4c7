"""Answers on routes with a treatment."""

from __future__ import annotations

from typing import Any

from fiberlb.treatment.draft import Draft
from tests.support.relay_world import RelayTestCase, World, answer, ask, head
from tests.support.treated import treat

CHUNKED = b"Transfer-Encoding: chunked"


class Doubling:
    """Says everything twice, a piece late."""

    def __init__(self) -> None:
        self.held = b""

    def feed(self, piece: bytes) -> bytes:
        """What was held, twice."""
        given, self.held = self.held, piece
        return given * 2

    def end(self) -> bytes:
        """The last piece."""
        return self.held * 2


def doubled(draft: Draft) -> None:
    """A treatment that doubles what is of status 200."""

    def make(asked: Any, status: int, prefix: bytes) -> Any:
        return (Doubling(), prefix + b"X-Doubled: 1\r\n") if status == 200 else None

    draft.filters.append(make)


def content(received: bytes) -> bytes:
    """A chunked body's content."""
    _, _, body = received.partition(b"\r\n\r\n")
    found = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        if not count:
            return found
        found, body = found + body[:count], body[count + 2 :]


class FilterTests(RelayTestCase):
    """Filters of content."""

    def doubling(self) -> World:
        """A world that says everything twice."""
        world = self.world()
        treat(world, doubled)
        return world

    def test_bodies(self) -> None:
        """Whatever the framing, and however it comes, the filter sees the content."""
        for made in (
            answer(b"abcdef"),
            head(CHUNKED) + b"3\r\nabc\r\n3;x\r\ndef\r\n0\r\nT: v\r\n\r\n",
            head() + b"abcdef",
        ):
            for size in (1, 7, 1000):
                world = self.doubling()
                client = world.client(ask())
                member = world.members[0].link
                for at in range(0, len(made), size):
                    member.send(made[at : at + size])
                if b"ngth" not in made and CHUNKED not in made:
                    member.end()
                seen = client.news()
                self.assertEqual(sorted(content(seen)), sorted(b"abcdef" * 2))
                lines = seen.partition(b"\r\n\r\n")[0].split(b"\r\n")
                self.assertEqual(lines.count(CHUNKED), 1, lines)
                self.assertNotIn(b"Content-Length", seen)
                self.assertIn(b"X-Doubled: 1", lines)
                self.assertEqual(world.entries[0].sent, 12)

    def test_next(self) -> None:
        """The connection goes on, and the next answer has a filter of its own, or none."""
        world = self.doubling()
        client = world.client(ask())
        member = world.members[0].link
        member.send(answer(b"ab"))
        client.news()
        client.send(ask())
        member.send(answer(b"cd", status=b"404 Not Found"))
        self.assertEqual(client.news(), answer(b"cd", status=b"404 Not Found"))
        client.send(ask())
        member.send(answer(b"ef"))
        self.assertEqual(content(client.news()), b"efef")
        self.assertEqual(len(world.members[0].links), 1)

    def test_left_alone(self) -> None:
        """What has no body, and clients that could not see the end of one."""
        world = self.doubling()
        client = world.client(ask(method=b"HEAD"))
        world.members[0].link.send(head(b"Content-Length: 5"))
        self.assertEqual(client.news(), head(b"Content-Length: 5"))
        client.send(ask())
        world.members[0].link.send(answer(b""))
        self.assertEqual(client.news(), answer(b""))
        old = world.client(ask(version=b"1.0"))
        world.members[0].link.send(answer(b"ab"))
        self.assertIn(b"\r\n\r\nab", bytes(old.received))
        self.assertNotIn(b"abab", bytes(old.received))

    def test_cut(self) -> None:
        """An answer that ends early is seen to be cut."""
        world = self.doubling()
        client = world.client(ask())
        member = world.members[0].link
        member.send(answer(b"abcdef")[:-3])
        member.end()
        self.assertFalse(client.received.endswith(b"0\r\n\r\n"))
        self.assertTrue(client.closed or client.ended)
        self.assertEqual(world.reasons, ["truncated"])
