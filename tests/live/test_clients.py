"""Clients with certificates before a running FiberLB, in one process and with workers."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from tests.live.origin import Origin, Recorder
from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, leaf, revoked
from tests.support.clients import PATIENCE, request
from tests.support.ports import free_port
from tests.tls.asking import CA, OTHER_CA, client, person
from tests.tls.handshake import V12, V13, alert

_CONFIGURATION = """
certificates:
  - {{name: main, certificate: "file:main.pem"}}
  - {{name: judge, certificate: "file:{ca}", cert_type: client_ca{crl}}}
pools:
  - {{name: web, members: ["{member}"]}}
listeners:
  - name: secure
    address: 127.0.0.1
    port: {port}
    protocol: https
    default_pool_id: web
    tls_config:
      certificate_id: main
      client_ca_certificate_id: judge
      client_authentication: {mode}
      client_authentication_names: [{names}]
    insert_headers:
      {{X-SSL-Client-CN: true, X-SSL-Client-Has-Cert: true, X-SSL-Client-Verify: true}}
    l7_policies:
      - {{name: strangers, action: reject, redirect_http_status_code: 451,
         rules: [{{ssl_conn_has_cert: "true"}},
                 {{ssl_dn_field: CN, values: [good, gone], invert: true}}]}}
"""
GOOD, FOREIGN, STRANGER = person("good"), person("good", OTHER_CA), person("stranger")
GONE, EXPIRED, SERVERS = person("gone"), person("good", days=-2), person("good", purpose="server")


class ClientCase(SynchronousTestCase):
    """A FiberLB that asks for certificates, before a member that writes down what it gets."""

    workers = 0

    def setUp(self) -> None:
        """Certificates are mandatory on C{api.test}, and not asked for elsewhere."""
        self.recorder = Recorder()
        self.origin = Origin(self.recorder)
        self.addCleanup(self.origin.stop)
        self.port = free_port()
        self.balancer = Balancer(self.text(), workers=self.workers)
        self.addCleanup(self.balancer.stop)
        self.file("main.pem", leaf("api.test", "www.test"))
        self.file("ca.pem", CA.pem)
        self.file("other.pem", OTHER_CA.pem)
        gone = revoked(GONE, by=CA)
        Path(self.balancer.directory, "list.crl").write_bytes(gone.public_bytes(Encoding.DER))
        self.balancer.start(self.port)
        self.settle()

    def file(self, name: str, what: Leaf | str) -> None:
        """A file where the configuration is."""
        text = what if isinstance(what, str) else what.chain + what.key_pem()
        Path(self.balancer.directory, name).write_text(text)

    def text(self, **changes: Any) -> str:
        """The configuration."""
        settings = {"mode": "mandatory", "names": "api.test", "ca": "ca.pem", "crl": "", **changes}
        return _CONFIGURATION.format(member=self.origin.address, port=self.port, **settings)

    def change(self, **changes: Any) -> None:
        """Another policy, in force everywhere."""
        before = self.status()["file_generation"]
        self.balancer.write(self.text(**changes))
        self.balancer.reload()
        assert self.balancer.program is not None
        self.balancer.program.wait_until(lambda: self.status()["file_generation"] != before)
        self.settle()

    def status(self) -> Any:
        """C{/v1/status}."""
        return json.loads(request(self.balancer.admin, "/v1/status").body)

    def settle(self) -> None:
        """Wait until every worker serves what is in force."""
        wanted = {"wanted": self.workers, "serving": self.workers}
        assert self.balancer.program is not None
        self.balancer.program.wait_until(lambda: self.status()["workers"] == wanted)

    def visit(
        self,
        name: str | None,
        context: ssl.SSLContext,
        session: ssl.SSLSession | None = None,
        host: str = "",
        fields: str = "",
    ) -> tuple[str, Any]:
        """
        A handshake and one request.

        @return: the status, the alert, or C{closed}; and the session, if there is one, with
            whether it was resumed in C{self.reused}.
        """
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        text = f"GET / HTTP/1.1\r\nHost: {host or name}\r\nConnection: close\r\n{fields}\r\n"
        with plain:
            try:
                with context.wrap_socket(plain, server_hostname=name, session=session) as secure:
                    self.reused = bool(secure.session_reused)
                    secure.sendall(text.encode())
                    data = b""
                    while piece := secure.recv(65536):
                        data += piece
                    return (data[9:12].decode() or "closed"), secure.session
            except ssl.SSLError as why:
                return alert(why) or "closed", None
            except ConnectionError:
                return "closed", None


class OneProcessTests(ClientCase):
    """Everything in one process."""

    def refused(self, found: tuple[str, Any], context: str = "") -> None:
        """It has got nothing from the member."""
        self.assertFalse(found[0].startswith("2"), (found[0], context))

    def test_refused(self) -> None:
        """Each fault has its alert; what is asked of one name is not asked of others."""
        for version in (V12, V13):
            for shown, wanted in (
                (GOOD, "200"),
                (FOREIGN, "UNKNOWN_CA"),
                (EXPIRED, "CERTIFICATE_EXPIRED"),
                (SERVERS, "UNSUPPORTED_CERTIFICATE"),
                (STRANGER, "451"),
            ):
                self.assertEqual(self.visit("api.test", client(version, shown))[0], wanted)
                self.assertEqual(self.visit("www.test", client(version, shown))[0], "200")
        self.assertEqual(self.visit("api.test", client(V13))[0], "CERTIFICATE_REQUIRED")
        self.assertEqual(self.visit("api.test", client(V12))[0], "HANDSHAKE_FAILURE")

    def test_host(self) -> None:
        """One name's handshake carries no request for another one."""
        self.assertEqual(self.visit("www.test", client(V13), host="api.test")[0], "421")
        self.assertEqual(self.visit("api.test", client(V13, GOOD), host="www.test")[0], "421")
        self.assertEqual(self.visit(None, client(V13), host="api.test:443")[0], "421")
        self.assertEqual(self.visit(None, client(V13), host="www.test")[0], "200")
        self.assertEqual(self.visit("api.test", client(V13, GOOD), host="API.test.:1")[0], "200")

    def test_told(self) -> None:
        """Members are told of the certificate, and nothing that the client says of itself."""
        lies = "X-SSL-Client-CN: root\r\nX-SSL-Client-DN: CN=root\r\nx_ssl_client_cn: root\r\n"
        self.visit("api.test", client(V13, GOOD), fields=lies)
        self.visit("www.test", client(V13, GOOD), fields=lies)
        told = [
            [(n, v) for n, v in message.fields if b"ssl" in n] for message in self.recorder.requests
        ]
        self.assertEqual(
            told,
            [
                [
                    (b"x-ssl-client-verify", b"0"),
                    (b"x-ssl-client-has-cert", b"1"),
                    (b"x-ssl-client-cn", b"good"),
                ],
                [(b"x-ssl-client-has-cert", b"0")],
            ],
        )

    def test_changed(self) -> None:
        """Modes, names, authorities and lists, live; every change reaches the next handshake."""
        good, gone, nobody = client(V13, GOOD), client(V13, GONE), client(V13)
        self.assertEqual(self.visit("api.test", gone)[0], "200")
        self.change(crl=', crl: "file:list.crl"')
        self.assertEqual(self.visit("api.test", gone)[0], "CERTIFICATE_REVOKED")
        self.assertEqual(self.visit("api.test", good)[0], "200")
        self.change(mode="optional", names="")
        self.assertEqual(self.visit("www.test", nobody)[0], "200")
        self.assertEqual(self.visit("www.test", client(V13, FOREIGN))[0], "UNKNOWN_CA")
        self.change(ca="other.pem", names="")
        self.assertEqual(self.visit("www.test", client(V13, FOREIGN))[0], "200")
        self.assertEqual(self.visit("www.test", good)[0], "UNKNOWN_CA")

    def test_resumed(self) -> None:
        """A client with a certificate resumes at whoever answers, and is known as before."""
        context = client(V13, GOOD)
        _, session = self.visit("api.test", context)
        for _ in range(12):
            self.assertEqual(self.visit("api.test", context, session)[0], "200")
            self.assertTrue(self.reused)
        self.assertEqual(
            {m.values(b"x-ssl-client-cn")[0] for m in self.recorder.requests}, {b"good"}
        )

    def test_matrix(self) -> None:
        """No session opens what its certificate does not, at whichever worker it arrives."""
        for version in (V12, V13):
            nobody, good = client(version), client(version, GOOD)
            _, without = self.visit("www.test", nobody)
            for _ in range(8):
                self.refused(self.visit("api.test", nobody, without), f"{version} no certificate")
            self.change(names="")
            _, first = self.visit("api.test", good)
            self.change(names="", ca="other.pem")
            for _ in range(8):
                self.refused(self.visit("api.test", good, first), f"{version} of CA 1")
                self.refused(self.visit("api.test", nobody, without), f"{version} from before")
            self.change()
        self.assertNotIn("Traceback", self.balancer.output)


class WorkerTests(OneProcessTests):
    """The same with two workers, whose sessions are each other's."""

    workers = 2
