"""GET /v1/revisions."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from fiberlb.control.history import revision_key
from tests.api.rest.asking import Asking


class RevisionTests(Asking):
    """Who changed what."""

    def setUp(self) -> None:
        """Five revisions, a minute each."""
        super().setUp()
        for name in "abcde":
            self.ask("POST", "/v1/pools", {"name": name}, FiberLB_Reason=f"for {name}")
            self.stage.wall += 60

    def numbers(self, query: str = "") -> list[int]:
        """The revisions that a query finds."""
        items = self.get(f"/v1/revisions{query}").document["items"]
        return [item["revision"] for item in items]

    def test_item(self) -> None:
        """What one says."""
        document = self.get("/v1/revisions?limit=1").document
        [item] = document["items"]
        [change] = item.pop("changes")
        self.assertEqual(
            item,
            {
                "revision": 5,
                "at": "2027-01-15T08:04:00Z",
                "author": "local",
                "source": "rest",
                "reason": "for e",
            },
        )
        self.assertEqual(
            (change["op"], change["collection"], change["name"]), ("create", "pools", "e")
        )
        self.assertEqual(document["revision"], 5)

    def test_pages(self) -> None:
        """Newest first; C{next} goes on, filters kept, until there is nothing more."""
        path, found = "/v1/revisions?limit=2&author=local", []
        while path:
            document = self.get(path).document
            found.append([item["revision"] for item in document["items"]])
            path = document["next"]
        self.assertEqual(found, [[5, 4], [3, 2], [1]])

    def test_filters(self) -> None:
        """By object, by author, since a revision or a time in any zone."""
        ident = self.stage.find("pools", "b").id
        self.assertEqual(self.numbers(f"?object={ident}"), [2])
        self.assertEqual(self.numbers("?object=c"), [3])
        self.assertEqual(self.numbers("?author=bob"), [])
        self.assertEqual(self.numbers("?since=3"), [5, 4])
        self.assertEqual(self.numbers("?since=2027-01-15T08:03:00Z"), [5, 4])
        self.assertEqual(self.numbers("?since=2027-01-15T10:03:00%2B02:00"), [5, 4])
        self.assertEqual(self.numbers("?since=2027-01-15T08:03:00"), [5, 4])

    def test_refused(self) -> None:
        """What a query cannot say."""
        for query in ("limit=0", "limit=1001", "limit=x", "marker=x", "since=soon", "who=me"):
            self.refusal(self.ask("GET", f"/v1/revisions?{query}"), 400, "invalid")


class ToldTests(Asking):
    """One revision, and going back to it."""

    def setUp(self) -> None:
        """A pool of one member, changed and deleted."""
        super().setUp()
        self.post("/v1/pools", {"name": "a", "members": ["127.0.0.1:1"]})
        self.ask("PATCH", "/v1/pools/a", {"drain": {"deadline": "7s"}})
        self.ask("DELETE", "/v1/pools/a")

    def test_fields(self) -> None:
        """What was what before."""
        found = self.get("/v1/revisions/2").document
        self.assertEqual((found["revision"], found["kept"]), (2, True))
        (change,) = found["changes"]
        self.assertEqual((change["op"], change["name"], change["within"]), ("update", "a", None))
        field = {"field": "drain.deadline", "before": "5m", "after": "7s", "secret": False}
        self.assertEqual(change["fields"], [field])
        came = self.get("/v1/revisions/1").document
        self.assertEqual([c["within"] for c in came["changes"]], [None, "a"])

    def test_not_there(self) -> None:
        """What never was, and what is gone."""
        self.refusal(self.ask("GET", "/v1/revisions/9"), 404, "no_revision")
        self.refusal(self.ask("GET", "/v1/revisions/x"), 404, "no_revision")
        pruning = self.stage.store.commit({}, {revision_key(1): None})
        self.stage.result(Deferred.fromCoroutine(pruning))
        self.refusal(self.ask("GET", "/v1/revisions/1"), 410, "revision_gone")
        self.refusal(self.ask("GET", "/v1/config?revision=0"), 410, "revision_gone")
        self.refusal(self.ask("POST", "/v1/revisions/0/rollback", raw=b""), 410, "revision_gone")

    def test_rollback(self) -> None:
        """A new revision, with what it changed."""
        found = self.ask("POST", "/v1/revisions/1/rollback?dry_run=true", raw=b"").document
        self.assertEqual((found["dry_run"], found["revision"]), (True, 3))
        found = self.ask("POST", "/v1/revisions/1/rollback", raw=b"", FiberLB_Reason="back")
        self.assertEqual((found.status, found.document["revision"], found.tag), (200, 4, '"4"'))
        self.assertEqual([c["op"] for c in found.document["changes"]], ["create", "create"])
        self.assertEqual(self.get("/v1/pools/a/members").document["items"][0]["port"], 1)
        self.assertEqual(self.get("/v1/revisions?limit=1").document["items"][0]["reason"], "back")

    def test_rollback_refused(self) -> None:
        """Conditions, words, bodies."""
        path = "/v1/revisions/1/rollback"
        self.refusal(self.ask("POST", path, raw=b"", If_Match='"2"'), 412, "stale")
        self.refusal(self.ask("POST", f"{path}?keys=old", raw=b""), 400, "invalid")
        self.refusal(self.ask("POST", path, {}), 400, "malformed")
        self.refusal(self.ask("POST", path), 415, "media_type")
        self.assertEqual(self.ask("POST", f"{path}?keys=then", raw=b"").status, 200)
