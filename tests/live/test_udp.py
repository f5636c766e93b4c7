"""UDP through a real process: every size, both families, members that come and go."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.live.crew_case import CrewCase
from tests.support.balancer import Balancer
from tests.support.clients import request
from tests.support.datagrams import Client, Origin, Stream, free_udp_port

_TEXT = """
access_log: {{format: json, path: access.log}}
pools:
  - {{name: dns, protocol: udp, algorithm: {algorithm},
      health_monitor: {{interval: 1s, timeout: 500ms}}}}
  - {{name: v2, protocol: udp, proxy_protocol: v2, members: ["{first}"]}}
  - {{name: dead, protocol: udp, members: ["127.0.0.1:{dead}"]}}
listeners:
  - {{name: dns, address: ["127.0.0.1", "::"], port: {port}, protocol: udp, default_pool_id: dns,
      timeouts: {{udp_idle: 5s}}}}
  - {{name: dns-tcp, address: 127.0.0.1, port: {port}, protocol: tcp}}
  - {{name: few, address: 127.0.0.1, port: {few}, protocol: udp, default_pool_id: dns,
      connection_limit: 2, timeouts: {{udp_idle: 1s}}}}
  - {{name: denied, address: "::", port: {denied}, protocol: udp, default_pool_id: dns,
      allowed_cidrs: [127.0.0.0/24]}}
  - {{name: v2, address: "::", port: {v2}, protocol: udp, default_pool_id: v2}}
  - {{name: dead, address: "127.0.0.1", port: {nobody}, protocol: udp, default_pool_id: dead}}
"""


class UdpCase(CrewCase):
    """Three members, and a FiberLB before them that knows two of them."""

    workers = 0
    algorithm = "source_ip_port"

    def setUp(self) -> None:
        """Everything runs."""
        super().setUp()
        self.origins = {name: Origin(name) for name in ("a", "b", "c")}
        for origin in self.origins.values():
            self.addCleanup(origin.stop)
        self.port = free_udp_port()
        names = ("few", "denied", "v2", "dead", "nobody")
        self.ports = {name: free_udp_port() for name in names}
        text = _TEXT.format(
            algorithm=self.algorithm,
            port=self.port,
            first=self.origins["a"].address,
            **self.ports,
        )
        self.balancer = Balancer(text, workers=self.workers)
        self.addCleanup(self.end_all)
        self.balancer.start()
        if self.workers:
            self.wait_for_workers(self.workers)
        self.put("a", "b")

    def end_all(self) -> None:
        """Stop it; no exception was logged."""
        self.end()
        self.assertNotIn("Traceback", self.balancer.output)

    def put(self, *names: str, **fields: Any) -> None:
        """These are the members of the pool from now on, and up."""
        members = [
            {"name": name, "address": "127.0.0.1", "port": self.origins[name].port, **fields}
            for name in names
        ]
        self.ask("/v1/pools/dns/members", "PUT", members)
        self.program().wait_until(lambda: self.health() == dict.fromkeys(names, "up"))

    def health(self) -> dict[str, str]:
        """Of each member of the pool."""
        found = self.ask("/v1/pools/dns/members")["items"]
        return {one["name"]: one["status"]["health"] for one in found}

    def client(self, name: str = "", host: str = "127.0.0.1", own: str = "") -> Client:
        """A client of a listener."""
        made = Client(self.ports[name] if name else self.port, host, own)
        self.addCleanup(made.close)
        return made

    def figure(self, name: str, *labels: str) -> float:
        """A figure, of all labels that have these."""
        page = request(self.balancer.admin, "/metrics").text
        lines = re.findall(rf"^{name}\{{(.*)\}} (.*)$", page, re.M)
        return sum(float(v) for told, v in lines if all(label in told for label in labels))

    def entries(self) -> list[dict[str, Any]]:
        """The lines of the access log."""
        path = Path(self.balancer.directory, "access.log")
        return [json.loads(line) for line in path.read_text().splitlines()]


class UdpTests(UdpCase):
    """Everything in one process."""

    #: Datagrams of the longest test.
    many = 50_000

    def test_sizes(self) -> None:
        """Datagrams of every size come as they were sent, from where they were sent to."""
        client = self.client()
        first = client.ask(b"hello").split(b" ")
        self.assertIn(first[0], (b"a", b"b"))
        self.assertEqual(client.ask(b""), b" ".join([*first[:2], b""]))
        for size in (1, 1472, 1473, 8000, 60000):
            self.assertEqual(len(client.ask(b"x" * size)), len(b" ".join(first[:2])) + 1 + size)
        data = bytes(range(256)) * 256
        self.assertEqual(client.ask(data[:65507]), data[:65507])

    def test_addresses(self) -> None:
        """A socket of all addresses answers from each of them, over IPv6 and IPv4."""
        self.client(host="::1").ask(b"x")
        other = self.client(host="127.0.0.7")
        other.ask(b"x")
        # The same client at two addresses: two flows, which do not mix.
        other.to = ("127.0.0.8", self.port)
        other.ask(b"x")
        denied = self.client("denied", "127.0.0.1", own="127.0.1.1")
        denied.send(b"x")
        self.client("denied", "127.0.0.3", own="127.0.0.9").ask(b"x")
        self.assertTrue(denied.silent(0.2))
        self.program().wait_until(
            lambda: self.figure("fiberlb_listener_dropped_datagrams_total", "denied") == 1
        )

    def test_introduced(self) -> None:
        """The first datagram of a flow says who the client is, where the pool says so."""
        client = self.client("v2")
        signature = b"\r\n\r\n\0\r\nQUIT\n"
        found = client.ask(b"hello").split(b" ", 2)[2]
        self.assertEqual(found[:14], signature + b"\x21\x12")
        self.assertEqual(found[16:24], bytes([127, 0, 0, 1] * 2))
        own = client.socket.getsockname()[1]
        self.assertEqual(found[24:28], own.to_bytes(2, "big") + self.ports["v2"].to_bytes(2, "big"))
        self.assertEqual(found[28:], b"hello")
        self.assertEqual(client.ask(b"again").split(b" ", 2)[2], b"again")

    def test_limit(self) -> None:
        """More flows than the limit are not begun; there is room when others have ended."""
        for _ in range(2):
            self.client("few").ask(b"x")
        third = self.client("few")
        third.send(b"x")
        self.assertTrue(third.silent(0.2))
        self.program().wait_until(
            lambda: self.figure("fiberlb_listener_dropped_datagrams_total", "limit") == 1
        )

        def let_in() -> bool:
            third.send(b"x")
            return not third.silent(0.2)

        self.program().wait_until(let_in)
        self.program().wait_until(lambda: len(self.entries()) >= 3)
        line = self.entries()[0]
        self.assertEqual((line["listener"], line["pool"], line["tries"]), ("few", "dns", 1))
        self.assertEqual((line["received"], line["reason"]), (1, None))

    def test_states(self) -> None:
        """A member that drains keeps its flows; one in maintenance has none."""
        client = self.client()
        name = client.member()
        where = f"/v1/pools/dns/members/{name}/state"
        self.ask(where, "PUT", {"state": "drain"})
        self.assertEqual(client.member(), name)
        self.assertNotIn(name, {self.client().member() for _ in range(10)})
        self.ask(where, "PUT", {"state": "maintenance"})
        self.program().wait_until(lambda: client.member() != name)
        self.ask(where, "PUT", {"state": "ready"})

    def test_refused(self) -> None:
        """What a member refuses another one gets; the one that is down is left out."""
        self.origins["a"].stop()
        for _ in range(20):
            self.assertEqual(self.client().member(), "b")
        self.program().wait_until(lambda: self.health()["a"] == "down")
        self.origins["a"].start()
        self.program().wait_until(lambda: self.health()["a"] == "up")
        self.program().wait_until(lambda: self.client().member() == "a")
        nobody = self.client("nobody")
        nobody.send(b"x")
        self.program().wait_until(
            lambda: self.figure("fiberlb_listener_dropped_datagrams_total", "unreachable") >= 1
        )

    def test_members_changed(self) -> None:
        """Many datagrams while members come, go and are drained: none lost, none changed."""
        stream = Stream(self.port)
        until = self.program().wait_until
        stages = [("a", "b"), ("a", "b", "c"), ("b", "c"), ("c",), ("a", "c"), ("a", "b", "c")]
        counts = {name: origin.seen for name, origin in self.origins.items()}
        while stream.answered < self.many:
            for names in stages:
                self.put(*names)
                stream.wait(until, 500)
                gone = {n: sum(counts[n].values()) for n in counts if n not in names}
                stream.wait(until, 2000)
                still = {n: sum(counts[n].values()) for n in gone}
                # Who is gone hears nothing any more but the balancer's own checks.
                self.assertEqual(still, gone)
        before = [members[-1] for members in stream.members]
        self.put("a", "b", "c", weight=0)
        stream.wait(until, 3000)
        # A member that gets no new flows keeps those that it has.
        self.assertEqual([members[-1] for members in stream.members], before)
        self.assertEqual(stream.stop(), 0)
        self.assertEqual(stream.wrong, [])
        self.assertEqual(
            self.figure("fiberlb_listener_dropped_datagrams_total", 'listener="dns"'), 0
        )


class UdpWorkersTests(UdpTests):
    """The same with worker processes."""

    workers = 2
    many = 20_000
