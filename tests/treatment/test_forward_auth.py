"""C{forward_auth}, from what is configured to bytes on the wire."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fiberlb.treatment.draft import Reply
from tests.support.relay_world import RelayTestCase, answer, ask
from tests.support.treated import loaded

AUTH = {"url": "http://auth.example/", "copy_headers": ["X-User", "X-Groups"]}


class _Servers:
    """Answers at once."""

    def __init__(self, status: int, *fields: tuple[bytes, bytes], body: bytes = b"") -> None:
        self.answer = (status, list(fields), body)
        self.told: list[tuple[bytes, bytes]] = []

    def judged(self, url: str, fields: Any, judge: Any) -> Any:
        """What becomes of it."""
        self.told = fields
        return judge(*self.answer)


class WireTests(RelayTestCase):
    """What clients, members and the server see."""

    def guarded(self, servers: _Servers, **given: Any) -> Any:
        """A world with such a server."""
        guards = SimpleNamespace(servers=servers)
        return self.world(listener=loaded(forward_auth=AUTH), guards=guards, **given)

    def test_told(self) -> None:
        """The request without what is about its body and its connection."""
        servers = _Servers(200)
        world = self.guarded(servers)
        lines = (
            b"Cookie: a=b",
            b"X-Forwarded-Host: forged",
            b"X_Forwarded_Uri: /forged",
            b"X-Forwarded-Method: forged",
            b"X-Forwarded-For: 10.9.9.9",
            b"Content-Length: 2",
            b"If-None-Match: x",
        )
        client = world.client(ask(*lines, method=b"POST", target=b"/a/../b?c", body=b"hi"))
        found = {name.lower(): value for name, value in servers.told}
        self.assertEqual(len(found), len(servers.told))
        self.assertEqual(
            found,
            {
                b"cookie": b"a=b",
                b"via": b"1.1 fiberlb",
                b"x-forwarded-port": b"80",
                b"x-forwarded-method": b"POST",
                b"x-forwarded-proto": b"http",
                b"x-forwarded-host": b"a",
                b"x-forwarded-uri": b"/a/../b?c",
                b"x-forwarded-for": b"192.0.2.7",
            },
        )
        self.assertTrue(world.members[0].link.news().endswith(b"\r\n\r\nhi"))
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_copied(self) -> None:
        """The member gets the server's fields, never the client's own."""
        servers = _Servers(204, (b"x-user", b"alice"), (b"X-Secret", b"s"), (b"X-Groups", b"a\nb"))
        world = self.guarded(servers)
        client = world.client(ask(b"X-User: root", b"x_groups: wheel"))
        seen = world.members[0].link.news()
        self.assertTrue(seen.endswith(b"Via: 1.1 fiberlb\r\nX-User: alice\r\n\r\n"), seen)
        self.assertNotIn(b"root", seen)
        self.assertNotIn(b"wheel", seen)
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_denied(self) -> None:
        """The client gets the server's answer, framed anew."""
        fields = (
            (b"Location", b"https://login.example/"),
            (b"Set-Cookie", b"a=b"),
            (b"Set-Cookie", b"c=d"),
            (b"Content-Length", b"999"),
            (b"Transfer-Encoding", b"chunked"),
            (b"X-Bad", b"a\r\nb: c"),
        )
        world = self.guarded(_Servers(302, *fields, body=b"go"))
        client = world.client(ask())
        wanted = (
            b"HTTP/1.1 302 Found",
            b"Content-Length: 2",
            b"Location: https://login.example/",
            b"Set-Cookie: a=b",
            b"Set-Cookie: c=d",
            b"",
            b"go",
        )
        self.assertEqual(client.news(), b"\r\n".join(wanted))
        self.assertEqual(world.reasons, ["auth_failed"])
        self.assertEqual(world.members[0].links, [])

    def test_head(self) -> None:
        """To HEAD it has no body."""
        world = self.guarded(_Servers(403, body=b"no"))
        client = world.client(ask(method=b"HEAD"))
        self.assertEqual(client.news(), b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n")

    def test_odd(self) -> None:
        """An answer that cannot be told on lets nobody in."""
        for status in (101, 304, 600, 999):
            world = self.guarded(_Servers(status))
            client = world.client(ask())
            self.assertIn(b" 503 ", client.news())
            self.assertEqual(world.reasons, ["auth_failed"])

    def test_away(self) -> None:
        """Nor does a server that is away, or one that nobody may ask any more."""
        servers: Any = SimpleNamespace(
            judged=lambda *asked: Reply(status=503, reason="auth_failed")
        )
        world = self.guarded(servers)
        client = world.client(ask())
        self.assertIn(b" 503 ", client.news())
