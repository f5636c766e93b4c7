"""Compression and error pages with real sockets, as the examples configure them."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

from tests.live.crew_case import CrewCase
from tests.live.origin import Caller, Origin
from tests.support.clients import PATIENCE, RawClient, curl, request
from tests.support.ports import free_port
from tests.support.sources import ROOT
from tests.treatment.test_encodings import unpacking

EXAMPLES = ROOT / "conf" / "examples"
PAGE = b"<p>again and again and again</p>\n" * 5000
HTML = b"Content-Type: text/html\r\nConnection: close\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class PageMember:
    """
    A member with a page, and with events at /events: each comes when the last one was seen.

    @ivar seen: the client has read an event.
    """

    def __init__(self) -> None:
        self.seen = threading.Semaphore(0)
        self.origin = Origin(self._serve)

    def _serve(self, caller: Caller) -> None:
        head = caller.request_head()
        if head is None:
            return
        if head.target != b"/events":
            caller.reply(PAGE, fields=HTML)
            return
        caller.send(EVENTS)
        for number in range(3):
            caller.send(b"data: %d\n\n" % number)
            if not self.seen.acquire(timeout=PATIENCE):
                raise AssertionError("an event was held back")


class ExampleTests(CrewCase):
    """What clients get."""

    def equip(self, directory: str) -> None:
        """The page is beside the file that names it."""
        shutil.copy(EXAMPLES / "error-pages.html", directory)

    def example(self, name: str, *members: str, gzip: str = "encodings: [gzip]") -> None:
        """Serve an example, with these in place of its members."""
        text = (EXAMPLES / f"{name}.yaml").read_text("utf-8").replace("version: 1\n", "")
        text = text.replace("encodings: [gzip]", gzip)
        for number, address in enumerate(members, 1):
            text = text.replace(f"10.0.1.{number}:8000", address)
        text = text.replace("{", "{{").replace("}", "}}")
        self.crew(text.replace("port: 8080\n", "address: 127.0.0.1\n    port: {port}\n"), workers=0)

    def pages(self) -> PageMember:
        """A member of the test's own."""
        made = PageMember()
        self.addCleanup(made.origin.stop)
        return made

    def test_compression(self) -> None:
        """C{conf/examples/compression.yaml} with every coding; streams are not held back."""
        member = self.pages()
        address = member.origin.address
        self.example("compression", address, address, gzip="encodings: [zstd, br, gzip]")
        for coding in ("zstd", "br", "gzip"):
            found = request(self.port, "/", headers={"Accept-Encoding": coding})
            self.assertEqual(found.headers["content-encoding"], coding)
            self.assertLess(len(found.body), len(PAGE) // 20)
            self.assertEqual(unpacking(coding.encode())(found.body), PAGE)
        url = f"http://127.0.0.1:{self.port}"
        self.assertEqual(curl("--compressed", f"{url}/").stdout, PAGE)
        self.assertIn(b"vary: accept-encoding", curl("-I", f"{url}/").stdout.lower())
        for headers, target in (({}, "/"), ({"Accept-Encoding": "gzip"}, "/account")):
            plain = request(self.port, target, headers=headers)
            self.assertEqual(plain.body, PAGE)
            self.assertNotIn("content-encoding", plain.headers)
        self.events(member)
        self.assertEqual(member.origin.failures, [])

    def events(self, member: PageMember) -> None:
        """Each event can be read before the next one is made."""
        client = RawClient(self.port)
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: zstd\r\n\r\n")
        self.assertIn(b"Content-Encoding: zstd", client.read_until(b"\r\n\r\n"))
        unpack = unpacking(b"zstd")
        for number in range(3):
            size = int(client.read_until(b"\r\n"), 16)
            event = unpack(client.read(size + 2)[:-2])
            self.assertEqual(event, b"data: %d\n\n" % number)
            member.seen.release()
        client.read_until(b"0\r\n\r\n")

    def test_error_pages(self) -> None:
        """C{conf/examples/error-pages.yaml}, and a page that changes with a reload."""
        self.example("error-pages", f"127.0.0.1:{free_port()}")
        problem = request(self.port, "/", headers={"Accept": "application/json"})
        self.assertEqual(problem.headers["content-type"], "application/problem+json")
        told = json.loads(problem.body)
        self.assertEqual((told["status"], told["code"]), (502, "connect_refused"))
        self.assertEqual(problem.headers["fiberlb-reason-code"], "connect_refused")
        browser = {"Accept": "text/html, */*;q=0.8"}
        page = request(self.port, "/", headers=browser)
        kind = page.headers["content-type"]
        self.assertEqual((page.status, kind), (502, "text/html; charset=utf-8"))
        self.assertIn("<small>connect_refused ", page.text)
        (Path(self.balancer.directory) / "error-pages.html").write_text("<p>{status}")
        self.balancer.reload()
        self.program().wait_until(lambda: request(self.port, "/", headers=browser).text == "<p>502")
