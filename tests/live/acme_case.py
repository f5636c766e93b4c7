"""What the live tests of certificates that order themselves share."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.clients import PATIENCE, request
from tests.support.members import Member
from tests.support.pebble import Pebble
from tests.support.ports import free_ports
from tests.support.programs import need

#: Seconds in which a certificate must be there: a lease may have to run out first.
LONG = 60.0

TEXT = """
acme: {{email: ops@example.org, directory: "{directory}", ca: file:roots.pem, {more}}}
certificates:
  - {{name: sites, acme: {{domains: [{domains}]}}}}
pools: [{{name: web, members: ["{member}"]}}]
listeners:
  - {{name: plain, address: 127.0.0.1, port: {plain}, protocol: http, https_redirect: 308}}
  - name: secure
    address: 127.0.0.1
    port: {secure}
    protocol: https
    default_pool_id: web
    tls_config: {{certificate_id: sites, sni_certificate_ids: all}}
"""


class AcmeCase(SynchronousTestCase):
    """
    A FiberLB with a plain and a TLS listener that an authority comes to.

    @ivar plain, secure: the ports.
    """

    workers = 0

    def setUp(self) -> None:
        """The member and the ports; the rest is the test's."""
        need("pebble")
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.plain, self.secure = free_ports(2)

    def authority(self, **options: Any) -> Pebble:
        """An authority that comes to the ports."""
        http = options.pop("http", self.plain)
        self.pebble = Pebble(http, self.secure, **options)
        self.addCleanup(self.pebble.stop)
        return self.pebble

    def text(self, domains: str, more: str) -> str:
        """A configuration."""
        return TEXT.format(
            directory=self.pebble.directory,
            member=self.member.address,
            plain=self.plain,
            secure=self.secure,
            domains=domains,
            more=more,
        )

    def begin(self, domains: str = "a.test.example", more: str = "challenge: http-01") -> None:
        """Start it."""
        self.balancer = Balancer(self.text(domains, more), workers=self.workers)
        Path(self.balancer.directory, "roots.pem").write_text(self.pebble.roots)
        self.addCleanup(self.end)
        self.balancer.start(self.plain, self.secure)

    def again(self) -> None:
        """Start it once more, on what it left."""
        self.balancer.start(self.plain, self.secure)

    def end(self) -> None:
        """Stop it, and whatever a crash has left."""
        self.balancer.stop()
        for path in Path(self.balancer.directory, "state").glob("worker-*"):
            pid = int(path.name.removeprefix("worker-"))
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)

    def ask(self, target: str, method: str = "GET", body: Any = None) -> Any:
        """The admin API's answer, which must be a good one."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        answer = request(self.balancer.admin, target, method=method, headers=headers, body=data)
        self.assertLess(answer.status, 300, answer.text)
        return json.loads(answer.body) if answer.body else None

    def order(self, name: str = "sites") -> dict[str, Any]:
        """How the order of a certificate goes."""
        found: dict[str, Any] = self.ask(f"/v1/certificates/{name}")["acme"]
        return found

    def wait_for(self, state: str, name: str = "sites") -> None:
        """Wait until a certificate is in a state."""
        assert self.balancer.program is not None
        self.balancer.program.wait_until(lambda: self.order(name)["state"] == state, within=LONG)

    def shown(self, name: str = "a.test.example") -> x509.Certificate:
        """What the TLS listener shows to who asks for a name."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.secure), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            data = b""
            while more := secure.recv(65536):
                data += more
            self.assertTrue(data.startswith(b"HTTP/1.1 200"), data)
            der = secure.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der)

    def names(self, certificate: x509.Certificate) -> list[str]:
        """The names in a certificate."""
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return found.value.get_values_for_type(x509.DNSName)
