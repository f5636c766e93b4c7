"""TLS, bytes and datagrams of what is made through the Octavia API."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.live.octavia_case import CLIENT_HEADERS, FORWARDED, OctaviaCase
from tests.live.processes import wait_for
from tests.support.certificates import Leaf, authority, leaf, revoked
from tests.support.clients import PATIENCE, curl, request
from tests.support.datagrams import Client, Origin
from tests.support.members import Member
from tests.tls.asking import CA, OTHER_CA, client, person
from tests.tls.handshake import V13


class StreamTests(OctaviaCase):
    """TLS, bytes and datagrams."""

    def certificate(self, made: Leaf) -> str:
        """The reference of a certificate in FiberLB."""
        body = {"certificate": made.chain, "private_key": made.key_pem()}
        found = self.ask("POST", "/v1/certificates", {"name": made.pem[-60:-40], **body})
        return f"fiberlb://certificates/{found['id']}"

    def secure(self, port: int, name: str, target: str = "/") -> str:
        """What curl gets from a server of that name, and its head."""
        root = Path(self.directory, "root.pem")
        root.write_text(authority().pem)
        where = f"{name}:{port}:{self.vip}"
        url = f"https://{name}:{port}{target}"
        found = curl("--cacert", str(root), "--resolve", where, "-D", "-", url)
        self.assertEqual(found.returncode, 0, found.stderr)
        return found.stdout.decode()

    def test_ended(self) -> None:
        """TERMINATED_HTTPS: a certificate for each name, HSTS, fields about the client."""
        names = ("a.test", "b.test")
        one, two = (self.certificate(leaf(name)) for name in names)
        port = self.listen(
            self.pool("one"),
            "TERMINATED_HTTPS",
            default_tls_container_ref=one,
            sni_container_refs=[two],
            hsts_max_age=31536000,
            hsts_include_subdomains=True,
            hsts_preload=True,
            insert_headers=dict.fromkeys((*FORWARDED, *CLIENT_HEADERS), "true"),
        )
        for name in names:
            said = self.secure(port, name, "/echo").lower()
            self.assertRegex(said, r"security: max-age=31536000; includesubdomains; preload\r")
            self.assertIn("x-forwarded-proto: https\r", said)
            self.assertRegex(said, r"x-ssl-client-has-cert: \S+\r")
        self._clients(port)

    def _clients(self, port: int) -> None:
        """Certificates of clients, some of which are revoked."""
        good, gone = person("good"), person("gone")
        lists = {
            by.certificate: revoked(gone, by=by).public_bytes(Encoding.PEM).decode()
            for by in (CA, OTHER_CA)
        }
        ca, crl, foreign = (
            self.ask("POST", "/v1/certificates", {"cert_type": "client_ca", **body})["id"]
            for body in (
                {"name": "ca", "certificate": CA.pem},
                {"name": "crl", "certificate": CA.pem, "crl": lists[CA.certificate]},
                {"name": "f", "certificate": OTHER_CA.pem, "crl": lists[OTHER_CA.certificate]},
            )
        )
        path = f"listeners/{self.listener}"
        asked = {"client_ca_tls_container_ref": ca, "client_authentication": "MANDATORY"}
        self.change(path, **asked)
        for reference, let_in in (
            (None, True),
            (f"https://barbican.test/v1/containers/{crl}", False),
            (None, True),
        ):
            self.change(path, client_crl_container_ref=reference)
            self.assertTrue(self._let_in(port, client(V13, good)))
            self.assertIs(self._let_in(port, client(V13, gone)), let_in)
        body = {"listener": {"client_crl_container_ref": foreign}}
        found = request(
            self.balancer.admin,
            f"/v2.0/lbaas/{path}",
            method="PUT",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
        self.assertEqual(found.status, 400, found.text)
        self.assertIn("not signed by any of the authorities", found.text)

    def _let_in(self, port: int, context: ssl.SSLContext) -> bool:
        with socket.create_connection((self.vip, port), PATIENCE) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="a.test") as secure:
                    secure.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
                    return secure.recv(65536).startswith(b"HTTP/1.1 200")
            except ssl.SSLError:
                return False

    def test_passed(self) -> None:
        """HTTPS: the member ends TLS."""
        made = leaf("m.test")
        chain, key = (Path(self.directory, name) for name in ("chain.pem", "key.pem"))
        chain.write_text(made.chain)
        key.write_text(made.key_pem())
        member = Member("tls", tls=(str(chain), str(key))).start()
        self.addCleanup(member.stop)
        pool = self.pool(protocol="HTTPS")
        self.member(pool, member.port, name="tls")
        port = self.listen(pool, "HTTPS")
        self.assertIn("member tls", self.secure(port, "m.test"))
        for kind in ("HTTPS", "TLS-HELLO"):
            check = {"type": kind, "delay": 1, "timeout": 1, "max_retries": 1}
            made_id = self.make("healthmonitors", pool_id=pool, **check)["id"]
            wait_for(lambda: self.statuses()["tls"] == "ONLINE")
            self.ask("DELETE", f"/v2.0/lbaas/healthmonitors/{made_id}")

    def test_bytes(self) -> None:
        """TCP, and PROXY headers of both versions before bytes and before requests."""
        for listener in ("TCP", "HTTP"):
            for protocol in ("PROXY", "PROXYV2"):
                port = self.listen(self.pool("one", protocol=protocol), listener)
                self.assertEqual(self.get(port, "/told").text, "127.0.0.1", (listener, protocol))
        port = self.listen(self.pool("one", "two", protocol="TCP"), "TCP")
        self.assertEqual(set(self.served(port)), {"one", "two"})

    def test_datagrams(self) -> None:
        """UDP, checked by UDP."""
        one, two = Origin("one"), Origin("two")
        self.addCleanup(one.stop)
        self.addCleanup(two.stop)
        pool = self.pool(protocol="UDP")
        for member in (one, two):
            self.member(pool, member.port, name=member.name)
        port = self.listen(pool, "UDP")
        clients = [Client(port, self.vip) for _ in range(4)]
        for each in clients:
            self.addCleanup(each.close)
        self.assertEqual({each.member() for each in clients}, {"one", "two"})
        figures = self.ask("GET", f"/v2.0/lbaas/listeners/{self.listener}/stats")["stats"]
        self.assertEqual(figures["bytes_in"], 4)
        two.stop()
        check = {"type": "UDP-CONNECT", "delay": 3, "timeout": 1, "max_retries": 1}
        self.make("healthmonitors", pool_id=pool, max_retries_down=1, **check)
        wait_for(lambda: self.statuses()["two"] == "ERROR")
        self.assertEqual(clients[0].member(), "one")
