"""OCSP responses of C{openssl ocsp}, shown to C{openssl s_client}; responders that lie."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, authority
from tests.support.clients import request
from tests.support.ocsp import REVOKED, Responder, Word, delegate, watched
from tests.support.ports import free_port
from tests.support.programs import need

_TEXT = """
certificates: [{{name: main, certificate: "file:main.pem", ocsp: "{how}"}}]
listeners:
  - name: secure
    address: 127.0.0.1
    port: {port}
    protocol: https
    tls_config: {{certificate_id: main, sni_certificate_ids: all}}
"""
#: Seconds until what has changed has to be shown.
LONG = 40.0


class OcspCase(SynchronousTestCase):
    """A FiberLB with one https listener."""

    workers = 0

    def begin(self, one: Leaf, how: str = "auto") -> None:
        """Start it with a certificate."""
        self.port = free_port()
        text = _TEXT.format(how=how, port=self.port)
        self.balancer = Balancer(text, workers=self.workers)
        self.addCleanup(self.end)
        self.file("main.pem", (one.chain + one.key_pem()).encode())
        self.file("root.pem", authority().pem.encode())
        self.balancer.start(self.port)

    def end(self) -> None:
        """Stop it, and whatever a crash has left."""
        self.balancer.stop()
        for path in Path(self.balancer.directory, "state").glob("worker-*"):
            pid = int(path.name.removeprefix("worker-"))
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
        self.assertNotIn("Traceback", self.balancer.output)

    def file(self, name: str, data: bytes) -> None:
        """Put a file in place, whole."""
        path = Path(self.balancer.directory, name)
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").replace(path)

    def responder(self, **options: Any) -> Responder:
        """One that is stopped in the end."""
        made = Responder(**options)
        self.addCleanup(made.stop)
        return made

    def ask(self, target: str, method: str = "GET", body: Any = None) -> Any:
        """The admin API's answer, which must be a good one."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if method == "GET" else {"Content-Type": "application/json"}
        answer = request(self.balancer.admin, target, method=method, headers=headers, body=data)
        self.assertLess(answer.status, 300, answer.text)
        return json.loads(answer.body) if answer.body else None

    def ocsp(self, name: str = "main") -> dict[str, Any]:
        """What the API says of a certificate's response."""
        found: dict[str, Any] = self.ask(f"/v1/certificates/{name}")["ocsp"]
        return found

    def shown(self, version: str = "-tls1_3", name: str = "main.test") -> str:
        """What s_client has been shown, of which it has verified the certificate."""
        command = [need("openssl"), "s_client", "-connect", f"127.0.0.1:{self.port}"]
        command += ["-servername", name, "-status", version, "-CAfile", "root.pem"]
        done = subprocess.run(
            command,
            cwd=self.balancer.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
        self.assertIn("Verify return code: 0 (ok)", done.stdout, done.stderr)
        if "OCSP response: no response sent" in done.stdout:
            return "none"
        for word in ("good", "revoked", "unknown"):
            if f"Cert Status: {word}" in done.stdout:
                return word
        raise AssertionError(done.stdout)

    def everywhere(self, name: str = "main.test") -> set[str]:
        """What is shown by whoever answers, in both versions."""
        several = range(4 if self.workers else 1)
        return {self.shown(v, name) for v in ("-tls1_2", "-tls1_3") for _ in several}

    def wait_for(self, found: Callable[[], bool]) -> None:
        """Wait until it is so."""
        assert self.balancer.program is not None
        self.balancer.program.wait_until(found, within=LONG)


class ResponderTests(OcspCase):
    """A real responder, whose certificate the issuer has signed."""

    def test_auto(self) -> None:
        """Asked, shown, kept over a restart without the responder; a revoked one is not shown."""
        responder = self.responder()
        one = watched("main.test", responder.url)
        responder.start(one)
        self.begin(one)
        self.wait_for(lambda: self.everywhere() == {"good"})
        self.assertEqual(self.ocsp()["status"], "good")
        metrics = request(self.balancer.admin, "/metrics").text
        self.assertRegex(metrics, r'ocsp_expires_timestamp_seconds\{certificate="main"\} 1\.\d+e')
        responder.stop()
        self.balancer.stop()
        self.balancer.start(self.port)
        self.assertEqual(self.everywhere(), {"good"})
        self.revoked_later(responder)

    def revoked_later(self, responder: Responder) -> None:
        """A certificate that comes by the API, and is revoked."""
        bad = watched("bad.test", responder.url)
        responder.start(revoked=[bad])
        body = {"name": "bad", "certificate": bad.chain, "private_key": bad.key_pem()}
        self.ask("/v1/certificates", "POST", {**body, "ocsp": "auto"})
        self.wait_for(lambda: self.ocsp("bad")["status"] == "revoked")
        self.assertEqual(self.everywhere("bad.test"), {"none"})
        self.assertEqual(self.everywhere(), {"good"})
        self.assertIn("is revoked", str(self.ask("/v1/status")["problems"]))
        document = self.ask("/v1/certificates/bad")
        self.ask("/v1/certificates/bad", "PUT", document)
        self.ask("/v1/certificates/bad", "PATCH", {"ocsp": "none"})
        self.assertEqual(self.ocsp("bad")["status"], "off")


class RenewalTests(OcspCase):
    """A response that ends soon, in two workers."""

    workers = 2

    def test_renewed(self) -> None:
        """A response that is good for a minute is asked for anew within it, and put in force."""
        responder = self.responder(minutes=1)
        one = watched("main.test", responder.url)
        responder.start(one)
        self.begin(one)
        self.wait_for(lambda: self.ocsp()["status"] == "good")
        first = self.ocsp()["next_update"]
        self.wait_for(lambda: self.ocsp()["next_update"] != first)
        self.wait_for(lambda: self.everywhere() == {"good"})


class FileTests(OcspCase):
    """Responses in a file."""

    def test_file(self) -> None:
        """Shown if it is right; read again when it changes; a bad one is not, and harms nothing."""
        one, other = watched("main.test"), watched("other.test")
        by = delegate()
        good = Word(by=by, certificates=[by.certificate]).about(one)
        self.prepare(one, good)
        self.assertEqual(self.everywhere(), {"good"})
        for wrong, said in (
            (b"garbage", "cannot be read"),
            (Word().about(other), "another certificate"),
            (Word(since=-7200, until=-60).about(one), "ended on"),
            (Word(by=authority("Nobody")).about(one), "not signed"),
            (Word(status=REVOKED).about(one), "revoked"),
            (b"", "cannot be read"),
        ):
            self.file("main.ocsp", wrong)
            self.wait_for(lambda said=said: said in str(self.ocsp()["last_error"]))  # type: ignore[misc]
            self.wait_for(lambda: self.everywhere() == {"none"})
        self.file("main.ocsp", Word().about(one))
        self.wait_for(lambda: self.everywhere() == {"good"})
        # Larger than any file may be: what there is stays.
        self.file("main.ocsp", b"0" * 10_000_000)
        problem = "the files of certificate 'main' are refused"
        self.wait_for(lambda: problem in str(self.ask("/v1/status")["problems"]))
        self.assertEqual(self.everywhere(), {"good"})

    def prepare(self, one: Leaf, response: bytes) -> None:
        """Start with both files."""
        self.port = free_port()
        self.balancer = Balancer(
            _TEXT.format(how="file:main.ocsp", port=self.port), workers=self.workers
        )
        self.addCleanup(self.end)
        self.file("main.pem", (one.chain + one.key_pem()).encode())
        self.file("root.pem", authority().pem.encode())
        self.file("main.ocsp", response)
        self.balancer.start(self.port)


class _Liar(BaseHTTPRequestHandler):
    """Says what the server was told to say at a path."""

    server: Liars

    def do_POST(self) -> None:
        """A question."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.says[self.path](self)

    def do_GET(self) -> None:
        """Nobody should come this way."""
        self.server.followed = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class Liars(ThreadingHTTPServer):
    """
    Responders of our own.

    @ivar says: by path.
    @ivar followed: somebody went where a redirect leads.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Liar)
        self.says: dict[str, Callable[[_Liar], None]] = {}
        self.followed = False
        self.gone = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def hang(self, liar: _Liar) -> None:
        """Say nothing for as long as anybody waits."""
        self.gone.wait(LONG)

    def stop(self) -> None:
        """End it."""
        self.gone.set()
        self.shutdown()
        self.server_close()


def body(data: bytes, status: int = 200, **headers: str) -> Callable[[_Liar], None]:
    """An answer."""

    def say(liar: _Liar) -> None:
        liar.send_response(status)
        for name, value in headers.items():
            liar.send_header(name, value)
        liar.send_header("Content-Length", str(len(data)))
        liar.end_headers()
        try:
            liar.wfile.write(data)
        except OSError:
            liar.close_connection = True

    return say


class LyingTests(OcspCase):
    """Responders that lie, or do not come to an end."""

    def test_lies(self) -> None:
        """Nothing of it is shown, each is told by name, and clients are served all along."""
        self.liars = liars = Liars()
        self.addCleanup(liars.stop)
        self.begin(watched("main.test"), "none")
        other, stranger = watched("other.test"), delegate(authority("Nobody"))
        cases: list[tuple[Callable[[Leaf], Callable[[_Liar], None]], str]] = [
            (lambda one: body(Word(by=stranger).about(one)), "not signed"),
            (lambda one: body(Word().about(other)), "another certificate"),
            (lambda one: body(Word(since=-7200, until=-60).about(one)), "ended on"),
            (lambda one: body(Word(since=7200).about(one)), "does not begin"),
            (lambda one: body(Word(until=None).about(one)), "until when"),
            (lambda one: body(Word().about(one)[:-1] + b"\0"), "not signed"),
            (lambda one: body(b"garbage"), "cannot be read"),
            (lambda one: body(bytes(10_000_000)), "sent more than"),
            (lambda one: body(b"", 302, Location=f"{liars.url}/good"), "status 302"),
            (lambda one: body(Word().about(one), 500), "status 500"),
            (lambda one: liars.hang, "did not answer in"),
        ]
        for number, (says, _) in enumerate(cases):
            self.add(number, says)
        self.add(len(cases), lambda one: body(Word().about(one)))
        for number, (_, said) in enumerate(cases):
            name = f"c{number}"
            self.wait_for(lambda name=name: bool(self.ocsp(name)["last_error"]))  # type: ignore[misc]
            found = self.ocsp(name)
            self.assertIn(said, found["last_error"])
            self.assertEqual(found["status"], "failed")
            self.assertEqual(self.shown(name=f"{name}.test"), "none")
        self.wait_for(lambda: self.shown(name=f"c{len(cases)}.test") == "good")
        self.assertFalse(liars.followed)

    def add(self, number: int, says: Callable[[Leaf], Callable[[_Liar], None]]) -> None:
        """A certificate whose responder says something."""
        one = watched(f"c{number}.test", f"{self.liars.url}/{number}")
        self.liars.says[f"/{number}"] = says(one)
        made = {"name": f"c{number}", "certificate": one.chain, "private_key": one.key_pem()}
        self.ask("/v1/certificates", "POST", {**made, "ocsp": "auto"})


class WorkersResponderTests(ResponderTests):
    """With two workers."""

    workers = 2


class WorkersLyingTests(LyingTests):
    """With two workers."""

    workers = 2


class WorkersFileTests(FileTests):
    """With two workers."""

    workers = 2
