"""Lists: filters and pages."""

from __future__ import annotations

from urllib.parse import quote

from tests.api.rest.asking import Asking
from tests.support.certificates import leaf


class PageTests(Asking):
    """Parts of a list."""

    def setUp(self) -> None:
        """Five pools, two of them tagged."""
        super().setUp()
        for name in "abcde":
            tags = ["x", name] if name in "bd" else []
            self.post("/v1/pools", {"name": name, "tags": tags})

    def names(self, query: str) -> list[str]:
        """The names that a query finds."""
        return [item["name"] for item in self.get(f"/v1/pools?{query}").document["items"]]

    def test_pages(self) -> None:
        """C{next} leads through the list, in order of creation, filters kept."""
        path, found = "/v1/pools?limit=2&protocol=http", []
        while path:
            document = self.get(path).document
            found.append([item["name"] for item in document["items"]])
            path = document["next"]
        self.assertEqual(found, [["a", "b"], ["c", "d"], ["e"]])

    def test_end(self) -> None:
        """A full last page has no next one."""
        self.assertIsNone(self.get("/v1/pools?limit=5").document["next"])

    def test_filtered_pages(self) -> None:
        """The limit counts what passes the filters."""
        document = self.get("/v1/pools?tags=x&limit=1").document
        self.assertEqual([item["name"] for item in document["items"]], ["b"])
        self.assertEqual([i["name"] for i in self.get(document["next"]).document["items"]], ["d"])

    def test_marker(self) -> None:
        """The marker is an id of the list, filtered out or not."""
        ident = self.stage.find("pools", "c").id
        self.assertEqual(self.names(f"marker={ident}"), ["d", "e"])
        self.assertEqual(self.names(f"marker={ident}&tags=x"), ["d"])
        self.refusal(self.ask("GET", "/v1/pools?marker=x"), 400, "invalid")

    def test_limit(self) -> None:
        """From 1 to 1000."""
        for limit in ("0", "1001", "-1", "x", "", "1.0", "99999999999999999999"):
            self.refusal(self.ask("GET", f"/v1/pools?limit={limit}"), 400, "invalid")
        self.refusal(self.ask("GET", "/v1/pools?limit=1&limit=2"), 400, "invalid")
        self.assertEqual(len(self.names("limit=1000")), 5)


class FilterTests(Asking):
    """By any scalar field."""

    FILE = "pools: [{name: f}]"

    def setUp(self) -> None:
        """Listeners and pools."""
        super().setUp()
        self.post("/v1/pools", {"name": "a", "enabled": False, "tags": ["x", "y"]})
        self.post("/v1/pools", {"name": "true"})
        body = {"protocol": "http", "name": "l"}
        self.post("/v1/listeners", {**body, "port": 80, "default_pool_id": "a"})
        self.post("/v1/listeners", {**body, "port": 81, "name": "m"})
        self.post("/v1/pools/a/members", "127.0.0.1:7")

    def names(self, path: str) -> list[str]:
        """The names of what a list holds."""
        return [item["name"] for item in self.get(f"/v1/{path}").document["items"]]

    def test_fields(self) -> None:
        """Texts, numbers, flags, words in any case, owners, revisions."""
        for query, found in (
            ("pools?name=a", ["a"]),
            ("pools?name=a&name=f", ["f", "a"]),
            ("pools?name=true", ["true"]),
            ("pools?enabled=false", ["a"]),
            ("pools?protocol=HTTP", ["f", "a", "true"]),
            ("pools?managed_by=file", ["f"]),
            ("pools?revision=2", ["true"]),
            ("listeners?port=80", ["l"]),
            ("members?monitor_port=null", ["127.0.0.1:7"]),
            ("members?monitor_port=9", []),
        ):
            self.assertEqual(self.names(query), found, query)

    def test_references(self) -> None:
        """By a name, by an id, by none."""
        pool = self.stage.find("pools", "a").id
        for query, found in (
            ("listeners?default_pool_id=a", ["l"]),
            (f"listeners?default_pool_id={pool}", ["l"]),
            ("listeners?default_pool_id=null", ["m"]),
            ("listeners?default_pool_id=nope", []),
            ("members?pool_id=a", ["127.0.0.1:7"]),
        ):
            self.assertEqual(self.names(query), found, query)

    def test_tags(self) -> None:
        """All of the tags that are named."""
        for query, count in (("tags=x", 1), ("tags=x&tags=y", 1), ("tags=x,y", 1), ("tags=z", 0)):
            self.assertEqual(len(self.names(f"pools?{query}")), count)

    def test_certificates(self) -> None:
        """By what is read from the certificate itself; secrets are no filters."""
        for name, kind, days in (("a", "ec", 10), ("b", "rsa", 400)):
            made = leaf(f"{name}.example", f"www.{name}.example", kind=kind, days=days)
            body = {"name": name, "certificate": made.pem, "private_key": made.key_pem()}
            self.post("/v1/certificates", body)
        one = self.get("/v1/certificates/a").document
        end = quote(one["expires_at"])
        later = quote(self.get("/v1/certificates/b").document["expires_at"])
        for query, found in (
            ("names=www.a.example", ["a"]),
            ("names=a.example&names=b.example", ["a", "b"]),
            ("key_type=RSA%202048", ["b"]),
            ("issuer=CN%3DTest%20CA&cert_type=server", ["a", "b"]),
            (f"serial={one['serial']}", ["a"]),
            (f"fingerprint_sha256={one['fingerprint_sha256']}", ["a"]),
            (f"expires_before={end}", []),
            (f"expires_before={later}", ["a"]),
            ("managed_by=api&names=nope", []),
        ):
            self.assertEqual(self.names(f"certificates?{query}"), found, query)
        for query in ("expires_before=soon", "passphrase=x", "private_key=x"):
            self.refusal(self.ask("GET", f"/v1/certificates?{query}"), 400, "invalid")

    def test_within(self) -> None:
        """Of what an object contains, too."""
        self.assertEqual(self.names("pools/a/members?port=7"), ["127.0.0.1:7"])
        self.assertEqual(self.names("pools/f/members"), [])

    def test_refused(self) -> None:
        """What is no filter, and what a field cannot be."""
        for query in (
            "nmae=a",
            "members=x",
            "timeouts=x",
            "protocol=smtp",
            "enabled=1",
            "managed_by=me",
        ):
            self.refusal(self.ask("GET", f"/v1/pools?{query}"), 400, "invalid")
        found = self.ask("GET", "/v1/pools?nmae=a")
        self.assertIn("did you mean 'name'", found.document["detail"])
        self.refusal(self.ask("GET", "/v1/pools?name=%ff"), 400, "invalid")
        self.refusal(self.ask("GET", "/v1/pools?" + "name=x&" * 200), 400, "invalid")

    def test_secret(self) -> None:
        """Nobody can ask for a certificate by its key."""
        found = self.ask("GET", "/v1/certificates?private_key=x")
        self.refusal(found, 400, "invalid")
