"""C{basic_auth}, from what is configured to bytes on the wire."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import bcrypt
from twisted.internet.defer import Deferred

from fiberlb.guards.passwords import Passwords
from fiberlb.model.basic_auth import BasicAuth, UsersFile
from tests.support.relay_world import RelayTestCase, answer, ask

HASHED = bcrypt.hashpw("käse:x".encode(), bcrypt.gensalt(4)).decode()
USERS = UsersFile("users", (("alice", HASHED),))


def basic(text: str, scheme: str = "Basic") -> bytes:
    """The field of these credentials."""
    return f"Authorization: {scheme} {b64encode(text.encode()).decode()}".encode()


RIGHT = basic("alice:käse:x")
#: What nobody is let in with.
WRONG: tuple[tuple[bytes, ...], ...] = (
    (),
    (basic("alice:wrong"),),
    (basic("bob:käse:x"),),
    (basic("alice"),),
    (basic("alice:"),),
    (basic(":käse:x"),),
    (basic("alice:käse:x", "Bearer"),),
    (b"Authorization: Basic",),
    (b"Authorization: Basic ====",),
    (b"Authorization: Basic " + b"A" * 6000,),
    (b"Authorization: Basic a",),
    (b"Authorization: Basic \xff\xfe",),
    (RIGHT, RIGHT),
    (RIGHT, basic("alice:wrong")),
    (RIGHT.replace(b"Authorization", b"X-Authorization"),),
    (basic("alice:käse:x\x00"),),
)


class WireTests(RelayTestCase):
    """What clients and members see."""

    def setUp(self) -> None:
        """Work that is done at once, or when it is told."""
        super().setUp()
        self.later: list[tuple[Any, Deferred[Any]]] | None = None
        self.now = 0.0

    def guarded(self, **keys: Any) -> Any:
        """A world with a password."""

        def run(work: Any) -> Deferred[Any]:
            done: Deferred[Any] = Deferred()
            if self.later is None:
                done.callback(work())
            else:
                self.later.append((work, done))
            return done

        guards = SimpleNamespace(passwords=Passwords(run, lambda: self.now, b"k"))
        value = BasicAuth(realm="r", users_file=USERS, **keys)
        return self.world(listener={"basic_auth": value}, guards=guards)

    def test_right(self) -> None:
        """It passes, again and again; the member does not learn the password."""
        world = self.guarded()
        client = world.client()
        for scheme in (b"Basic", b"basic", b"BASIC"):
            client.send(ask(RIGHT.replace(b"Basic", scheme), b"X-A: 1"))
            seen = world.members[0].link.news()
            self.assertNotIn(b"uthorization", seen)
            self.assertIn(b"X-A: 1\r\n", seen)
            world.members[0].link.send(answer())
            self.assertEqual(client.news(), answer())
        self.assertEqual({entry.user for entry in world.entries}, {b"alice"})
        client.send(ask(basic("alice:wrong")))
        self.assertEqual(world.entries[-1].user, b"")

    def test_pass_on(self) -> None:
        """The member learns it where that is wanted."""
        world = self.guarded(pass_on=True)
        client = world.client(ask(RIGHT))
        self.assertIn(RIGHT, world.members[0].link.news())
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_wrong(self) -> None:
        """Everybody else is told to say who they are; the log says why."""
        world = self.guarded()
        for number, lines in enumerate(WRONG, 1):
            client = world.client(ask(*lines))
            seen = client.news()
            self.assertTrue(seen.startswith(b"HTTP/1.1 401 Unauthorized\r\n"), (lines, seen))
            self.assertIn(b'\r\nWWW-Authenticate: Basic realm="r", charset="UTF-8"\r\n', seen)
            self.assertIn(b"\r\n\r\nauth_failed id-%d\n" % number, seen)
        self.assertEqual(set(world.reasons), {"auth_failed"})
        self.assertEqual(world.members[0].links, [])

    def test_flood(self) -> None:
        """What is too much is refused at once; who is remembered is served meanwhile."""
        world = self.guarded()
        good = world.client(ask(RIGHT))
        world.members[0].link.send(answer())
        self.later = []
        clients = [world.client(ask(basic(f"alice:{n}"))) for n in range(6)]
        seen = [client.news() for client in clients]
        self.assertEqual(seen[:4], [b""] * 4)
        for refused in seen[4:]:
            self.assertIn(b" 429 ", refused)
        good.send(ask(RIGHT))
        world.members[0].link.send(answer())
        self.assertEqual(good.news(), answer() * 2)
        for work, done in self.later:
            done.callback(work())
        for client in clients[:4]:
            self.assertIn(b" 401 ", client.news())

    def test_gone(self) -> None:
        """A client that does not wait is forgotten."""
        world = self.guarded()
        self.later = []
        client = world.client(ask(RIGHT))
        client.reset()
        world.loop.run()
        ((work, done),) = self.later
        self.assertIsNone(work())
        done.callback(None)
