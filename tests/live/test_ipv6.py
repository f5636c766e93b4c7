"""IPv6 from end to end: members and listeners at ::1, and IPv4 clients on dual-stack sockets."""

from __future__ import annotations

import json
import socket
from unittest import SkipTest

from tests.live.crew_case import CrewCase
from tests.support.balancer import Balancer
from tests.support.clients import RawClient
from tests.support.members import Member
from tests.support.ports import free_port

FILE = """
access_log: {{format: json, path: {log}}}
trusted_proxies: ["127.0.0.3"]
pools:
- {{name: web, members: ["[::1]:{member}"], health_monitor: {{type: http}}}}
- {{name: raw, protocol: tcp, members: ["[::1]:{member}"], health_monitor: {{type: tcp}}}}
listeners:
- name: both
  address: "::"
  port: {both}
  protocol: http
  default_pool_id: web
  allowed_cidrs: ["127.0.0.1", "127.0.0.3", "::1"]
  l7_policies:
  - name: four
    action: redirect_to_url
    redirect_url: https://four.test/
    rules: [{{path: /family}}, {{source_ip: 127.0.0.0/8}}]
  - name: six
    action: redirect_to_url
    redirect_url: https://six.test/
    rules: [{{path: /family}}, {{source_ip: "::1"}}]
- {{name: six, address: "::1", port: {six}, protocol: http, default_pool_id: web}}
- {{name: raw, address: "::", port: {raw}, protocol: tcp, default_pool_id: raw}}
"""


def exchange(host: str, port: int, target: str, *lines: str, source: str = "") -> str:
    """The whole answer to a GET."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.settimeout(60)
        if source:
            sock.bind((source, 0))
        sock.connect((host, port))
        head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: a", "Connection: close", *lines])
        sock.sendall(f"{head}\r\n\r\n".encode())
        found = b""
        while data := sock.recv(65536):
            found += data
    return found.decode()


class OneProcessTests(CrewCase):
    """Everything in one process."""

    workers = 0

    def setUp(self) -> None:
        """A member at ::1, and the balancer."""
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as why:
            raise SkipTest(f"no IPv6 here: {why}") from None
        self.member = Member("six", host="::1").start()
        self.addCleanup(self.member.stop)
        self.both, self.six, self.raw = free_port(), free_port(), free_port()
        self.balancer = Balancer(workers=self.workers)
        text = FILE.format(
            log=f"{self.balancer.directory}/access.log",
            member=self.member.port,
            both=self.both,
            six=self.six,
            raw=self.raw,
        )
        self.balancer.write(text)
        self.addCleanup(self.end)
        self.balancer.start(self.both, self.raw)

    def forwarded(self, answer: str) -> list[str]:
        """What the member was told of the client."""
        lines = answer.lower().splitlines()
        return [line.partition(": ")[2] for line in lines if line.startswith("x-forwarded-for")]

    def test_clients(self) -> None:
        """IPv4 clients of a dual-stack socket are IPv4 clients, to members, rules and lists."""
        for host, shown, family in (("127.0.0.1", "127.0.0.1", "four"), ("::1", "::1", "six")):
            self.assertEqual(self.forwarded(exchange(host, self.both, "/echo")), [shown])
            self.assertIn(f"https://{family}.test/", exchange(host, self.both, "/family"))
        self.assertEqual(self.forwarded(exchange("::1", self.six, "/echo")), ["::1"])
        answer = exchange("127.0.0.1", self.both, "/", source="127.0.0.2")
        self.assertIn("denied_address", answer)

    def test_trusted(self) -> None:
        """A trusted proxy by IPv4 on a dual-stack socket; what it tells is plain as well."""
        told = "X-Forwarded-For: ::ffff:192.0.2.7"
        answer = exchange("127.0.0.1", self.both, "/echo", told, source="127.0.0.3")
        self.assertEqual(self.forwarded(answer), ["::ffff:192.0.2.7, 127.0.0.3"])
        self.program().wait_until(lambda: "192.0.2.7" in self.logged())
        clients = [json.loads(line)["client"] for line in self.logged().splitlines()]
        # The other one is whoever tried the port at the start.
        self.assertEqual(set(clients) - {"127.0.0.1"}, {"192.0.2.7"})

    def logged(self) -> str:
        """The access log."""
        try:
            with open(f"{self.balancer.directory}/access.log") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def test_members(self) -> None:
        """A member at ::1 is checked, named in brackets, and relayed to by TCP."""

        def up() -> bool:
            items = self.ask("/v1/members")["items"]
            return [one["status"]["health"] for one in items] == ["up", "up"]

        self.program().wait_until(up)
        hosts = {one.host for one in self.member.requests() if "health" in one.user_agent}
        self.assertEqual(hosts, {f"[::1]:{self.member.port}"})
        with RawClient(self.raw) as client:
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"member six", client.read_all())
        names = {one["name"] for one in self.ask("/v1/members")["items"]}
        self.assertEqual(names, {f"[::1]:{self.member.port}"})


class WorkersTests(OneProcessTests):
    """The same with two workers."""

    workers = 2
