"""Two nodes and one etcd: what one of them does for both, and what holds on both."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.processes import wait_for
from tests.live.test_etcd import Node
from tests.support.clients import request
from tests.support.etcd import Cluster
from tests.support.pebble import Pebble
from tests.support.ports import free_ports
from tests.support.programs import need, temporary_directory

_ACME = 'acme: {{email: ops@example.org, directory: "{directory}", ca: "file:{roots}"}}\n'


class TwoNodesTests(SynchronousTestCase):
    """Each with a key file of its own; the second one starts later."""

    def setUp(self) -> None:
        """One of them runs, and its listener is there for an authority."""
        need("pebble")
        self.cluster = Cluster(1)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.plain, secure = free_ports(2)
        pebble = Pebble(self.plain, secure)
        self.addCleanup(pebble.stop)
        directory = Path(temporary_directory())
        roots = directory / "roots.pem"
        roots.write_text(pebble.roots)
        self.old = base64.b64encode(os.urandom(32)) + b"\n"
        self.keys = [directory / f"key-{n}" for n in range(2)]
        for key in self.keys:
            key.touch(mode=0o600)
            key.write_bytes(self.old)
        self.nodes = [Node(f"lb-{n}", self.cluster, str(key)) for n, key in enumerate(self.keys)]
        for node in self.nodes:
            node.text += _ACME.format(directory=pebble.directory, roots=roots)
            self.addCleanup(node.kill)
        self.nodes[0].start()

    def ask(self, number: int, method: str, target: str, body: Any = None) -> tuple[int, Any]:
        """The status and the document of an answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if method == "GET" else {"Content-Type": "application/json"}
        admin = self.nodes[number].balancer.admin
        answer = request(admin, target, method=method, headers=headers, body=data)
        return answer.status, json.loads(answer.body) if answer.body else None

    def good(self, number: int, method: str, target: str, body: Any = None) -> Any:
        """The document of an answer that is no refusal."""
        status, document = self.ask(number, method, target, body)
        self.assertLess(status, 300, document)
        return document

    def test_shared(self) -> None:
        """A certificate is ordered once; a drain holds on both; a key is used when both have it."""
        listener = {"name": "l", "address": "127.0.0.1", "port": self.plain, "protocol": "http"}
        self.good(0, "POST", "/v1/listeners", listener)
        order = {"name": "c", "acme": {"domains": ["a.test.example"], "challenge": "http-01"}}
        self.good(0, "POST", "/v1/certificates", order)
        wait_for(lambda: self.acme(0)["state"] == "valid")
        self.nodes[1].start()
        wait_for(lambda: self.acme(1)["state"] == "valid")
        shown = [self.good(n, "GET", "/v1/certificates/c") for n in range(2)]
        self.assertEqual(shown[0], shown[1])
        self.assertIn("by http-01", self.nodes[0].balancer.output)
        self.assertNotIn("by http-01", self.nodes[1].balancer.output)
        self.drained()
        self.resealed()

    def acme(self, number: int) -> Any:
        """How the order goes, as a node sees it."""
        return self.good(number, "GET", "/v1/certificates/c")["acme"]

    def drained(self) -> None:
        """A drain of one node is one of the other, and so is its end."""
        members = [{"name": "m", "address": "127.0.0.1", "port": 9}]
        self.good(0, "POST", "/v1/pools", {"name": "web", "members": members})
        path = "/v1/pools/web/members/m/state"
        wait_for(lambda: self.ask(1, "GET", path)[0] == 200)
        for one, other, state in ((0, 1, "drain"), (1, 0, "ready")):
            self.good(one, "PUT", path, {"state": state})
            self.becomes(other, path, state)

    def becomes(self, number: int, path: str, state: str) -> None:
        """Wait for a member's state on a node."""
        wait_for(lambda: bool(self.good(number, "GET", path)["state"] == state))

    def resealed(self) -> None:
        """Neither node makes a key alone; with the second one both seal with it."""
        status, problem = self.ask(0, "POST", "/v1/keys/rotate")
        self.assertEqual((status, problem["code"]), (409, "keys_unchanged"))
        new = base64.b64encode(os.urandom(32)) + b"\n"
        self.keys[0].write_bytes(new + self.old)
        status, problem = self.ask(0, "POST", "/v1/keys/reseal")
        self.assertEqual(status, 409)
        self.assertIn("lb-1 would be locked out", problem["detail"])
        self.keys[1].write_bytes(new + self.old)
        done = self.good(1, "POST", "/v1/keys/reseal")
        self.assertGreater(done["resealed"], 0)
        wait_for(lambda: self.good(0, "GET", "/v1/keys")["items"][0]["id"] == done["key_id"])
