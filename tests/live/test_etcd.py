"""
Nodes on one etcd of three members, and what befalls them.

C{FIBERLB_UNHARMED=1} does it for longer; C{FIBERLB_SEED} takes another course of events.
"""

from __future__ import annotations

import base64
import json
import os
import random
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.load import Load
from tests.live.processes import wait_for
from tests.support.balancer import Balancer
from tests.support.etcd import Cluster, Etcd
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import temporary_directory

EVENTS = 60 if os.environ.get("FIBERLB_UNHARMED", "") == "1" else 5
SEED = int(os.environ.get("FIBERLB_SEED", "7"))
_SETTINGS = """\
version: 1
node: {{name: {name}}}
state_directory: {directory}
key_file: {key}
store: etcd:{urls}
admin: {{listen: "127.0.0.1:{admin}"}}
shutdown: {{grace: 0s, deadline: 5s}}
workers: 0
"""


class Node:
    """One node, started and killed at will; its state stays."""

    def __init__(self, name: str, cluster: Cluster, key: str) -> None:
        self.balancer = Balancer()
        self.state = Path(self.balancer.directory, "state")
        self.text = _SETTINGS.format(
            name=name,
            directory=self.state,
            key=key,
            urls=",".join(cluster.urls),
            admin=self.balancer.admin,
        )

    def start(self) -> Node:
        """Start it, and wait for its admin API."""
        self.balancer.path.write_text(self.text)
        self.balancer.start()
        return self

    def kill(self) -> None:
        """As a crash would."""
        if self.balancer.program is not None:
            self.balancer.program.kill()

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the document of an answer; 0: there is none."""
        data = None if body is None else json.dumps(body).encode()
        head = {"Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.balancer.admin}{path}"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, data, head), timeout=60
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as why:
            return why.code, json.load(why)
        except OSError:
            return 0, None

    def status(self) -> Any:
        """C{/v1/status}; empty: there is no answer."""
        return self.ask("/v1/status")[1] or {}


class NodesTests(SynchronousTestCase):
    """Three nodes, three members of an etcd, one member of a pool."""

    def setUp(self) -> None:
        """All of them, and one listener; the first node has its port."""
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        key = Path(temporary_directory(), "key")
        key.write_bytes(base64.b64encode(os.urandom(32)))
        key.chmod(0o600)
        self.nodes = [Node(f"lb-{n}", self.cluster, str(key)) for n in range(3)]
        for node in self.nodes:
            self.addCleanup(node.kill)
            node.start()
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.port = free_port()
        self.written: list[str] = []
        self.write(self.nodes[0], "web", [self.member.address])
        listener = {"name": "web", "address": "127.0.0.1", "port": self.port, "protocol": "http"}
        status, told = self.nodes[0].ask("/v1/listeners", {**listener, "default_pool_id": "web"})
        self.assertEqual(status, 201, told)

    def write(self, node: Node, name: str, members: list[str] | None = None) -> int:
        """Make a pool; the status of the answer."""
        status, _ = node.ask("/v1/pools", {"name": name, "members": members or []})
        if status == 201:
            self.written.append(name)
        return status

    def agree(self) -> None:
        """Wait until every node serves the same revision, and all that was acknowledged."""
        wait_for(
            lambda: all(
                not n.status().get("store", {"x": 1}).get("away_since", 1) for n in self.nodes
            )
        )
        self.write(self.nodes[0], f"last{len(self.written)}")
        wait_for(lambda: len({n.status().get("revision") for n in self.nodes}) == 1)
        for node in self.nodes:
            names = {pool["name"] for pool in node.ask("/v1/pools?limit=1000")[1]["items"]}
            self.assertEqual(set(self.written) - names, set())

    def test_quorum(self) -> None:
        """Without most of the etcd everything serves, also after a restart; writes say why not."""
        first, second, _ = self.nodes
        wait_for(lambda: bool(second.status().get("listeners")))
        # The port is the first node's: the other one says so, and serves the rest.
        self.assertEqual(second.status()["listeners"][0]["state"], "error")
        self.cluster.leader().kill()
        wait_for(lambda: self.write(first, f"led{len(self.written)}") == 201)
        self.agree()
        lost = next(m for m in self.cluster.members if m.program and m.program.running)
        lost.kill()
        with Load(self.port, clients=2) as load:
            wait_for(lambda: bool(first.status()["store"]["away_since"]))
            status, told = first.ask("/v1/pools", {"name": "no"})
            self.assertEqual((status, told["code"]), (503, "store_unavailable"))
            load.wait_for(50)
            self.assertEqual(load.failures, [])
        first.kill()
        first.start()
        self.assertTrue(first.status()["store"]["copy"])
        wait_for(lambda: first.status()["ready"])
        with Load(self.port, clients=2) as load:
            load.wait_for(50)
            for member in self.cluster.members:
                if member.program is not None and not member.program.running:
                    member.start(self.cluster.text)
            self.agree()
            self.assertEqual(load.failures, [])
        self.assertEqual((first.state / "store-copy").stat().st_mode & 0o777, 0o600)

    def test_chance(self) -> None:
        """Things are killed and frozen at random, and no request fails."""
        chance = random.Random(SEED)
        with Load(self.port, clients=4) as load:
            load.wait_for(20)
            for number in range(EVENTS):
                self.befall(chance)
                self.write(chance.choice(self.nodes), f"p{number}")
                load.wait_for(50)
            self.agree()
            self.assertEqual(load.failures, [], f"seed {SEED}")

    def befall(self, chance: random.Random) -> None:
        """One thing that happens to a member of the etcd, or to a node without traffic."""
        if chance.random() < 0.4:
            node = chance.choice(self.nodes[1:])
            node.kill()
            node.start()
            return
        member: Etcd = chance.choice(self.cluster.members)
        if chance.random() < 0.5:
            member.kill()
            threading.Event().wait(chance.random())
            member.start(self.cluster.text)
        else:
            member.freeze()
            threading.Event().wait(3 * chance.random())
            member.thaw()
