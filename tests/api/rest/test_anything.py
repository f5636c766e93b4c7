"""Requests by chance, from a fixed seed: nothing breaks, and what is stored is what serves."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import quote

from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import kinds
from fiberlb.model.health_monitor import HealthMonitor
from tests.api.rest.asking import Asking
from tests.control.stage import Stage
from tests.support.certificates import leaf

REQUESTS = 400
TOP = ("pools", "members", "listeners", "l7_policies", "certificates", "load_balancers")
WORDS: tuple[Any, ...] = (
    *("f", "open", "fl", "a", "b", "default", "", "http", "tcp", "https", "reject", "path"),
    *("/x", "5s", "none", "64KiB", "10.0.0.0/8", "127.0.0.1", "::", "true", "200-299", "all"),
    *("x" * 300, "\x00", "é", "00000000-0000-4000-8000-000000000001", "stored:sha256:00"),
    *(0, 1, -1, 80, 65536, 10**20, 1.5, 2.0, True, False, None),
)


class Chance:
    """Documents by chance: some are right, most are nearly so."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.leaf = leaf("a.example")
        fields = {
            key
            for cls in (*COLLECTIONS.values(), HealthMonitor)
            for key in (*kinds(cls), *getattr(cls, "CHILDREN", {}), *getattr(cls, "LATER", ()))
        }
        self.keys = sorted(fields | {"managed_by", "status", "revision", "names"})

    def value(self, depth: int = 0) -> Any:
        """Anything."""
        kind = self.random.random()
        if kind < 0.7 or depth > 2:
            return self.random.choice(WORDS)
        count = range(self.random.randrange(3))
        if kind < 0.85:
            return [self.value(depth + 1) for _ in count]
        return {self.random.choice(self.keys): self.value(depth + 1) for _ in count}

    def good(self, collection: str) -> dict[str, Any]:
        """A document that may be right."""
        one = self.random.choice
        policy = {"action": "reject", "rules": [{"path": "/"}]}
        port = self.random.randrange(1000, 1010)
        documents: dict[str, dict[str, Any]] = {
            "pools": {"name": one("abc"), "members": [f"127.0.0.1:{port}"], "health_monitor": {}},
            "members": {"address": "127.0.0.1", "port": port, "pool_id": one(["a", "open"])},
            "listeners": {"name": one("abc"), "port": port, "protocol": "http"}
            | {"default_pool_id": one(["a", "f", None]), "l7_policies": one([[], [policy]])},
            "l7_policies": {**policy, "listener_id": one(["a", "fl"]), "name": one("ab")},
            "certificates": {"name": "a", "certificate": self.leaf.pem + self.leaf.key_pem()},
            "load_balancers": {"name": one(["a", "default"])},
            "l7_rules": {"path": "/"},
        }
        return documents[collection]

    def body(self, collection: str) -> Any:
        """A document with some of it changed."""
        made = self.good(collection) if self.random.random() < 0.6 else {}
        own = [*kinds(COLLECTIONS[collection])]
        for _ in range(self.random.choice((0, 0, 1, 3))):
            keys = own if self.random.random() < 0.8 else self.keys
            made[self.random.choice(keys)] = self.value()
        return made


class AnythingTests(Asking):
    """One API, many requests."""

    FILE = """\
pools: [{name: f, members: [127.0.0.1:7]}, {name: open}]
listeners: [{name: fl, port: 99, protocol: http}]
l7_policies: [{name: flat, listener_id: fl, action: reject, rules: [{path: /}]}]
"""

    def setUp(self) -> None:
        """Chance."""
        super().setUp()
        self.chance = Chance(7)
        self.random = self.chance.random

    def word(self, collection: str) -> str:
        """The id or the name of some object, or of none, as an address has it."""
        objects = list(self.stage.control.configuration.objects[collection].values())
        if not objects or self.random.random() < 0.3:
            return self.random.choice("abx")
        made = self.random.choice(objects)
        return quote(self.random.choice((made.id, made.name or made.id)), safe="")

    def target(self) -> tuple[str, str, str]:
        """Method, address and collection."""
        method = self.random.choice(("POST", "PUT", "PATCH", "DELETE"))
        kind = self.random.random()
        if kind < 0.1:
            return method, f"/v1/pools/{self.word('pools')}/health_monitor", "pools"
        if kind < 0.3:
            parent, path, collection = self.random.choice(
                (("pools", "members", "members"), ("l7_policies", "rules", "l7_rules"))
            )
            address = f"/v1/{parent}/{self.word(parent)}/{path}"
        else:
            collection = self.random.choice(TOP)
            address = f"/v1/{collection}"
        return (
            method,
            address if method == "POST" else f"{address}/{self.word(collection)}",
            collection,
        )

    def test_nothing_breaks(self) -> None:
        """No answer is a defect; refusals are problems; some requests do succeed."""
        statuses: dict[int, int] = {}
        for _ in range(REQUESTS):
            method, path, collection = self.target()
            body = None if method == "DELETE" else self.chance.body(collection)
            found = self.ask(method, path, body)
            self.assertLess(found.status, 500, (method, path, body, found.body))
            if found.status >= 400:
                self.refusal(found, found.status, found.document["code"])
            statuses[found.status] = statuses.get(found.status, 0) + 1
        for status in (200, 201, 204, 400, 404, 409):
            self.assertIn(status, statuses)
        self.same_after_restart()
        self.can_be_put_back()

    def same_after_restart(self) -> None:
        """Another node reads from the store what this one serves, in the same order."""
        other = Stage(self, self.FILE, self.stage.store, self.stage.clock, node=2)
        for collection, objects in self.stage.control.configuration.objects.items():
            found = other.control.configuration.objects[collection]
            self.assertEqual(list(found.items()), list(objects.items()))

    def can_be_put_back(self) -> None:
        """What a GET answers can be put, for everything there is, and changes nothing."""
        # The default load balancer is the API's from the first PUT on.
        balancer = "/v1/load_balancers/default"
        found = self.get(balancer)
        if found.document["managed_by"] == "file":
            self.ask("PUT", balancer, found.document)
        before = self.stage.control.revision
        for collection in TOP:
            for item in self.get(f"/v1/{collection}?limit=1000").document["items"]:
                path = f"/v1/{collection}/{item['id']}"
                found = self.ask("PUT", path, self.get(path).document)
                self.assertEqual(found.status, 200, (path, found.body))
        self.assertEqual(self.stage.control.revision, before)
