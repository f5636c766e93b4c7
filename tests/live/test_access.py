"""The admin API of a running FiberLB at several addresses: who comes in, and who keeps whom out."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.processes import wait_for
from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, authority, leaf
from tests.support.clients import PATIENCE, Answer, RawClient, curl, request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import venv_program

BOSS = "boss-boss-boss-boss"
_FILE = """
version: 1
state_directory: state
workers: 0
shutdown: {{grace: 0s}}
admin:
  listen: ["127.0.0.1:{admin}", "unix:{socket}", {{address: "127.0.0.1:{tls}", plaintext: false}}]
  tls_config:
    certificate: file:admin.pem
    private_key: file:admin.key
    client_ca: file:ca.pem
    client_roles: {{ci.example: operate}}
  tokens: [{{name: boss, token: {boss}}}]
"""
_TRAFFIC = """
pools: [{{name: p, members: ["{member}"]}}]
listeners: [{{name: l, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: p}}]
"""


class AccessCase(SynchronousTestCase):
    """A FiberLB with three admin addresses, and a listener."""

    def setUp(self) -> None:
        """Start it."""
        self.port, self.tls = free_port(), free_port()
        self.member = Member("one").start()
        self.addCleanup(self.member.stop)
        self.balancer = Balancer(settings=" ")
        self.directory = Path(self.balancer.directory)
        self.socket = str(self.directory / "s")
        names = {"admin": self.balancer.admin, "socket": self.socket, "tls": self.tls}
        text = _FILE.format(**names, boss=BOSS)
        text += _TRAFFIC.format(member=self.member.address, port=self.port)
        self.balancer.path.write_text(text)
        self.clients = authority("Clients")
        (self.directory / "ca.pem").write_text(self.clients.pem)
        self.write("admin", leaf("localhost", common="localhost"))
        self.write("ci", leaf("ci.example", issuer=self.clients, purpose="client"))
        self.addCleanup(self.balancer.stop)
        self.balancer.start(self.port, self.tls)

    def write(self, name: str, made: Leaf) -> None:
        """A certificate and its key, as files."""
        for suffix, text in (("key", made.key_pem()), ("pem", made.chain)):
            draft = self.directory / "draft"
            draft.write_text(text)
            draft.replace(self.directory / f"{name}.{suffix}")

    def status(self, *arguments: str) -> str:
        """The status that curl gets; C{000} where there is no answer."""
        found = curl("-sk", "-o", "/dev/null", "-w", "%{http_code}", *arguments)
        return found.stdout.decode()

    def fiberlb(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command, as somebody with these variables."""
        return subprocess.run(
            [venv_program("fiberlb"), *words],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


class AddressTests(AccessCase):
    """Each address has its own way to be known."""

    def test_ways(self) -> None:
        """By file permission, by token, by certificate, or not at all."""
        plain, secured = f"http://127.0.0.1:{self.balancer.admin}", f"https://127.0.0.1:{self.tls}"
        token = ("-H", f"Authorization: Bearer {BOSS}")
        shown = ("--cert", str(self.directory / "ci.pem"), "--key", str(self.directory / "ci.key"))
        self.assertEqual(stat.S_IMODE(Path(self.socket).stat().st_mode), 0o600)
        for arguments, wanted in (
            (("--unix-socket", self.socket, "http://localhost/v1/keys"), "200"),
            ((f"{plain}/v1/status",), "401"),
            ((f"{plain}/readyz",), "200"),
            ((f"{plain}/metrics",), "200"),
            ((*token, f"{plain}/v1/keys"), "200"),
            ((f"{secured}/v1/status",), "401"),
            ((*token, f"{secured}/v1/keys"), "200"),
            ((*shown, f"{secured}/v1/status"), "200"),
            ((*shown, f"{secured}/v1/keys"), "403"),
        ):
            self.assertEqual(self.status(*arguments), wanted, arguments)
        self.write("ci", leaf("ci.example", issuer=authority("Others"), purpose="client"))
        self.assertEqual(self.status(*shown, f"{secured}/healthz"), "000")
        for line in (
            "127.0.0.1 (nobody) was refused GET /v1/status: 401 unauthorized",
            "127.0.0.1 (ci.example) was refused GET /v1/keys: 403 forbidden",
            "127.0.0.1 was refused by TLS: certificate verify failed",
        ):
            wait_for(lambda line=line: line in self.balancer.output)  # type: ignore[misc]
        self.assertNotIn(BOSS, self.balancer.output)

    def test_rotated(self) -> None:
        """Commands make and exchange a token; the old one has its grace, the history its name."""
        url = {"FIBERLB_URL": f"http://127.0.0.1:{self.balancer.admin}"}
        boss = {**url, "FIBERLB_TOKEN": BOSS}
        made = self.fiberlb("token", "create", "ci", "--role", "write", **boss)
        self.assertEqual(made.returncode, 0, made.stderr)
        old = made.stdout.strip()
        created = self.fiberlb("create", "pools", "name=made", **url, FIBERLB_TOKEN=old)
        self.assertEqual(created.returncode, 0, created.stderr)
        new = self.fiberlb("token", "rotate", "ci", "--grace", "1h", **boss).stdout.strip()
        self.assertNotEqual(old, new)
        for token in (old, new):
            self.assertEqual(self.listed(token).status, 200)
        (first,) = json.loads(self.listed(new).body)["items"]
        self.assertEqual(first["author"], "ci")
        newest = self.fiberlb("token", "rotate", "ci", **boss).stdout.strip()
        statuses = [self.listed(token).status for token in (old, new, newest)]
        self.assertEqual(statuses, [401, 401, 200])
        self.balancer.stop()
        self.balancer.start(self.port)
        self.assertEqual(self.listed(newest).status, 200)
        self.assertNotIn(newest, self.balancer.output)

    def listed(self, token: str) -> Answer:
        """The history, asked for with a token."""
        fields = {"Authorization": f"Bearer {token}"}
        return request(self.balancer.admin, "/v1/revisions", headers=fields)

    def test_certificate_changes(self) -> None:
        """Another certificate in the files is shown, without a signal."""
        self.write("admin", leaf("other.example", common="other.example"))

        def subject() -> bytes:
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.tls}"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            return done.stdout

        wait_for(lambda: b"other.example" in subject())

    def test_open(self) -> None:
        """What would be open to others is refused by check and by the start."""
        path = self.directory / "open.yaml"
        path.write_text("version: 1\nadmin: {listen: '0.0.0.0:0'}\n")
        found = self.fiberlb("check", "-c", str(path))
        self.assertEqual(found.returncode, 1)
        self.assertIn("open.yaml:2:9: admin.listen: 0.0.0.0:0 needs admin.tls_config", found.stderr)
        found = self.fiberlb("run", "-c", str(path))
        self.assertEqual(found.returncode, 1)
        self.assertIn("needs admin.tls_config", found.stderr)


class HostileTests(AccessCase):
    """Those who only want to be in the way."""

    def test_flood(self) -> None:
        """More connections than there may be, heads without an end: others are served, here too."""
        several = [
            self.connect(port) for port in (self.balancer.admin, self.tls) for _ in range(300)
        ]
        for number, one in enumerate(several):
            try:
                one.send(
                    (b"", b"GET /v1/pools HTTP/1.1\r\nX: ", b"\x16\x03\x01\x02\x00")[number % 3]
                )
            except OSError:
                pass  # it has made room already
        for _ in range(5):
            self.assertEqual(request(self.port).status, 200)
            self.assertEqual(request(self.balancer.admin, "/readyz").status, 200)
        self.assertEqual(self.status(f"https://127.0.0.1:{self.tls}/healthz"), "200")

    def connect(self, port: int) -> socket.socket:
        """One that is held until the end."""
        made = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.addCleanup(made.close)
        return made

    def test_huge(self) -> None:
        """A head and a body of somebody who is not known end early."""
        admin = self.balancer.admin
        with RawClient(admin) as client:
            client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 65536)
            self.assertNotIn(b" 200 ", client.read_all())
        with RawClient(admin) as client:
            head = b"PUT /v1/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"
            client.send(head)
            self.assertIn(b" 401 ", client.read_until(b"\r\n\r\n"))
        self.assertEqual(request(self.port).status, 200)

    def test_guesser(self) -> None:
        """An address that guesses is not listened to, and the log does not overflow."""
        for number in range(40):
            fields = {"Authorization": f"Bearer wrong-{number}"}
            found = request(self.balancer.admin, "/v1/pools", headers=fields)
        self.assertEqual(found.status, 429)
        self.assertLessEqual(int(found.headers["retry-after"]), 60)
        good = {"Authorization": f"Bearer {BOSS}"}
        self.assertEqual(request(self.balancer.admin, "/v1/pools", headers=good).status, 429)
        self.assertEqual(
            self.status("--unix-socket", self.socket, "http://x.localhost/v1/keys"), "200"
        )
