"""What a change of many objects did."""

from __future__ import annotations

from fiberlb.api.rest.changed import changes, document, everything
from tests.api.rest.asking import Asking
from tests.control.stage import create, patch
from tests.support.certificates import leaf


class ChangedTests(Asking):
    """Writes, and what is told of them."""

    def test_object(self) -> None:
        """Each object, in whom it is, whose it is, and its fields."""
        outcome = self.stage.write(create("pools", {"name": "a", "members": ["127.0.0.1:1"]}))
        found = document(self.stage.control, outcome, False)
        pool, member = found["changes"]
        self.assertEqual(
            (member["op"], member["collection"], member["name"], member["within"]),
            ("create", "members", "127.0.0.1:1", "a"),
        )
        self.assertEqual((pool["within"], pool["managed_by"]), (None, "api"))
        self.assertIn(
            {"field": "port", "before": None, "after": 1, "secret": False}, member["fields"]
        )
        self.assertEqual(found["names"], {pool["id"]: "a"})

    def test_minimal(self) -> None:
        """Who wants to know no more than that it is done is told no more."""
        body = {"pools": [{"name": "a"}]}
        for path, method in (("/v1/config", "PUT"), ("/v1/apply", "POST")):
            found = self.ask(method, path, body, Prefer="wait=5, return=minimal")
            self.assertEqual(found.headers["preference-applied"], "return=minimal")
            self.assertEqual((found.document["changes"], found.document["names"]), ([], {}))
        self.assertEqual(self.stage.control.revision, 2)
        self.assertNotIn("preference-applied", self.ask("PUT", "/v1/config", body).headers)

    def test_nothing(self) -> None:
        """Nothing changed."""
        self.stage.write(create("pools", {"name": "a"}))
        outcome = self.stage.write(patch("pools", "a", {"name": "a"}))
        self.assertEqual(document(self.stage.control, outcome, False)["changes"], [])
        known = everything(self.stage.control.configuration)
        self.assertEqual(changes((), known), [])

    def test_secrets(self) -> None:
        """A key is named, and not told; what should be known of a certificate is."""
        one = leaf("a.test")
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        outcome = self.stage.write(create("certificates", body))
        found = document(self.stage.control, outcome, False)
        (change,) = found["changes"]
        secret = {"field": "private_key", "before": None, "after": None, "secret": True}
        self.assertIn(secret, change["fields"])
        self.assertNotIn("PRIVATE", str(found))

    def test_warnings(self) -> None:
        """What cannot be what was meant."""
        listener = {"name": "l", "port": 80, "protocol": "tcp", "accept_proxy_protocol": True}
        outcome = self.stage.write(create("listeners", listener))
        found = document(self.stage.control, outcome, False)
        self.assertIn("trusted_proxies is empty", found["warnings"][0])

    def test_long(self) -> None:
        """
        Where there is very much the text is made at once. It says the same after a dry run; after
        a write what came or went has no fields, which the history has.
        """
        members = [f"127.0.0.1:{port}" for port in range(1, 1001)]
        body = {"pools": [{"name": "a", "members": members}, {"name": "b"}]}
        self.stage.write(create("pools", {"name": "b"}), create("pools", {"name": "old"}))
        body["pools"][1]["description"] = '\u00e9 "quoted"'  # type: ignore[index]
        dry = self.ask("PUT", "/v1/config?dry_run=true", body).document
        found = self.ask("PUT", "/v1/config", body, FiberLB_Reason="x").document
        self.assertEqual([len(one["changes"]) for one in (dry, found)], [1003, 1003])
        done = {(one["op"], one["name"]) for one in found["changes"]}
        self.assertLess({("create", "a"), ("update", "b"), ("delete", "old")}, done)
        self.assertEqual(list(found), ["dry_run", "revision", "changes", "names", "warnings"])
        (entry,) = self.ask("GET", "/v1/revisions?limit=1").document["items"]
        told = self.ask("GET", f"/v1/revisions/{entry['revision']}").document
        for one, whole in zip(found["changes"], told["changes"], strict=True):
            if one["op"] != "update":
                del whole["fields"]
            self.assertEqual(one, whole)
        self.assertEqual(found["names"], {})
        told = self.ask("GET", f"/v1/revisions/{entry['revision']}").document
        self.assertEqual(
            [one["fields"] for one in dry["changes"] if one["collection"] == "pools"],
            [one["fields"] for one in told["changes"] if one["collection"] == "pools"],
        )
