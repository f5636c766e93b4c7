"""The collections: what the methods mean."""

from __future__ import annotations

from typing import Any

from tests.api.rest.asking import Asking
from tests.support.certificates import leaf

LISTENER: dict[str, Any] = {"name": "web", "port": 80, "protocol": "http"}


class CreateTests(Asking):
    """POST."""

    def test_created(self) -> None:
        """201 with the address, the tag and the object as a GET answers it."""
        found = self.post("/v1/pools", {"name": "a", "members": ["127.0.0.1:1"]})
        ident = found.document["id"]
        self.assertEqual(found.headers["location"], f"/v1/pools/{ident}")
        self.assertEqual((found.tag, found.headers["fiberlb-revision"]), ('"1"', "1"))
        self.assertEqual(found.document, self.get(f"/v1/pools/{ident}").document)

    def test_child(self) -> None:
        """A child's address is within its parent, wherever it was posted."""
        pool = self.post("/v1/pools", {"name": "a"}).document["id"]
        inner = self.post("/v1/pools/a/members", {"address": "::1", "port": 1})
        outer = self.post("/v1/members", {"address": "::1", "port": 2, "pool_id": "a"})
        for made in (inner, outer):
            ident = made.document["id"]
            self.assertEqual(made.headers["location"], f"/v1/pools/{pool}/members/{ident}")
            self.assertEqual(made.document["pool_id"], pool)
            self.get(made.headers["location"])

    def test_short_form(self) -> None:
        """The file's short forms are taken here too."""
        self.post("/v1/pools", {"name": "a"})
        made = self.post("/v1/pools/a/members", "127.0.0.1:9 weight=3").document
        self.assertEqual((made["port"], made["weight"]), (9, 3))

    def test_policy(self) -> None:
        """A policy with rules, in one revision."""
        self.post("/v1/listeners", LISTENER)
        body = {"listener_id": "web", "action": "reject", "rules": [{"path": "/a"}]}
        found = self.post("/v1/l7_policies", body)
        self.assertEqual(found.document["position"], 10)
        self.assertEqual(found.document["rules"][0]["value"], "/a")
        self.assertEqual(found.headers["fiberlb-revision"], "2")

    def test_nested_rules(self) -> None:
        """Rules of rules are one object; the short form is taken, the long one is shown."""
        self.post("/v1/listeners", LISTENER)
        self.post("/v1/l7_policies", {"name": "p", "listener_id": "web", "action": "reject"})
        rule = {"any": [{"method": "PUT"}, {"not": {"source_ip": "10.0.0.0/8"}}]}
        made = self.post("/v1/l7_policies/p/rules", rule).document
        self.assertEqual((made["rule_type"], made["complexity"]), ("any", "literal"))
        method, other = made["rules"]
        self.assertEqual((method["rule_type"], method["value"]), ("method", "PUT"))
        self.assertEqual(other["rules"][0]["value"], "10.0.0.0/8")
        address = f"/v1/l7_policies/p/rules/{made['id']}"
        sent = {"rule_type": "not", "rules": made["rules"][:1]}
        changed = self.ask("PUT", address, sent).document
        self.assertEqual([one["value"] for one in changed["rules"]], ["PUT"])
        changed = self.ask("PATCH", address, {"rules": [{"path": "/x"}]}).document
        self.assertEqual([one["value"] for one in changed["rules"]], ["/x"])
        bad = {"rules": [{"path": "(", "compare_type": "regex"}]}
        self.assertEqual(self.ask("PATCH", address, bad).errors[0][0], "/rules/0/value")

    def test_refused(self) -> None:
        """Every field that is wrong at once, with pointers and suggestions."""
        found = self.ask("POST", "/v1/pools", {"nmae": "x", "protocol": "htp", "members": ["?"]})
        document = self.refusal(found, 400, "invalid")
        self.assertEqual([path for path, _ in found.errors], ["/nmae", "/protocol", "/members/0"])
        self.assertEqual(document["errors"][0]["suggestion"], "name")
        self.assertEqual(found.headers["fiberlb-revision"], "0")

    def test_conflicts(self) -> None:
        """Addresses in use, ids that are taken, names that several bear: 409."""
        self.stage.plane.busy.add(80)
        found = self.ask("POST", "/v1/listeners", LISTENER)
        self.refusal(found, 409, "address_in_use")
        self.assertEqual(found.errors, [("/port", "port 80 of :: is taken")])
        ident = self.post("/v1/pools", {"name": "a"}).document["id"]
        self.refusal(self.ask("POST", "/v1/pools", {"id": ident}), 409, "exists")
        self.post("/v1/pools", {"name": "a"})
        body = {**LISTENER, "port": 81, "default_pool_id": "a"}
        found = self.ask("POST", "/v1/listeners", body)
        self.refusal(found, 409, "ambiguous")
        self.assertEqual([path for path, _ in found.errors], ["/default_pool_id"])

    def test_stale(self) -> None:
        """If-Match on a POST is about the list."""
        tag = self.get("/v1/pools").tag
        first = self.ask("POST", "/v1/pools", {}, If_Match=tag)
        self.assertEqual(first.status, 201)
        self.refusal(self.ask("POST", "/v1/pools", {}, If_Match=tag), 412, "stale")


class ReadTests(Asking):
    """GET and HEAD."""

    FILE = "pools: [{name: f, members: [127.0.0.1:7]}]"

    def test_head(self) -> None:
        """HEAD has the fields of GET and no body."""
        shown, bare = self.get("/v1/pools/f"), self.ask("HEAD", "/v1/pools/f")
        self.assertEqual((bare.status, bare.body, bare.tag), (200, b"", shown.tag))

    def test_not_modified(self) -> None:
        """304 for who has it already, of objects and lists."""
        for path in ("/v1/pools/f", "/v1/pools", "/v1/pools/f/members", "/v1/config"):
            tag = self.get(path).tag
            found = self.ask("GET", path, If_None_Match=f'"x", {tag}')
            self.assertEqual((found.status, found.body, found.tag), (304, b"", tag))
            self.assertEqual(self.ask("GET", path, If_None_Match='"x"').status, 200)

    def test_not_found(self) -> None:
        """404 for what is not there, and for what is somewhere else."""
        self.post("/v1/pools", {"name": "b"})
        for path in (
            "/v1/pools/x",
            "/v1/pools/x/members",
            "/v1/pools/b/members/127.0.0.1:7",
            "/v1/pools/x/health_monitor",
            "/v1/pools/b/health_monitor",
            "/v1/l7_policies/x/rules",
        ):
            self.refusal(self.ask("GET", path), 404, "not_found")
        self.assertEqual(self.get("/v1/pools/f/members/127.0.0.1:7").document["port"], 7)

    def test_ambiguous(self) -> None:
        """409 for a name that several bear, with their ids."""
        ids = [self.post("/v1/pools", {"name": "b"}).document["id"] for _ in range(2)]
        found = self.refusal(self.ask("GET", "/v1/pools/b"), 409, "ambiguous")
        self.assertEqual(found["ids"], ids)

    def test_member_status(self) -> None:
        """A member's status stands in its own answer, not in its pool's."""
        member = self.get("/v1/members/127.0.0.1:7").document
        self.assertEqual(
            member["status"],
            {
                "health": "up",
                "reason": "",
                "since": "2027-01-15T08:00:00Z",
                "last_check": None,
                "transitions": 1,
                "sessions": 2,
                "in_flight": 1,
            },
        )
        self.assertNotIn("status", self.get("/v1/pools/f").document["members"][0])
        self.assertIn("status", self.get("/v1/pools/f/members").document["items"][0])

    def test_query(self) -> None:
        """An object takes no query."""
        self.refusal(self.ask("GET", "/v1/pools/f?x=1"), 400, "invalid")


class ReplaceTests(Asking):
    """PUT."""

    def test_round_trip(self) -> None:
        """What a GET answers can be put back, for every collection; nothing changes."""
        made = leaf("a.example")
        certificate = {"name": "c", "certificate": made.pem, "private_key": made.key_pem()}
        self.post("/v1/certificates", certificate)
        self.post("/v1/pools", {"name": "p", "members": ["127.0.0.1:1"], "health_monitor": {}})
        policy = {"redirect_pool_id": "p", "rules": [{"path": "/"}]}
        tls = {"certificate_id": "c"}
        body = {"name": "l", "port": 443, "protocol": "https", "tls_config": tls}
        self.post("/v1/listeners", {**body, "l7_policies": [policy]})
        self.post("/v1/load_balancers", {"name": "b"})
        for collection in ("certificates", "pools", "members", "listeners", "l7_policies"):
            for item in self.get(f"/v1/{collection}").document["items"]:
                path = f"/v1/{collection}/{item['id']}"
                found = self.ask("PUT", path, self.get(path).document)
                self.assertEqual(found.status, 200, found.body)
        for path in ("/v1/pools/p/health_monitor", "/v1/load_balancers/b"):
            self.assertEqual(self.ask("PUT", path, self.get(path).document).status, 200)
        self.assertEqual(self.stage.control.revision, 4)

    def test_read_only(self) -> None:
        """A field that cannot be set and says something else is refused."""
        self.post("/v1/pools", {"name": "a"})
        document = {**self.get("/v1/pools/a").document, "revision": 7}
        found = self.ask("PUT", "/v1/pools/a", document)
        self.refusal(found, 400, "invalid")
        self.assertEqual([path for path, _ in found.errors], ["/revision"])

    def test_creates(self) -> None:
        """201 where there was nothing of that name; the name may hold a slash."""
        found = self.ask("PUT", "/v1/pools/a%2Fb", {})
        self.assertEqual((found.status, found.document["name"]), (201, "a/b"))
        self.assertEqual(self.ask("PUT", "/v1/pools/a%2Fb", {}).status, 200)
        self.assertEqual(self.get("/v1/pools/a%2Fb").document["id"], found.document["id"])

    def test_only_new(self) -> None:
        """If-None-Match: * makes a PUT create or nothing."""
        for status in (201, 412):
            found = self.ask("PUT", "/v1/pools/a", {}, If_None_Match="*")
            self.assertEqual(found.status, status)

    def test_member_by_name(self) -> None:
        """A member is made within its pool, of the name of the address."""
        self.post("/v1/pools", {"name": "a"})
        body = {"address": "::1", "port": 1}
        found = self.ask("PUT", "/v1/pools/a/members/one", body)
        self.assertEqual((found.status, found.document["name"]), (201, "one"))
        self.assertEqual(self.ask("PUT", "/v1/pools/a/members/one", body).status, 200)

    def test_list(self) -> None:
        """A pool's members are put as a list, or as a list's answer has them."""
        self.post("/v1/pools", {"name": "a", "members": ["127.0.0.1:1", "127.0.0.1:2"]})
        before = self.get("/v1/pools/a/members")
        body = ["127.0.0.1:2", "127.0.0.1:3"]
        found = self.ask("PUT", "/v1/pools/a/members", body, If_Match=before.tag)
        self.assertEqual(found.status, 200)
        items = found.document["items"]
        self.assertEqual([item["port"] for item in items], [2, 3])
        self.assertEqual(items[0]["id"], before.document["items"][1]["id"])
        self.assertEqual((found.document["next"], found.document["revision"]), (None, 2))
        again = self.ask("PUT", "/v1/pools/a/members", {"items": items})
        self.assertEqual((again.status, again.document["revision"]), (200, 2))
        stale = self.ask("PUT", "/v1/pools/a/members", [], If_Match=before.tag)
        self.refusal(stale, 412, "stale")

    def test_rules(self) -> None:
        """So are a policy's rules."""
        self.post("/v1/listeners", LISTENER)
        body = {"name": "p", "listener_id": "web", "action": "reject", "rules": [{"path": "/a"}]}
        self.post("/v1/l7_policies", body)
        found = self.ask("PUT", "/v1/l7policies/p/rules", [{"path": "/b"}, {"header": "x"}])
        self.assertEqual(
            [item["rule_type"] for item in found.document["items"]], ["path", "header"]
        )


class PatchTests(Asking):
    """PATCH."""

    def test_merged(self) -> None:
        """Fields merge; both media types are taken."""
        self.post("/v1/pools", {"name": "a", "description": "x"})
        for media, word in (("application/json", "y"), ("application/merge-patch+json", "z")):
            found = self.ask("PATCH", "/v1/pools/a", {"description": word}, media=media)
            self.assertEqual((found.status, found.document["description"]), (200, word))
        self.assertEqual(found.tag, '"3"')

    def test_children(self) -> None:
        """Lists of children are refused."""
        self.post("/v1/pools", {"name": "a"})
        found = self.ask("PATCH", "/v1/pools/a", {"members": []})
        self.refusal(found, 400, "invalid")
        self.assertEqual([path for path, _ in found.errors], ["/members"])

    def test_stale(self) -> None:
        """A tag that was overtaken stops it; weak tags never match."""
        self.post("/v1/pools", {"name": "a"})
        tag = self.get("/v1/pools/a").tag
        self.assertEqual(
            self.ask("PATCH", "/v1/pools/a", {"tags": ["x"]}, If_Match=tag).status, 200
        )
        for field in (tag, f"W/{self.get('/v1/pools/a').tag}"):
            found = self.ask("PATCH", "/v1/pools/a", {"tags": []}, If_Match=field)
            self.refusal(found, 412, "stale")

    def test_missing(self) -> None:
        """Nothing to patch."""
        self.refusal(self.ask("PATCH", "/v1/pools/a", {}), 404, "not_found")


class DeleteTests(Asking):
    """DELETE."""

    FILE = "pools: [{name: f, members: [127.0.0.1:7]}]"

    def test_gone(self) -> None:
        """204 and nothing more; then it is not there."""
        self.post("/v1/pools", {"name": "a"})
        found = self.ask("DELETE", "/v1/pools/a")
        self.assertEqual((found.status, found.body), (204, b""))
        self.assertEqual(found.headers["fiberlb-revision"], "2")
        self.refusal(self.ask("DELETE", "/v1/pools/a"), 404, "not_found")

    def test_in_use(self) -> None:
        """409 with who uses it."""
        self.post("/v1/pools", {"name": "a"})
        ident = self.post("/v1/listeners", {**LISTENER, "default_pool_id": "a"}).document["id"]
        found = self.refusal(self.ask("DELETE", "/v1/pools/a"), 409, "in_use")
        user = {"collection": "listeners", "id": ident, "name": "web"}
        self.assertEqual(found["used_by"], [user])

    def test_owned(self) -> None:
        """409 with the file and the line."""
        found = self.refusal(self.ask("DELETE", "/v1/pools/f"), 409, "owned_by_file")
        self.assertTrue(found["file"].endswith("f.yaml"))
        self.assertEqual(found["line"], 1)

    def test_body(self) -> None:
        """It takes no body."""
        self.refusal(self.ask("DELETE", "/v1/pools/f", {}), 400, "malformed")


class MonitorTests(Asking):
    """A pool's health monitor."""

    def setUp(self) -> None:
        """A pool."""
        super().setUp()
        self.post("/v1/pools", {"name": "a"})

    def test_life(self) -> None:
        """Put, read, patched, deleted."""
        path = "/v1/pools/a/health_monitor"
        made = self.ask("PUT", path, {"url_path": "/up"})
        pool = self.stage.find("pools", "a").id
        self.assertEqual(
            (made.status, made.headers["location"]), (201, f"/v1/pools/{pool}/health_monitor")
        )
        shown = self.get(path)
        self.assertEqual((shown.document["url_path"], shown.tag), ("/up", made.tag))
        self.assertEqual(shown.document["managed_by"], "api")
        self.assertEqual(self.ask("GET", path, If_None_Match=shown.tag).status, 304)
        changed = self.ask("PATCH", path, {"rise": 5}, If_Match=shown.tag)
        self.assertEqual((changed.status, changed.document["rise"]), (200, 5))
        self.assertEqual(self.ask("PUT", path, changed.document).status, 200)
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.refusal(self.ask("GET", path), 404, "not_found")
        self.refusal(self.ask("DELETE", path), 404, "not_found")

    def test_value_of_pool(self) -> None:
        """It is a field of the pool as well: null removes it, so does a PUT without it."""
        body = {"health_monitor": {"rise": 4}}
        self.assertEqual(
            self.ask("PATCH", "/v1/pools/a", body).document["health_monitor"]["rise"], 4
        )
        self.assertIsNone(self.ask("PUT", "/v1/pools/a", {}).document["health_monitor"])

    def test_refused(self) -> None:
        """Pointers are into its own document."""
        found = self.ask("PUT", "/v1/pools/a/health_monitor", {"rise": 0, "x": 1})
        self.refusal(found, 400, "invalid")
        self.assertEqual([path for path, _ in found.errors], ["/rise", "/x"])


class DryRunTests(Asking):
    """?dry_run=true."""

    def test_told(self) -> None:
        """What would happen, and nothing happens."""
        found = self.ask("POST", "/v1/pools?dry_run=true", {"name": "a", "members": []})
        document = found.document
        self.assertEqual((found.status, document["dry_run"], document["revision"]), (200, True, 0))
        self.assertEqual([change["op"] for change in document["changes"]], ["create"])
        self.assertEqual(document["result"]["name"], "a")
        self.assertEqual(document["warnings"], [])
        body = {"name": "l", "port": 80, "protocol": "tcp", "accept_proxy_protocol": True}
        (told,) = self.ask("POST", "/v1/listeners?dry_run=true", body).document["warnings"]
        self.assertIn("trusted_proxies is empty", told)
        self.assertEqual(self.get("/v1/pools").document["items"], [])

    def test_every_method(self) -> None:
        """Of all writes."""
        self.post("/v1/pools", {"name": "a", "health_monitor": {}, "members": ["127.0.0.1:1"]})
        for method, path, body in (
            ("PUT", "/v1/pools/a", {"description": "x"}),
            ("PATCH", "/v1/pools/a", {"description": "x"}),
            ("DELETE", "/v1/pools/a", None),
            ("PUT", "/v1/pools/a/members", []),
            ("PATCH", "/v1/pools/a/health_monitor", {"rise": 9}),
            ("DELETE", "/v1/pools/a/health_monitor", None),
        ):
            found = self.ask(method, f"{path}?dry_run=true", body)
            self.assertEqual((found.status, found.document["revision"]), (200, 1), path)
            self.assertTrue(found.document["changes"], path)
        self.assertEqual(self.stage.control.revision, 1)

    def test_refused(self) -> None:
        """What would be refused is refused the same way; the parameter is true or false."""
        found = self.ask("POST", "/v1/pools?dry_run=true", {"x": 1})
        self.refusal(found, 400, "invalid")
        self.refusal(self.ask("POST", "/v1/pools?dry_run=yes", {}), 400, "invalid")
        self.refusal(self.ask("POST", "/v1/pools?dryrun=true", {}), 400, "invalid")


class ReasonTests(Asking):
    """FiberLB-Reason."""

    def test_kept(self) -> None:
        """It stands in the history, whatever its script."""
        self.ask("POST", "/v1/pools", {}, FiberLB_Reason="größer, ticket 7")
        [entry] = self.get("/v1/revisions").document["items"]
        self.assertEqual(entry["reason"], "größer, ticket 7")

    def test_refused(self) -> None:
        """One that is too long."""
        found = self.ask("POST", "/v1/pools", {}, FiberLB_Reason="x" * 1001)
        self.refusal(found, 400, "invalid")
