"""Tests of fiberlb.commands.asking."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.asking import (
    Answer,
    Client,
    Intent,
    asks,
    asks_about_file,
    segment,
    trusting,
    with_query,
)
from fiberlb.commands.exits import REFUSED, STALE, UNREACHABLE, Failed
from fiberlb.commands.where import Where
from tests.commands.answering import Answering
from tests.support.certificates import authority, leaf


class AskingTests(Answering):
    """Answers of the admin API."""

    def client(self) -> Client:
        """Of the one that answers."""
        return Client(Where(address=f"unix:{self.directory}/s", token="secret"))

    def test_pages(self) -> None:
        """All pages of a list are read."""
        self.serve({"items": [{"n": 1}], "next": "/v1/x?limit=1000&marker=1"})
        self.serve({"items": [{"n": 2}], "next": None})
        self.assertEqual(self.client().every("/v1/x", pool=None), [{"n": 1}, {"n": 2}])
        self.assertEqual(self.targets, ["/v1/x?limit=1000", "/v1/x?limit=1000&marker=1"])

    def test_write(self) -> None:
        """A write carries what it is meant to be, and who sends it."""
        self.serve({"done": True})
        intent = Intent(dry_run=True, reason="größer", if_match="7")
        self.assertEqual(self.client().write("PATCH", "/v1/x", {"a": 1}, intent), {"done": True})
        self.assertEqual(self.targets, ["/v1/x?dry_run=true"])
        head, _, body = self.requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.assertIn("FiberLB-Reason: größer".encode(), lines)
        self.assertIn(b'If-Match: "7"', lines)
        self.assertIn(b"Authorization: Bearer secret", lines)
        self.assertEqual(json.loads(body), {"a": 1})

    def test_refused(self) -> None:
        """A problem ends the command; one of a revision that is gone with a code of its own."""
        for status, code in ((404, REFUSED), (503, REFUSED), (412, STALE)):
            self.answers.clear()
            self.serve({"detail": "so it is"}, status)
            failed = self.assertRaises(Failed, self.client().get, "/v1/x")
            self.assertEqual((failed.code, failed.message), (code, "so it is"))

    def test_unreachable(self) -> None:
        """Nobody there, or somebody else: the address and why."""
        self.socket.close()
        failed = self.assertRaises(Failed, self.client().get, "/v1/x")
        self.assertEqual(failed.code, UNREACHABLE)
        self.assertIn(f"unix:{self.directory}/s: ", failed.message)
        self.assertNotIn("secret", repr(self.client().place) + failed.message)

    def test_no_json(self) -> None:
        """What answers something else is no admin API."""
        self.serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        failed = self.assertRaises(Failed, self.client().get, "/v1/x")
        self.assertIn("no admin API", failed.message)

    def test_decorators(self) -> None:
        """A command gets who is asked; one that is about a file gets that, too."""
        seen: list[Any] = []

        @click.command()
        @asks
        def ordinary(client: Client) -> None:
            seen.append(client.place.address)

        @click.command()
        @click.option("-c", "path", required=True)
        @asks_about_file
        def about(client: Client, path: str) -> None:
            seen.append((client.place.address, path))

        runner = CliRunner(env={"FIBERLB_URL": "http://127.0.0.1:1"})
        self.write()
        for words, command in (
            (["-c", str(self.path)], ordinary),
            ([], ordinary),
            (["-c", str(self.path)], about),
            (["-c", str(self.path), "--url", "h:2"], about),
        ):
            found = runner.invoke(command, words)
            self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual(
            seen,
            [
                f"unix:{self.directory}/s",
                "http://127.0.0.1:1",
                ("http://127.0.0.1:1", str(self.path)),
                ("http://h:2", str(self.path)),
            ],
        )

    def test_plain_token(self) -> None:
        """A token that others can read on its way is warned of."""

        @click.command()
        @asks
        def ordinary(client: Client) -> None:
            pass

        for url, warned in (("http://192.0.2.1:1", True), ("http://127.0.0.1:1", False)):
            found = CliRunner(env={"FIBERLB_TOKEN": "x"}).invoke(ordinary, ["--url", url])
            self.assertEqual("plain text" in found.stderr, warned, url)


class AddressTests(SynchronousTestCase):
    """Parts of addresses."""

    def test_segment(self) -> None:
        """A name that has anything in it is one part of an address."""
        self.assertEqual(segment("a/b c"), "a%2Fb%20c")

    def test_query(self) -> None:
        """What is given is added to what is there."""
        self.assertEqual(with_query("/x", {"a": None}), "/x")
        self.assertEqual(with_query("/x?b=1", {"a": "1 2"}), "/x?b=1&a=1+2")

    def test_revision(self) -> None:
        """An answer says what was in force; one without it nothing."""
        self.assertEqual(Answer(200, {"fiberlb-revision": "3"}, None).revision, "3")
        self.assertEqual(Answer(200, {}, None).revision, "")


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Who asked, by certificate."""
        peer: Any = self.connection
        body = json.dumps({"hello": peer.getpeercert()["subject"][0][0][1]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class TlsTests(SynchronousTestCase):
    """An admin API behind TLS that asks for certificates."""

    def setUp(self) -> None:
        """It runs."""
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.write("ca.pem", authority().pem)
        server = leaf(x509.IPAddress(ip_address("127.0.0.1")))
        self.write("server.pem", server.pem + server.key_pem())
        client = leaf(common="ann", purpose="client")
        self.write("client.pem", client.pem + client.key_pem())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.place("ca.pem"))
        context.load_cert_chain(self.place("server.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
        self.addCleanup(self.server.server_close)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)

    def write(self, name: str, text: str) -> None:
        """A file of the test's directory."""
        (self.directory / name).write_text(text)

    def place(self, name: str) -> str:
        """Where it is."""
        return str(self.directory / name)

    def where(self, **more: str) -> Where:
        """The server."""
        return Where(address=f"https://127.0.0.1:{self.server.server_port}", **more)

    def test_certificates(self) -> None:
        """Both are known to each other."""
        where = self.where(ca=self.place("ca.pem"), certificate=self.place("client.pem"))
        self.assertEqual(Client(where).get("/"), {"hello": "ann"})

    def test_stranger(self) -> None:
        """A server that nobody vouches for is asked nothing."""
        failed = self.assertRaises(Failed, Client(self.where()).get, "/")
        self.assertEqual(failed.code, UNREACHABLE)
        self.assertIn("is not believed", failed.message)

    def test_files(self) -> None:
        """A file that is not there, or is none, is named."""
        for where in (self.where(ca="/no"), self.where(certificate=self.place("ca.pem"))):
            failed = self.assertRaises(Failed, trusting, where)
            self.assertIn(str(where.ca or where.certificate), failed.message)
