"""C{request_headers} and C{response_headers}, from what is configured to bytes on the wire."""

from __future__ import annotations

from typing import Any

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from tests.support.relay_world import TAIL, RelayTestCase, World, answer, ask, head
from tests.support.treated import loaded

#: Key, what is configured, further lines of the request, and what then is among the lines that the
#: member gets, in their order; C{!} in front: what is not.
REQUESTS: tuple[tuple[dict[str, Any], tuple[bytes, ...], tuple[bytes, ...]], ...] = (
    ({"set": {"X-A": "1"}}, (), (b"X-A: 1",)),
    ({"set": {"X-A": "1"}}, (b"x-a: 0", b"X_A: 0"), (b"X-A: 1", b"!x-a: 0", b"!X_A: 0")),
    ({"add": {"X-A": "1"}}, (b"X-A: 0",), (b"X-A: 0", b"X-A: 1")),
    ({"remove": ["X-A", "Cookie"]}, (b"X-A: 0", b"Cookie: a"), (b"!X-A: 0", b"!Cookie: a")),
    ({"set": {"X-A": "{client_ip}"}}, (), (b"X-A: 192.0.2.7",)),
    ({"set": {"X-A": "{scheme}://{host}/"}}, (), (b"X-A: http://a/",)),
    ({"set": {"X-A": "{sni}"}}, (b"X-A: 0",), (b"!X-A: 0", b"!X-A: ")),
    ({"set": {"X-A": "v{tls_version}"}}, (), (b"X-A: v",)),
    ({"set": {"X-A": "{request_id}"}}, (), (b"X-A: id-1",)),
    ({"set": {"X-Forwarded-For": "unknown"}}, (), (b"X-Forwarded-For: unknown",)),
    ({"set": {"X-A": "\u00e9"}}, (), (b"X-A: \xc3\xa9",)),
    ({"remove": "Via"}, (), (b"!Via: 1.1 fiberlb",)),
)
#: The same of answers, with further lines of the member's.
ANSWERS: tuple[tuple[dict[str, Any], tuple[bytes, ...], tuple[bytes, ...]], ...] = (
    ({"set": {"Server": "x"}}, (b"Server: secret/1.2",), (b"Server: x", b"!Server: secret/1.2")),
    ({"add": {"Link": "</a>"}}, (b"Link: </b>",), (b"Link: </b>", b"Link: </a>")),
    ({"remove": ["X-Powered-By"]}, (b"x-powered-by: x",), (b"!x-powered-by: x",)),
    ({"set": {"X-Id": "{request_id}"}}, (), (b"X-Id: id-1",)),
    ({"add": {"X-Seen": "{client_ip} {host}"}}, (), (b"X-Seen: 192.0.2.7 a",)),
)


class WireTests(RelayTestCase):
    """What members and clients see."""

    def look(self, lines: list[bytes], wanted: tuple[bytes, ...], case: object) -> None:
        """Lines that are there, in this order, and lines that are not."""
        there = [line for line in wanted if line[:1] != b"!"]
        self.assertEqual([line for line in lines if line in there], there, case)
        for line in wanted:
            if line[:1] == b"!":
                self.assertNotIn(line[1:], lines, case)

    def test_requests(self) -> None:
        """The table of requests, on listeners, pools and policies alike."""
        for edits, sent, wanted in REQUESTS:
            for where in ("listener", "pool"):
                given: Any = {where: loaded(request_headers=edits)}
                world = self.world(**given)
                world.client(ask(*sent))
                link = world.members[0].link
                seen = link.news()
                self.look(seen.split(b"\r\n"), wanted, (edits, where))
                self.assertTrue(seen.startswith(b"GET / HTTP/1.1\r\nHost: a\r\n"))
                self.assertEqual(seen.count(b"\r\n\r\n"), 1)
                self.assertTrue(seen.endswith(b"\r\n\r\n"))
                link.send(answer())

    def test_answers(self) -> None:
        """The table of answers, with bodies of each kind."""
        for edits, sent, wanted in ANSWERS:
            for made in (
                answer(b"hi", *sent),
                head(*sent, b"Transfer-Encoding: chunked") + b"2\r\nhi\r\n0\r\n\r\n",
            ):
                world = self.world(listener=loaded(response_headers=edits))
                client = world.client(ask())
                world.members[0].link.send(made)
                seen = client.news()
                self.look(seen.partition(b"\r\n\r\n")[0].split(b"\r\n"), wanted, edits)
                self.assertEqual(seen.partition(b"\r\n\r\n")[2], made.partition(b"\r\n\r\n")[2])

    def test_again(self) -> None:
        """Repeated requests are edited like the first; an id is another one each time."""
        for value, wanted in (
            ("{client_ip}", [b"192.0.2.7"] * 4),
            ("{request_id}", [b"id-%d" % n for n in range(1, 5)]),
        ):
            world = self.world(listener=loaded(request_headers={"set": {"X-A": value}}))
            client = world.client()
            for one in wanted:
                client.send(ask(b"X-A: forged"))
                seen = world.members[0].link.news()
                self.assertEqual(seen, ask()[:-2] + TAIL[:-2] + b"X-A: " + one + b"\r\n\r\n")
                world.members[0].link.send(answer())
            ids = [entry.request_id for entry in world.entries]
            expected = [w.decode() for w in wanted] if value == "{request_id}" else [""] * 4
            self.assertEqual(ids, expected)

    def test_bodies(self) -> None:
        """A request with a body goes the same way, and stays as it is."""
        world = self.world(listener=loaded(request_headers={"set": {"X-A": "{request_id}"}}))
        client = world.client(ask(b"Content-Length: 4", method=b"POST", body=b"ab"))
        client.send(b"cd")
        seen = world.members[0].link.news()
        self.assertTrue(seen.endswith(b"X-A: id-1\r\n\r\nabcd"), seen)
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def policy(self, **keys: Any) -> list[Any]:
        """A redirect of everything below /r."""
        given: dict[str, Any] = {
            "id": "q",
            "name": "q",
            "listener_id": "web",
            "redirect_url": "https://x.example/",
        }
        rule = L7Rule(id="r", policy_id="q", rule_type=RuleType.PATH, value="/r")
        return [L7Policy(action=PolicyAction.REDIRECT_TO_URL, **given, **loaded(**keys)), rule]

    def test_own(self) -> None:
        """Redirects, refusals and malformed requests: all that clients get."""
        world = self.world(
            listener={"default_pool_id": None, **loaded(response_headers={"set": {"X-A": "1"}})},
            policies=self.policy(),
        )
        client = world.client(ask(target=b"/r") + ask() + b"BAD\r\n\r\n")
        heads = [part for part in client.received.split(b"HTTP/1.1 ") if part]
        self.assertEqual([part[:3] for part in heads], [b"302", b"503", b"400"])
        for part in heads:
            self.assertEqual(part.count(b"X-A: 1\r\n"), 1, part)
            self.assertLess(part.index(b"X-A"), part.index(b"\r\n\r\n"))

    def test_policy(self) -> None:
        """A policy's own edits stand in place of the listener's; the error names the same id."""
        mine = {"set": {"X-A": "2", "X-Id": "{request_id}"}}
        listener = loaded(response_headers={"set": {"X-A": "1"}})
        world: World = self.world(listener=listener, policies=self.policy(response_headers=mine))
        client = world.client(ask(target=b"/r"))
        self.assertIn(b"X-A: 2\r\nX-Id: id-1\r\n", client.news())
        self.assertEqual(world.entries[0].request_id, "id-1")
