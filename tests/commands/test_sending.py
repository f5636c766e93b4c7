"""A configuration file as the document that an admin API takes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.exits import Failed
from fiberlb.commands.sending import Sending, read
from fiberlb.control.operations import Op, Operation, Origin
from fiberlb.model.resource import Owner
from tests.control.stage import Stage
from tests.support.certificates import leaf

FILE = """
version: 1
workers: 2
x-mine: 7
pools:
  - name: web
    members: [{address: "${HOST}", port: 1, name: one}]
    health_monitor: {type: tcp}
  - {name: open, id: 00000000-0000-4000-8000-0000000000aa}
listeners:
  - name: front
    port: 80
    protocol: http
    default_pool_id: web
l7_policies:
  - {listener_id: front, action: reject, rules: [{path: /x}]}
certificates:
  - {name: c, certificate: "file:c.pem", private_key: "file:c.key"}
"""
APPLY = Origin("ann", "test", "", Owner.APPLY)


class SendingTests(SynchronousTestCase):
    """One file."""

    def setUp(self) -> None:
        """Write it."""
        self.directory = Path(tempfile.mkdtemp())
        one = leaf("a.test")
        (self.directory / "c.pem").write_text(one.pem)
        (self.directory / "c.key").write_text(one.key_pem())

    def sending(self, text: str = FILE) -> Sending:
        """What it says."""
        path = self.directory / "f.yaml"
        path.write_text(text)
        return read(str(path), {"HOST": "127.0.0.1"})

    def test_document(self) -> None:
        """Lists that are given nest, those that are not are left out; values are what they are."""
        sending = self.sending()
        self.assertEqual(sending.ignored, ("workers",))
        web, bare = sending.document["pools"]
        self.assertEqual([m["address"] for m in web["members"]], ["127.0.0.1"])
        self.assertNotIn("members", bare)
        self.assertNotIn("id", web)
        self.assertEqual(bare["id"], "00000000-0000-4000-8000-0000000000aa")
        (front,) = sending.document["listeners"]
        self.assertEqual(front["default_pool_id"], "web")
        self.assertNotIn("l7_policies", front)
        (policy,) = sending.document["l7_policies"]
        self.assertEqual((policy["listener_id"], len(policy["rules"])), ("front", 1))
        (certificate,) = sending.document["certificates"]
        self.assertIn("PRIVATE KEY", certificate["private_key"])

    def test_taken(self) -> None:
        """An API takes it, and a second time there is nothing to change."""
        stage = Stage(self)
        operation = Operation(op=Op.APPLY, body=self.sending().document)
        first = stage.result(stage.control.write([operation], APPLY))
        self.assertEqual(len(first.changes), 7)
        again = stage.result(stage.control.write([operation], APPLY))
        self.assertEqual(again.changes, ())

    def test_problems(self) -> None:
        """Pointers become lines of the file."""
        sending = self.sending()

        def told(*paths: str, **more: Any) -> list[str]:
            errors = [{"path": path, "message": "is odd", "suggestion": None} for path in paths]
            why = sending.failed(400, {"detail": "2 things", "errors": errors, **more})
            return [why.message.split("/")[-1], *(line.split("/")[-1] for line in why.lines)]

        self.assertEqual(told("/pools/0/members/0/port"), ["f.yaml:7:36 port: is odd"])
        self.assertEqual(
            told("/l7_policies/0/rules/0/path", "/nothing"),
            ["2 things", "f.yaml:16:51 path: is odd", "nothing: is odd"],
        )
        self.assertEqual(sending.failed(409, {"detail": "in use"}).message, "in use")

    def test_refused(self) -> None:
        """What is wrong with the file is told before anybody is asked."""
        with self.assertRaises(Failed) as caught:
            self.sending("pools: [{nam: x}, {name: a, protocol: x}]")
        self.assertEqual(len([caught.exception.message, *caught.exception.lines]), 2)
