"""C{rewrite}, from what is configured to bytes on the wire."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fiberlb.errors import ConfigurationError
from fiberlb.treatment.draft import Draft, Surroundings
from fiberlb.treatment.rewriting import faults, rewrite
from tests.support.relay_world import RelayTestCase, answer, ask, retries
from tests.support.treated import loaded

#: What is configured, a target, and what the member gets.
TARGETS: tuple[tuple[dict[str, Any], bytes, bytes], ...] = (
    ({"prefix": ["/old", "/new"]}, b"/old", b"/new"),
    ({"prefix": ["/old", "/new"]}, b"/old/", b"/new/"),
    ({"prefix": ["/old", "/new"]}, b"/old/a?b=/old", b"/new/a?b=/old"),
    ({"prefix": ["/old", "/new"]}, b"/older", b"/older"),
    ({"prefix": ["/old", "/new"]}, b"/x/old", b"/x/old"),
    ({"prefix": ["/old", "/new"]}, b"/old/a%20%2f;x//y", b"/new/a%20%2f;x//y"),
    ({"prefix": ["/old", "/new"]}, b"/%6fld/a", b"/new/a"),
    ({"prefix": ["/old", "/new"]}, b"//old/a", b"/new/a"),
    ({"prefix": ["/old", "/new"]}, b"/old/../secret", b"/old/../secret"),
    ({"prefix": ["/old", "/new"]}, b"/old/a/%2e%2e/b", b"/new/b"),
    ({"prefix": ["/old", "/new"]}, b"/x/../old/b", b"/new/b"),
    ({"prefix": ["/old", "/new/"]}, b"/old", b"/new/"),
    ({"prefix": ["/old/", "/new/"]}, b"/old/a", b"/new/a"),
    ({"prefix": ["/api", "/"]}, b"/api/a", b"/a"),
    ({"prefix": ["/api", "/"]}, b"/api", b"/"),
    ({"prefix": ["/api", "/"]}, b"/api?x", b"/?x"),
    ({"prefix": ["/api", "/"]}, b"/api//evil.example/", b"/evil.example/"),
    ({"prefix": ["/", "/app"]}, b"/", b"/app/"),
    ({"prefix": ["/", "/app"]}, b"/a", b"/app/a"),
    ({"regex": ["^/u/([0-9]+)/(.*)$", "/$2/user-\\1"]}, b"/u/12/x?q", b"/x/user-12?q"),
    ({"regex": ["^/u/([0-9]+)$", "/user"]}, b"/u/x", b"/u/x"),
    ({"regex": ["/v[12]/", "/"]}, b"/a/v2/b", b"/a/b"),
    ({"regex": ["(b)?$", "/\\1"]}, b"/a", b"/a/"),
    ({"regex": ["^/admin", "/nothing"]}, b"/x/../%61dmin", b"/nothing"),
    ({"regex": ["x", "$"]}, b"/x", b"/$"),
)


class TargetTests(RelayTestCase):
    """Paths."""

    def test_targets(self) -> None:
        """The table; the log keeps what the client has sent."""
        for value, target, wanted in TARGETS:
            world = self.world(pool=loaded(rewrite=value))
            client = world.client()
            for _ in range(3):
                client.send(ask(target=target))
                seen = world.members[0].link.news()
                self.assertEqual(seen.split(b" ")[1], wanted, (value, target))
                world.members[0].link.send(answer())
                self.assertEqual(world.entries[-1].target, target)
            self.assertEqual(client.news(), answer() * 3)

    def test_no_path(self) -> None:
        """The asterisk of OPTIONS is none."""
        world = self.world(pool=loaded(rewrite={"regex": ["^", "/x"]}))
        world.client(ask(method=b"OPTIONS", target=b"*"))
        self.assertTrue(world.members[0].link.news().startswith(b"OPTIONS * HTTP"))
        world.members[0].link.send(answer())

    def test_no_target(self) -> None:
        """What would be none reaches nobody."""
        world = self.world(pool=loaded(rewrite={"regex": ["^/x", "y"]}))
        client = world.client(ask(target=b"/x"))
        self.assertIn(b" 400 ", client.news())
        world.apply(*world.objects(pool=loaded(rewrite={"prefix": ["/x", "/" + "y" * 1000]})))
        limit = world.cell.plan.limits.uri
        client = world.client(ask(target=b"/x/" + b"z" * (limit - 100)))
        self.assertIn(b" 400 ", client.news())
        self.assertEqual(world.members[0].links, [])

    def test_undecided(self) -> None:
        """A search that takes too long refuses; nothing is sent on as it came."""
        world = self.world(pool=loaded(rewrite={"regex": ["^/(a|a?)+$", "/b"]}))
        client = world.client(ask(target=b"/" + b"a" * 2000 + b"!"))
        self.assertTrue(client.news().startswith(b"HTTP/1.1 500 "))
        self.assertEqual((world.members[0].links, world.reasons), ([], ["rule_undecided"]))

    def test_faults(self) -> None:
        """A pattern that is none is refused when the configuration is compiled."""
        for value, at in (
            ({"regex": ["(", "/"]}, ("rewrite", "regex", 0)),
            ({"regex": ["(a)", "/$2"]}, ("rewrite", "regex", 1)),
        ):
            self.assertEqual(len(faults(loaded(rewrite=value)["rewrite"])), 1)
            world = self.world()
            with self.assertRaises(ConfigurationError) as caught:
                world.compile(*world.objects(pool=loaded(rewrite=value)))
            (problem,) = caught.exception.problems
            self.assertEqual(problem.path, ("pools", "pool", *at))

    @given(st.binary(max_size=30), st.sampled_from([value for value, _, _ in TARGETS]))
    def test_traffic(self, target: bytes, value: dict[str, Any]) -> None:
        """Whatever is asked for, the head stays one head."""
        clean = b"/" + re.sub(rb"[\x00-\x20#\x7f]", b"", target)
        draft = Draft(Surroundings(None, {}))
        rewrite(loaded(rewrite=value)["rewrite"], draft)
        plan = SimpleNamespace(limits=SimpleNamespace(uri=1000))
        asked: Any = SimpleNamespace(
            cell=SimpleNamespace(plan=plan), conn=SimpleNamespace(loop=SimpleNamespace(now=1.0))
        )
        head = b"GET " + clean + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        made = draft.requests[0](asked, head)
        self.assertIsNotNone(
            re.fullmatch(rb"GET /[^\x00-\x20\x7f#]* HTTP/1\.1\r\nHost: a\r\n\r\n", made), made
        )


class HostTests(RelayTestCase):
    """Hosts."""

    def seen(self, host: str, *lines: bytes, peer: str = "192.0.2.7") -> list[bytes]:
        """What members are told of hosts."""
        world = self.world(listener=loaded(rewrite={"host": host}), trusted=["10.0.0.0/8"])
        world.client(ask(*lines), peer=peer)
        found = re.findall(rb"\n((?:X-Forwarded-)?Host: [^\r]*)\r", world.members[0].link.news())
        world.members[0].link.send(answer())
        return found

    def test_hosts(self) -> None:
        """The client's, the member's, or another one; what was asked for is told beside."""
        told = b"X-Forwarded-Host: a"
        self.assertEqual(self.seen("keep"), [b"Host: a"])
        self.assertEqual(self.seen("member"), [b"Host: 192.0.2.200:9000", told])
        self.assertEqual(self.seen("b.example:81"), [b"Host: b.example:81", told])
        line = b"X-Forwarded-Host: c"
        self.assertEqual(self.seen("member", line), [b"Host: 192.0.2.200:9000", told])
        self.assertEqual(
            self.seen("b", line, peer="10.0.0.1"), [b"Host: b", b"X-Forwarded-Host: c"]
        )

    def test_next_member(self) -> None:
        """A member that gets the request in another one's place is asked by its own name."""
        pool = {**loaded(rewrite={"host": "member"}), **retries()}
        world = self.world(2, pool=pool)
        world.members[0].does = -111
        client = world.client(ask(b"Content-Length: 2", method=b"PUT", body=b"hi"))
        seen = world.members[1].link.news()
        self.assertIn(b"\r\nHost: 192.0.2.200:9001\r\n", seen)
        self.assertTrue(seen.endswith(b"\r\n\r\nhi"))
        world.members[1].link.send(answer())
        self.assertEqual(client.news(), answer())
        for _ in range(2):
            client.send(ask())
            self.assertIn(b"\r\nHost: 192.0.2.200:9001\r\n", world.members[1].link.news())
            world.members[1].link.send(answer())
