"""Objects as they are shown."""

from __future__ import annotations

import base64
import json

from fiberlb.model.certificate import Certificate
from fiberlb.model.convert import kinds
from fiberlb.model.pool import Pool
from tests.api.rest.asking import Asking
from tests.support.certificates import leaf
from tests.tls.test_bundles import bundle


class DocumentTests(Asking):
    """The fields of an object."""

    FILE = """\
pools:
- {name: f, health_monitor: tcp, members: [127.0.0.1:7]}
- {name: open}
listeners:
- {name: fl, port: 99, protocol: http}
l7_policies:
- {name: flat, listener_id: fl, action: reject, rules: [{path: /}]}
"""

    def test_head(self) -> None:
        """Identity and times first, then every field of the model, then what it contains."""
        document = self.get("/v1/pools/f").document
        self.assertEqual(
            list(document)[:6],
            ["id", "name", "managed_by", "created_at", "updated_at", "revision"],
        )
        self.assertEqual((document["managed_by"], document["revision"]), ("file", 0))
        self.assertEqual(
            set(kinds(Pool)) | {"members", "status"}, set(document) - set(list(document)[2:6])
        )
        self.assertEqual(document["health_monitor"]["type"], "tcp")

    def test_references(self) -> None:
        """References are ids, whatever they were written as."""
        self.post(
            "/v1/listeners", {"name": "l", "port": 1, "protocol": "http", "default_pool_id": "f"}
        )
        pool = self.get("/v1/pools/f").document["id"]
        self.assertEqual(self.get("/v1/listeners/l").document["default_pool_id"], pool)

    def test_policies_in_order(self) -> None:
        """A listener's policies stand in the order in which they are tried."""
        for name, position in (("late", 50), ("early", 1)):
            body = {"name": name, "position": position, "action": "reject", "listener_id": "fl"}
            self.post("/v1/l7_policies", {**body, "rules": [{"path": "/"}]})
        policies = self.get("/v1/listeners/fl").document["l7_policies"]
        self.assertEqual([policy["name"] for policy in policies], ["early", "flat", "late"])

    def test_rule(self) -> None:
        """A rule's class is told, of a disabled one as well, and taken back as it was told."""
        self.post("/v1/l7_policies", {"name": "p", "action": "reject", "listener_id": "fl"})
        for rule, wanted in (
            ({"path": "^/a", "compare_type": "regex"}, "literal"),
            ({"path": "(?=a)", "compare_type": "regex", "enabled": False}, "bounded"),
        ):
            made = self.post("/v1/l7_policies/p/rules", rule).document
            self.assertEqual(made["complexity"], wanted)
            address = f"/v1/l7_policies/p/rules/{made['id']}"
            changed = {**made, "value": "(?=b)"}
            again = self.ask("PUT", address, changed).document
            self.assertEqual(again["complexity"], "bounded")
            wrong = {**again, "complexity": "linear"}
            refused = self.refusal(self.ask("PUT", address, wrong), 400, "invalid")
            self.assertEqual(refused["errors"][0]["path"], "/complexity")

    def test_certificate(self) -> None:
        """Everything but the key and its passphrase, wherever the key stood."""
        made = leaf("a.example")
        body = {"name": "c", "certificate": made.pem + made.key_pem()}
        document = self.post("/v1/certificates", body).document
        self.assertEqual(document["certificate"], made.pem)
        self.assertEqual(document["names"], ["a.example"])
        self.assertEqual(len(document["fingerprint_sha256"]), 64)
        self.assertIn("expires_at", document)
        self.assertEqual(set(kinds(Certificate)) - set(document), {"private_key", "passphrase"})

    def test_certificate_facts(self) -> None:
        """Who issued it, when it ends, who uses it, what is odd about it."""
        made = leaf("a.example", days=10)
        body = {"name": "c", "certificate": made.pem, "private_key": made.key_pem()}
        document = self.post("/v1/certificates", body).document
        self.assertEqual(document["issuer"], "CN=Test CA")
        self.assertEqual(document["serial"], f"{made.certificate.serial_number:x}")
        self.assertEqual((document["key_type"], document["chain_length"]), ("EC P-256", 1))
        self.assertEqual(document["used_by"], [])
        self.stage.wall = made.certificate.not_valid_after_utc.timestamp() + 1
        self.assertIn("expired on", self.get("/v1/certificates/c").document["warnings"][0])
        listener = {
            "name": "l",
            "port": 443,
            "protocol": "https",
            "tls_config": {"certificate_id": "c"},
        }
        made_listener = self.post("/v1/listeners", listener).document
        other = {**listener, "name": "m", "port": 444}
        other["tls_config"] = {"certificate_id": "c", "sni_certificate_ids": "all"}
        self.post("/v1/listeners", other)
        document = self.get("/v1/certificates/c").document
        self.assertEqual(
            document["used_by"][0],
            {"collection": "listeners", "id": made_listener["id"], "name": "l"},
        )
        self.assertEqual(len(document["used_by"]), 2)
        # What was read can be sent back.
        self.assertEqual(self.ask("PUT", "/v1/certificates/c", document).status, 200)
        wrong = {**document, "issuer": "CN=Me"}
        self.refusal(self.ask("PUT", "/v1/certificates/c", wrong), 400, "invalid")

    def test_certificate_bundle(self) -> None:
        """PKCS#12 goes in as base64; PEM without a key comes out, and errors hold nothing."""
        made = leaf("b.example")
        text = base64.b64encode(bundle(made, "open sesame")).decode()
        body = {"name": "c", "certificate": text, "passphrase": "open sesame"}
        reply = self.post("/v1/certificates", body)
        self.assertEqual(reply.document["certificate"], made.pem)
        self.assertNotIn(b"PRIVATE", reply.body)
        wrong = {**body, "name": "d", "passphrase": "simsim"}
        refused = self.ask("POST", "/v1/certificates", wrong)
        problem = self.refusal(refused, 400, "invalid")
        self.assertEqual([e["path"] for e in problem["errors"]], ["/passphrase"])
        self.assertNotIn(b"simsim", refused.body)
        newer = leaf("c.example")
        patch = {"certificate": base64.b64encode(bundle(newer)).decode()}
        changed = self.ask("PATCH", "/v1/certificates/c", patch)
        self.assertEqual(changed.document["names"], ["c.example"])

    def test_certificate_of_file(self) -> None:
        """A file's text with both shows no key either."""
        made = leaf("a.example")
        text = json.dumps(made.key_pem() + made.pem)
        self.stage.reload(f"certificates: [{{name: c, certificate: {text}}}]")
        found = self.get("/v1/certificates/c")
        self.assertEqual(found.document["certificate"], made.pem)
        self.assertNotIn(b"PRIVATE", found.body)


class StoredTests(Asking):
    """The store layer as one document."""

    FILE = DocumentTests.FILE

    def test_nested(self) -> None:
        """In the form of the file: children within their parents, without what cannot be set."""
        self.post("/v1/pools", {"name": "a", "members": ["127.0.0.1:1"]})
        policy = {"name": "p", "action": "reject", "rules": [{"path": "/"}]}
        body = {"name": "l", "port": 1, "protocol": "http", "l7_policies": [policy]}
        self.post("/v1/listeners", body)
        document = self.get("/v1/config").document
        [pool], [listener] = document["pools"], document["listeners"]
        self.assertNotIn("managed_by", pool)
        self.assertNotIn("pool_id", pool["members"][0])
        self.assertEqual(listener["l7_policies"][0]["rules"][0]["value"], "/")

    def test_of_file(self) -> None:
        """What belongs to an object of the file stands at the top, with its parent."""
        self.post("/v1/pools/open/members", "127.0.0.1:1")
        self.post(
            "/v1/l7_policies",
            {"name": "p", "listener_id": "fl", "action": "reject", "rules": [{"path": "/"}]},
        )
        document = self.get("/v1/config").document
        self.assertEqual(document["members"][0]["pool_id"], self.stage.find("pools", "open").id)
        [policy] = document["l7_policies"]
        self.assertEqual(policy["listener_id"], self.stage.find("listeners", "fl").id)
        self.assertEqual(len(policy["rules"]), 1)
        self.assertNotIn("l7_rules", document)

    def test_keys(self) -> None:
        """A key is a mark, which a PUT of the certificate takes for the key."""
        made = leaf("a.example")
        body = {"name": "c", "certificate": made.pem, "private_key": made.key_pem()}
        self.post("/v1/certificates", body)
        found = self.get("/v1/config")
        [certificate] = found.document["certificates"]
        self.assertRegex(certificate["private_key"], "^stored:sha256:[0-9a-f]{64}$")
        self.assertNotIn(b"PRIVATE", found.body)
        put = self.ask("PUT", "/v1/certificates/c", certificate)
        self.assertEqual((put.status, self.stage.control.revision), (200, 1))
        wrong = {**certificate, "private_key": "stored:sha256:" + "0" * 64}
        self.refusal(self.ask("PUT", "/v1/certificates/c", wrong), 400, "invalid")


class NameTests(Asking):
    """Members by name."""

    FILE = "pools: [{name: f}]"

    def test_status(self) -> None:
        """The name as it was written, and what it is at now."""
        body = {"address": "dns:Web.test:80", "name": "w"}
        made = self.post("/v1/pools", {"name": "p", "members": [body]}).document["members"][0]
        self.assertEqual((made["address"], made["port"]), ("dns:web.test", 80))
        self.stage.move(web=("10.0.0.1", "10.0.0.2"))
        status = self.get("/v1/pools/p/members/w").document["status"]
        self.assertEqual((status["health"], status["sessions"]), ("up", 4))
        found = status["resolution"]
        self.assertEqual([one["address"] for one in found["addresses"]], ["10.0.0.1", "10.0.0.2"])
        self.assertEqual({one["sessions"] for one in found["addresses"]}, {2})
        self.assertEqual(
            (found["name"], found["ttl"], found["answered_at"], found["error"]),
            ("web.test", 60.0, "2027-01-15T08:00:00Z", ""),
        )
        self.assertEqual(self.get("/v1/status").document["members"]["up"], 2)

    def test_unknown(self) -> None:
        """A name without an address, and why."""
        self.post("/v1/pools/f/members", {"address": "db.test", "port": 80, "name": "d"})
        status = self.get("/v1/members").document["items"][0]["status"]
        self.assertEqual((status["health"], status["reason"]), ("unknown", "not resolved yet"))
        self.stage.move(db="there is no such name")
        document = self.get("/v1/status").document
        self.assertEqual(document["problems"], ["db.test: there is no such name"])
        self.assertEqual((document["members"]["unknown"], document["members"]["total"]), (1, 1))
        status = self.get("/v1/members").document["items"][0]["status"]
        self.assertEqual(status["resolution"]["addresses"], [])
        self.assertEqual(status["reason"], "there is no such name")

    def test_refused(self) -> None:
        """Each field for itself, and PATCH as well."""
        for body, pointer in (
            ({"address": "a..b", "port": 80}, "/address"),
            ({"address": "a.test"}, "/port"),
            ({"address": "dns:a.test:80", "port": 81}, "/port"),
        ):
            answer = self.ask("POST", "/v1/pools/f/members", body)
            self.assertEqual(answer.status, 400)
            self.assertEqual([e["path"] for e in answer.document["errors"]], [pointer])
        self.post("/v1/pools/f/members", {"address": "db.test", "port": 80, "name": "d"})
        answer = self.ask("PATCH", "/v1/pools/f/members/d", {"address": "dns:db.test"})
        self.assertEqual((answer.status, answer.document["address"]), (200, "dns:db.test"))
        self.assertEqual(answer.document["port"], 80)
