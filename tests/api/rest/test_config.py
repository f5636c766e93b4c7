"""The store layer as one document: read, replaced and applied."""

from __future__ import annotations

from typing import Any

import yaml
from twisted.logger import capturedLogs, formatEvent

from tests.api.rest.asking import Answer, Asking
from tests.support.certificates import leaf

YAML = "application/yaml"


class ConfigCase(Asking):
    """A node whose file has a pool."""

    FILE = "pools: [{name: filed}]\n"

    def ops(self, found: Answer) -> list[tuple[str, str]]:
        """What a change did."""
        self.assertEqual(found.status, 200, found.body)
        return [(change["op"], change["name"]) for change in found.document["changes"]]


class ReadTests(ConfigCase):
    """GET /v1/config."""

    def test_empty(self) -> None:
        """Objects of the file are no part of it."""
        self.assertEqual(
            self.get("/v1/config").document,
            {"load_balancers": [], "certificates": [], "pools": [], "listeners": []},
        )

    def test_tag(self) -> None:
        """Its tag is that of all lists."""
        self.assertEqual(self.get("/v1/config").tag, self.get("/v1/pools").tag)

    def test_revision(self) -> None:
        """As it was; keys stand as marks, then too."""
        one = leaf("a.test")
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        self.post("/v1/certificates", body)
        self.ask("DELETE", "/v1/certificates/c")
        now = self.get("/v1/config")
        self.assertEqual((now.document["certificates"], now.tag), ([], '"2"'))
        then = self.get("/v1/config?revision=1")
        (made,) = then.document["certificates"]
        self.assertRegex(made["private_key"], "^stored:sha256:[0-9a-f]{64}$")
        self.assertNotIn("PRIVATE", then.body.decode())
        self.assertEqual(then.tag, '"1"')
        self.assertEqual(self.get("/v1/config?revision=2").document, now.document)
        self.refusal(self.ask("GET", "/v1/config?revision=3"), 404, "no_revision")
        self.refusal(self.ask("GET", "/v1/config?revision=x"), 400, "invalid")

    def test_yaml(self) -> None:
        """The same in YAML, for who wants that."""
        self.post("/v1/pools", {"name": "off", "description": "0443", "members": ["127.0.0.1:1"]})
        plain = self.get("/v1/config").document
        found = self.get("/v1/config", Accept="application/yaml")
        self.assertEqual(found.headers["content-type"], YAML)
        self.assertEqual(yaml.safe_load(found.body), plain)
        for accept in ("*/*", "application/json, application/yaml;q=0.5", "x;q=x", "text/html"):
            found = self.get("/v1/config", Accept=accept)
            self.assertEqual(found.headers["content-type"], "application/json", accept)
        wanted = "text/yaml, application/json;q=0.5"
        self.assertEqual(self.get("/v1/config", Accept=wanted).headers["content-type"], YAML)

    def test_not_modified(self) -> None:
        """Who has it already."""
        tag = self.get("/v1/config").tag
        self.assertEqual(self.ask("GET", "/v1/config", If_None_Match=tag).status, 304)


class ReplaceTests(ConfigCase):
    """PUT /v1/config."""

    def test_round_trip(self) -> None:
        """What was read is put back without a change, in both forms, keys and all."""
        one = leaf("a.test")
        certificate = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        listener = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "filed"}
        self.post("/v1/certificates", certificate)
        self.post("/v1/listeners", {**listener, "l7_policies": [{"action": "reject"}]})
        self.post("/v1/pools/filed/members", {"address": "::1", "port": 1})
        found = self.get("/v1/config")
        self.assertEqual(self.ops(self.ask("PUT", "/v1/config", found.document)), [])
        text = self.get("/v1/config", Accept=YAML).body
        self.assertEqual(self.ops(self.ask("PUT", "/v1/config", raw=text, media=YAML)), [])
        self.assertEqual(self.stage.control.revision, 3)

    def test_replaced(self) -> None:
        """Every object that changed is told, field by field, and what it stands for."""
        self.post("/v1/pools", {"name": "a"})
        listener = b"{name: l, port: 80, protocol: http, default_pool_id: b}"
        text = b"pools: [{name: b}]\nlisteners: [%b]\n" % listener
        dry = self.ask("PUT", "/v1/config?dry_run=true", raw=text, media=YAML)
        expected = [("create", "b"), ("create", "l"), ("delete", "a")]
        self.assertEqual(self.ops(dry), expected)
        self.assertEqual((dry.document["dry_run"], self.stage.control.revision), (True, 1))
        found = self.ask("PUT", "/v1/config", raw=text, media=YAML)
        self.assertEqual(self.ops(found), expected)
        self.assertEqual(found.tag, '"2"')
        ident = found.document["changes"][0]["id"]
        self.assertEqual(found.document["names"][ident], "b")
        fields = found.document["changes"][1]["fields"]
        field = {"field": "default_pool_id", "before": None, "after": ident, "secret": False}
        self.assertIn(field, fields)

    def test_refused(self) -> None:
        """Conditions, forms, and what is wrong in the document."""
        self.refusal(self.ask("PUT", "/v1/config", {}, If_Match='"7"'), 412, "stale")
        self.refusal(
            self.ask("PUT", "/v1/config", raw=b"{}", media="text/plain"), 415, "media_type"
        )
        self.refusal(self.ask("PUT", "/v1/config", raw=b"a: [", media=YAML), 400, "malformed")
        found = self.ask("PUT", "/v1/config", raw=b"pools: [{name: '${X}'}]", media=YAML)
        self.assertEqual(found.errors[0][0], "/pools/0/name")
        found = self.ask("PUT", "/v1/config", {"pools": [{"name": "a", "portocol": "x"}]})
        self.assertEqual([pointer for pointer, _ in found.errors], ["/pools/0/portocol"])
        self.refusal(
            self.ask("PUT", "/v1/config", {"pools": [{"name": "filed"}]}), 409, "owned_by_file"
        )

    def test_large(self) -> None:
        """More than 1 MiB, not more than 16."""
        tags = [f"{n}" * 127 for n in range(10, 70)]
        several = [{"name": f"p{n}", "tags": tags} for n in range(100)]
        found = self.ask("PUT", "/v1/config?dry_run=true", {"pools": several})
        self.assertEqual(len(self.ops(found)), 100)
        found = self.ask("PUT", "/v1/config", raw=b" " * (16 * 1024 * 1024 + 1))
        self.refusal(found, 413, "too_large")


class ApplyTests(ConfigCase):
    """POST /v1/apply, and its confirmation."""

    def tearDown(self) -> None:
        """Nothing waits any more."""
        self.stage.control.confirming.stop()

    def apply(self, query: str = "", **document: Any) -> Answer:
        """Apply a document."""
        return self.ask("POST", f"/v1/apply{query}", document)

    def test_applied(self) -> None:
        """What was applied before and is not in it goes; nothing else."""
        self.post("/v1/pools", {"name": "by-hand"})
        found = self.apply(pools=[{"name": "a"}, {"name": "b"}])
        self.assertEqual(self.ops(found), [("create", "a"), ("create", "b")])
        self.assertIsNone(found.document["unconfirmed"])
        self.assertEqual(self.get("/v1/pools/a").document["managed_by"], "apply")
        dry = self.apply("?dry_run=true", pools=[{"name": "a"}])
        self.assertEqual(self.ops(dry), [("delete", "b")])
        self.assertEqual(self.ops(self.apply(pools=[{"name": "a"}])), [("delete", "b")])
        self.assertEqual(self.get("/v1/revisions?limit=1").document["items"][0]["source"], "apply")

    def test_tests(self) -> None:
        """Tests of the document are run on what it comes to, also where nothing changes."""
        listener = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "a"}
        document: dict[str, Any] = {"pools": [{"name": "a"}], "listeners": [listener]}
        good = {"request": {"url": "/x"}, "expect": {"pool": "a"}}
        bad = {"name": "odd", "request": {"url": "/x"}, "expect": {"pool": "b"}}
        for query in ("?dry_run=true", ""):
            problem = self.refusal(
                self.apply(query, **document, tests=[good, bad]), 409, "test_failed"
            )
            (error,) = problem["errors"]
            self.assertEqual(error["path"], "/tests/1/expect/pool")
        self.refusal(self.ask("GET", "/v1/pools/a"), 404, "not_found")
        self.assertEqual(len(self.ops(self.apply(**document, tests=[good]))), 2)
        self.refusal(self.apply(**document, tests=[bad]), 409, "test_failed")
        self.assertEqual(self.ops(self.apply(**document, tests=[good])), [])
        self.refusal(self.apply(**document, tests=[{"expect": {}}]), 400, "invalid")
        self.refusal(self.ask("PUT", "/v1/config", {**document, "tests": [good]}), 400, "invalid")

    def test_confirmed(self) -> None:
        """In time."""
        found = self.apply("?confirm=60s", pools=[{"name": "a"}]).document
        self.assertEqual(
            found["unconfirmed"],
            {"revision": 1, "until": "2027-01-15T08:01:00Z", "author": "local"},
        )
        self.assertEqual(self.get("/v1/confirmation").document["unconfirmed"], found["unconfirmed"])
        self.assertIn("revision 1 is rolled back", self.get("/v1/status").document["problems"][0])
        self.refusal(self.apply(pools=[]), 409, "unconfirmed")
        self.refusal(self.ask("PUT", "/v1/config", {"pools": []}), 409, "unconfirmed")
        self.refusal(
            self.ask("POST", "/v1/confirmation?revision=7", raw=b""), 404, "nothing_to_confirm"
        )
        done = self.ask("POST", "/v1/confirmation?revision=1", raw=b"")
        self.assertEqual((done.status, done.document), (200, {"confirmed": 1, "revision": 1}))
        self.refusal(self.ask("POST", "/v1/confirmation", raw=b""), 404, "nothing_to_confirm")
        self.assertIsNone(self.get("/v1/confirmation").document["unconfirmed"])

    def test_confirmation_foreseen(self) -> None:
        """C{dry_run} tells what would stay, and it waits on; a reason goes into the log."""
        path = "/v1/confirmation"
        self.refusal(self.ask("POST", f"{path}?dry_run=true", raw=b""), 404, "nothing_to_confirm")
        waiting = self.apply("?confirm=60s", pools=[{"name": "a"}]).document["unconfirmed"]
        found = self.ask("POST", f"{path}?dry_run=true", raw=b"")
        self.assertEqual(found.document["result"], {"confirmed": 1})
        self.assertTrue(found.document["dry_run"])
        self.assertEqual(self.get(path).document["unconfirmed"], waiting)
        with capturedLogs() as events:
            self.ask("POST", path, raw=b"", FiberLB_Reason="it works")
        logged = [formatEvent(event) for event in events]
        self.assertIn("Revision 1 was confirmed by local: it works", logged)

    def test_not_confirmed(self) -> None:
        """Rolled back; where nothing changed there is nothing to confirm."""
        self.apply("?confirm=60s", pools=[{"name": "a"}])
        self.stage.wall += 60
        self.stage.clock.advance(60)
        self.refusal(self.ask("GET", "/v1/pools/a"), 404, "not_found")
        found = self.apply("?confirm=60s", pools=[])
        self.assertIsNone(found.document["unconfirmed"])

    def test_rolled_back_by_hand(self) -> None:
        """Nothing is left to confirm."""
        self.apply(pools=[{"name": "a"}])
        self.apply("?confirm=60s", pools=[{"name": "b"}])
        self.assertEqual(self.ask("POST", "/v1/revisions/1/rollback", raw=b"").status, 200)
        self.assertIsNone(self.get("/v1/confirmation").document["unconfirmed"])

    def test_refused(self) -> None:
        """Durations that are none, or too long."""
        for word in ("soon", "0s", "25h", "none"):
            self.refusal(self.apply(f"?confirm={word}"), 400, "invalid")
