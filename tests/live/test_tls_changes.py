"""What a listener says of TLS changes through the API, while clients come without a pause."""

from __future__ import annotations

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.live.crew_case import CrewCase
from tests.support.balancer import Balancer
from tests.support.certificates import leaf
from tests.support.clients import PATIENCE
from tests.tls.asking import CA, client, person
from tests.tls.handshake import V12, V13, alert

_STORED = """
pools: [{{name: web, members: ["{member}"]}}]
"""
_CHACHA = "ECDHE-ECDSA-CHACHA20-POLY1305"
#: Every worker is met by so many handshakes.
ENOUGH = 8
MAIN, OTHER = leaf("main.test", serial=11), leaf("main.test", serial=12)


class ChangeTests(CrewCase):
    """One https listener in the store, in one process."""

    workers = 0

    def start(self) -> None:
        """Certificates, authorities and listener, all through the API."""
        self.balancer = Balancer(_STORED.format(member=self.member.address), workers=self.workers)
        self.addCleanup(self.end)
        self.balancer.start()
        self.wait_for_workers(self.workers)
        for name, one in (("main", MAIN), ("other", OTHER)):
            made = {"name": name, "certificate": one.chain, "private_key": one.key_pem()}
            self.ask("/v1/certificates", "POST", made)
        judge = {"name": "judge", "cert_type": "client_ca", "certificate": CA.pem}
        self.ask("/v1/certificates", "POST", judge)
        listener = {
            "name": "web",
            "address": "127.0.0.1",
            "port": self.port,
            "protocol": "https",
            "default_pool_id": "web",
            "tls_config": {"certificate_id": "main"},
        }
        self.ask("/v1/listeners", "POST", listener)

    def change(self, **settings: Any) -> None:
        """Other settings, in force when this returns."""
        tls = {"certificate_id": "main", **settings}
        document = self.ask("/v1/listeners/web")
        document["tls_config"] = tls
        self.ask("/v1/listeners/web", "PUT", document)

    def visit(self, context: ssl.SSLContext, name: str = "main.test") -> tuple[str, bytes]:
        """
        A handshake and a request: suite and certificate.

        @raise ssl.SSLError: it was refused.
        """
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        with context.wrap_socket(plain, server_hostname=name) as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: main.test\r\n\r\n")
            data = b""
            while b"member a\n" not in data:
                data += secure.recv(65536) or self.fail(f"cut off after {data!r}")
            cipher, shown = secure.cipher(), secure.getpeercert(binary_form=True)
        assert cipher is not None and shown is not None
        return cipher[0], shown

    def welcome(self, context: ssl.SSLContext) -> None:
        """Whoever answers lets this client in."""
        for _ in range(ENOUGH):
            self.visit(context)

    def refused(self, context: ssl.SSLContext, expected: str, name: str = "main.test") -> None:
        """Nobody lets this client in."""
        for _ in range(ENOUGH):
            why = self.assertRaises(ssl.SSLError, self.visit, context, name)
            self.assertEqual(alert(why), expected)

    def hammer(self, stop: threading.Event) -> int:
        """A client that goes along with every setting; how often it came, never refused."""
        context, count = client(V13, person("anybody")), 0
        context.minimum_version = V12
        while not stop.is_set():
            self.visit(context)
            count += 1
        return count

    def test_changes(self) -> None:
        """The next handshake goes by each of them, at every worker; no good client is refused."""
        self.start()
        stop = threading.Event()
        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(self.hammer, stop) for _ in range(2)]
            try:
                for step in (self.versions, self.suites, self.clients, self.certificates):
                    step()
            finally:
                stop.set()
            self.assertGreater(min(each.result() for each in running), 0)

    def versions(self) -> None:
        """Newer ones only, older ones only, both."""
        old, new = client(V12), client(V13)
        self.change(min_version="tls13")
        self.refused(old, "PROTOCOL_VERSION")
        self.welcome(new)
        self.change(max_version="tls12")
        self.refused(new, "PROTOCOL_VERSION")
        self.welcome(old)
        self.change()
        self.welcome(old)
        self.welcome(new)

    def suites(self) -> None:
        """One suite of TLS 1.2, then all again."""
        old = client(V12)
        for suites, expected in (([_CHACHA], True), ([], False), ([_CHACHA], True)):
            self.change(cipher_suites=suites)
            for _ in range(ENOUGH):
                self.assertEqual(self.visit(old)[0] == _CHACHA, expected)
        self.change()

    def clients(self) -> None:
        """Certificates of clients: mandatory, optional, none."""
        nobody, good = client(V13), client(V13, person("good"))
        judged = {"client_ca_certificate_id": "judge"}
        self.change(client_authentication="mandatory", **judged)
        self.refused(nobody, "CERTIFICATE_REQUIRED")
        self.welcome(good)
        self.change(client_authentication="optional", **judged)
        self.welcome(nobody)
        self.change(client_authentication="mandatory", **judged)
        self.refused(nobody, "CERTIFICATE_REQUIRED")
        self.change()
        self.welcome(nobody)

    def certificates(self) -> None:
        """Another certificate; names that have to be known."""
        new = client(V13)
        for name, one in (("other", OTHER), ("main", MAIN)):
            self.change(certificate_id=name)
            for _ in range(ENOUGH):
                self.assertEqual(self.visit(new)[1], ssl.PEM_cert_to_DER_cert(one.pem))
        self.change(strict_sni=True)
        self.refused(new, "UNRECOGNIZED_NAME", "unknown.test")
        self.change()


class WorkersTests(ChangeTests):
    """The same with two workers."""

    workers = 2
