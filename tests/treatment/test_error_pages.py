"""C{error_pages}, from what is configured to bytes on the wire."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.response import BodyFile
from fiberlb.treatment.error_pages import media_type, prefers_json
from tests.support.relay_world import RelayTestCase, World, answer, ask, refusal
from tests.support.treated import loaded

FILES = {
    "503.html": "<h1>{status}</h1><p>{reason} {request_id} {other}</p>\n",
    "any.txt": "Sorr\u00fd.\n",
    "any.json": '{"reason": "{reason}"}\n',
}
BROWSER = b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PROGRAM = b"Accept: application/json"
HTML = (b"text/html; charset=utf-8", b"<h1>503</h1><p>no_route id-1 {other}</p>\n")
TEXT = (b"text/plain; charset=utf-8", "Sorr\u00fd.\n".encode())
PROBLEM = (
    b"application/problem+json",
    b'{"type": "about:blank", "title": "Service Unavailable", "status": 503,'
    b' "code": "no_route", "request_id": "id-1"}\n',
)
PLAIN = (b"text/plain", b"no_route id-1\n")
#: What is configured, what the client says, and the media type and content of a 503.
CASES: tuple[tuple[dict[str, str], tuple[bytes, ...], tuple[bytes, bytes]], ...] = (
    ({"503": "file:503.html"}, (), HTML),
    ({"503": "file:503.html"}, (PROGRAM,), HTML),
    ({"5xx": "file:any.txt"}, (), TEXT),
    ({"503": "file:503.html", "5xx": "file:any.txt"}, (), HTML),
    ({"502": "file:503.html", "5xx": "file:any.txt"}, (), TEXT),
    ({"502": "file:503.html", "4xx": "file:any.txt"}, (), PLAIN),
    ({"5xx": "file:any.json"}, (), (b"application/json", FILES["any.json"].encode())),
    ({"5xx": "problem_json"}, (PROGRAM,), PROBLEM),
    ({"5xx": "problem_json"}, (), PROBLEM),
    ({"5xx": "problem_json"}, (BROWSER,), PLAIN),
    ({"503": "problem_json", "5xx": "file:any.txt"}, (BROWSER,), TEXT),
    ({"503": "problem_json", "5xx": "file:any.txt"}, (PROGRAM,), PROBLEM),
    ({}, (PROGRAM,), PLAIN),
)


class WireTests(RelayTestCase):
    """What clients get."""

    def nowhere(self, pages: Any, **given: Any) -> World:
        """A world without a route."""
        keys = {"default_pool_id": None, **loaded(FILES, error_pages=pages)}
        return self.world(listener=keys, **given)

    def test_cases(self) -> None:
        """The table: another content, and all else as it is without."""
        for pages, sent, (kind, body) in CASES:
            client = self.nowhere(pages).client(ask(*sent))
            seen = client.news()
            head = refusal("no_route", closes=False).partition(b"\r\n\r\n")[0]
            head = head.replace(b"text/plain", kind).replace(b": 14", b": %d" % len(body))
            self.assertEqual(seen, head + b"\r\n\r\n" + body, (pages, sent))
            client.send(ask())
            self.assertTrue(client.news().startswith(b"HTTP/1.1 503 "))

    def test_without_content(self) -> None:
        """HEAD tells of the page, and has none; HTTP/1.0 has one and ends."""
        client = self.nowhere({"503": "file:503.html"}).client(ask(method=b"HEAD"))
        seen = client.news()
        self.assertIn(b"Content-Length: %d\r\n" % len(HTML[1]), seen)
        self.assertTrue(seen.endswith(b"\r\n\r\n"))
        client = self.nowhere({"503": "file:503.html"}).client(ask(version=b"1.0"))
        self.assertTrue(client.news().endswith(b"Connection: close\r\n\r\n" + HTML[1]))

    def test_malformed(self) -> None:
        """Who sends no request gets a page of the listener's, too, and the end."""
        client = self.nowhere({"4xx": "problem_json"}).client(b"BAD\r\n\r\n")
        head, _, body = client.news().partition(b"\r\n\r\n")
        self.assertIn(b"FiberLB-Reason-Code: bad_request", head)
        self.assertIn(b"Connection: close", head)
        self.assertEqual(json.loads(body)["code"], "bad_request")

    def test_escaped(self) -> None:
        """Ids that others have given are told as text."""
        pages = {"503": "file:503.html"}
        listener = loaded(FILES, error_pages=pages)
        inserted = {"insert_headers": (("X-Request-ID", True),)}
        given: Any = {"listener": {**listener, **inserted}, "trusted": ["192.0.2.0/24"]}
        world = self.world(0, **given)
        seen = world.client(ask(b"X-Request-ID: <b>")).news()
        self.assertNotIn(b"<b>", seen)
        self.assertIn(b"no_members id-1", seen)

    def test_members(self) -> None:
        """What a member answers is the member's; what FiberLB says of a member is not."""
        world = self.world(pool=loaded(FILES, error_pages={"5xx": "file:any.txt"}))
        client = world.client(ask())
        made = answer(b"mine", status=b"503 Service Unavailable")
        world.members[0].link.send(made)
        self.assertEqual(client.news(), made)
        client.send(ask())
        world.members[0].link.send(b"nonsense\r\n\r\n")
        seen = client.news()
        self.assertIn(b"FiberLB-Reason-Code: member_bad_response\r\n", seen)
        self.assertTrue(seen.endswith(TEXT[1]))

    def test_policy(self) -> None:
        """A policy's own pages stand in place of the listener's; fixed answers stay."""
        given: dict[str, Any] = {"id": "q", "name": "q", "listener_id": "web"}
        own = loaded(FILES, error_pages={"403": "file:any.txt"})
        policy = L7Policy(action=PolicyAction.REJECT, **given, **own)
        rule = L7Rule(id="r", policy_id="q", rule_type=RuleType.PATH, value="/r")
        world = self.nowhere({"4xx": "file:503.html"}, policies=[policy, rule])
        seen = world.client(ask(target=b"/r")).news()
        self.assertIn(b"FiberLB-Reason-Code: rejected\r\n", seen)
        self.assertTrue(seen.endswith(TEXT[1]))

    def test_retry(self) -> None:
        """What else an error says stays, edits included."""
        pages = loaded(FILES, error_pages={"429": "file:any.txt"}, rate_limit={"rate": "1/m"})
        world = self.world(listener={**pages, **loaded(response_headers={"set": {"X-A": "1"}})})
        client = world.client(ask())
        world.members[0].link.send(answer())
        client.news()
        client.send(ask())
        seen = client.news()
        self.assertTrue(seen.startswith(b"HTTP/1.1 429 "))
        self.assertIn(b"Retry-After: ", seen)
        self.assertIn(b"X-A: 1\r\n", seen)
        self.assertTrue(seen.endswith(TEXT[1]))


class KindTests(SynchronousTestCase):
    """What a page is, and who wants which."""

    def test_media_types(self) -> None:
        """By the end of the name."""
        for name, content, wanted in (
            ("a.html", b"\xc3\xa9", "text/html; charset=utf-8"),
            ("a.HTM", b"\xe9", "text/html"),
            ("a.json", b"{}", "application/json"),
            ("a.svg", b"", "image/svg+xml"),
            ("a.html.gz", b"", "application/octet-stream"),
            ("a", b"", "application/octet-stream"),
        ):
            self.assertEqual(media_type(BodyFile(name, content)), wanted)

    def test_preferences(self) -> None:
        """JSON, unless a text is liked better."""
        for accepted, wanted in (
            (b"", True),
            (b"*/*", True),
            (b"application/json", True),
            (b"application/problem+json;q=0.1", True),
            (b"application/*, text/html;q=0.9", True),
            (b"text/html", False),
            (b"text/*;q=0.5, application/json;q=0.4", False),
            (b"application/*;q=0, */*", False),
            (b"image/png", False),
            (BROWSER[8:], False),
        ):
            self.assertEqual(prefers_json(accepted), wanted, accepted)
