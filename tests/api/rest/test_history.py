"""GET /v1/revisions."""

from __future__ import annotations

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
