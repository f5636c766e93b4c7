"""Balancing between real members, over workers."""

from __future__ import annotations

import json
from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.clients import curl
from tests.support.members import Member
from tests.support.ports import free_port

_CONFIGURATION = """
pools:
  - {{name: web, algorithm: {algorithm}, members: {members}}}
listeners:
  - {{name: front, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""


class BalancingTests(SynchronousTestCase):
    """Three nginx, and clients with addresses of their own."""

    def setUp(self) -> None:
        """The members run."""
        self.members = [Member(name).start() for name in ("one", "two", "three")]
        for member in self.members:
            self.addCleanup(member.stop)
        self.port = free_port()

    def start(self, algorithm: str, workers: int) -> Balancer:
        """FiberLB before them."""
        members = json.dumps([member.address for member in self.members])
        text = _CONFIGURATION.format(algorithm=algorithm, members=members, port=self.port)
        balancer = Balancer(text, workers=workers).start(self.port)
        self.addCleanup(balancer.stop)
        self.addCleanup(lambda: self.assertNotIn("Traceback", balancer.output))
        return balancer

    def answered(self, client: int) -> str:
        """Which member answers this client, on a new connection."""
        source = f"127.0.9.{client}"
        found = curl("--interface", source, f"http://127.0.0.1:{self.port}/")
        return found.stdout.decode().strip()

    def test_source(self) -> None:
        """A client has one member, whichever worker takes its connection."""
        self.start("source_ip", 2)
        first = {client: self.answered(client) for client in range(1, 25)}
        self.assertEqual(len(set(first.values())), 3)
        for client, member in first.items():
            self.assertEqual({self.answered(client) for _ in range(3)}, {member})

    def change(self, balancer: Balancer, algorithm: str) -> None:
        """Another algorithm, by reloading the file."""
        members = json.dumps([member.address for member in self.members])
        text = _CONFIGURATION.format(algorithm=algorithm, members=members, port=self.port)
        before = balancer.output.count("is in force")
        balancer.write(text)
        balancer.reload()
        assert balancer.program is not None
        balancer.program.wait_until(lambda: balancer.output.count("is in force") > before)

    def check_all(self, workers: int) -> None:
        """Every algorithm, one after the other."""
        balancer = self.start("round_robin", workers)
        for algorithm in (
            "least_connections source_ip_port maglev random_two peak_ewma first_available"
        ).split():
            self.change(balancer, algorithm)
            found = Counter(self.answered(client) for client in range(1, 20))
            self.assertTrue(all(name.startswith("member ") for name in found), found)
            if algorithm == "first_available":
                self.assertEqual(len(found), 1)

    def test_in_one(self) -> None:
        """Every algorithm serves, and takes over from another one live."""
        self.check_all(0)

    def test_in_workers(self) -> None:
        """The same in workers."""
        self.check_all(2)
