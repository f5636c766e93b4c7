"""
Nodes on one etcd of three members, and what befalls them.

C{FIBERLB_UNHARMED=1} does it for longer; C{FIBERLB_SEED} takes another course of events.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import signal
import socket
import sys
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

EVENTS = 60 if os.environ.get("FIBERLB_UNHARMED", "") == "1" else 4
SEED = int(os.environ.get("FIBERLB_SEED", "7"))
_SETTINGS = """\
version: 1
node: {{name: {name}}}
state_directory: {directory}
key_file: {key}
store: etcd:{urls}
admin: {{listen: "127.0.0.1:{admin}"}}
shutdown: {{grace: 0s, deadline: 5s}}
workers: {workers}
"""
#: A starter like systemd: the socket of a node is descriptor 3 of whatever is started.
_STARTER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Node:
    """
    One node, started and killed at will; its state stays.

    @ivar socket: C{fd:web} of its listeners, which has a port of its own on each node; it is the
        starter's, so it outlives the node.
    """

    def __init__(self, name: str, cluster: Cluster, key: str, workers: int = 0) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        starter = [sys.executable, "-c", _STARTER, str(self.socket.fileno())]
        self.balancer = Balancer(before=[*starter, sys.executable], handed=[self.socket.fileno()])
        self.state = Path(self.balancer.directory, "state")
        self.text = _SETTINGS.format(
            name=name,
            directory=self.state,
            key=key,
            urls=",".join(cluster.urls),
            admin=self.balancer.admin,
            workers=workers,
        )

    @property
    def port(self) -> int:
        """Where its own socket listens."""
        found: int = self.socket.getsockname()[1]
        return found

    def start(self) -> Node:
        """Start it, and wait for its admin API."""
        self.balancer.path.write_text(self.text)
        self.balancer.start()
        return self

    def kill(self) -> None:
        """As a crash would; workers serve on."""
        if self.balancer.program is not None:
            self.balancer.program.crash()

    def end(self) -> None:
        """In order, with every process there is of it."""
        self.balancer.stop()
        for path in self.state.glob("worker-*"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.name.removeprefix("worker-")), signal.SIGKILL)
        self.socket.close()

    def upgrade(self) -> None:
        """Let it become another image of itself."""
        assert self.balancer.program is not None
        lines = len(self.balancer.program.lines)
        self.balancer.program.signal(signal.SIGUSR2)
        self.balancer.program.wait_for_line("Admin API", after=lines)

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
        workers = 2 if "chance" in self.id() else 0
        self.nodes = [Node(f"lb-{n}", self.cluster, str(key), workers) for n in range(3)]
        for node in self.nodes:
            self.addCleanup(node.end)
            node.start()
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.port = free_port()
        self.written: list[str] = []
        self.write(self.nodes[0], "web", [self.member.address])
        for listener in (
            {"name": "web", "address": "127.0.0.1", "port": self.port},
            {"name": "each", "address": "fd:web"},
        ):
            body = {**listener, "protocol": "http", "default_pool_id": "web"}
            status, told = self.nodes[0].ask("/v1/listeners", body)
            self.assertEqual(status, 201, told)

    def listening(self, node: Node) -> dict[str, str]:
        """The states of a node's listeners."""
        return {one["name"]: one["state"] for one in node.status().get("listeners", ())}

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
        # The port is the first node's: the other one says so, and serves the rest.
        states = {"web": "error", "each": "listening"}
        wait_for(lambda: self.listening(second) == states)
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
        """Things are killed, frozen and renewed at random, and no request fails on any node."""
        chance = random.Random(SEED)
        ports = (self.port, *(node.port for node in self.nodes))
        loads = [Load(port, clients=2, pause=0.005) for port in ports]
        with contextlib.ExitStack() as stack:
            for load in loads:
                stack.enter_context(load)
            for number in range(EVENTS):
                self.befall(chance)
                self.write(chance.choice(self.nodes), f"p{number}")
                for load in loads:
                    load.wait_for(20)
            self.agree()
            self.assertEqual([load.failures for load in loads], [[]] * 4, f"seed {SEED}")

    def befall(self, chance: random.Random) -> None:
        """One thing that happens to a node or to a member of the etcd."""
        if chance.random() < 0.5:
            node = chance.choice(self.nodes)
            if chance.random() < 0.25:
                node.upgrade()
            else:
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
