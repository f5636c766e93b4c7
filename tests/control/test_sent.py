"""The bodies of operations, held against what is there."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.draft import Draft
from fiberlb.control.sent import Sent
from fiberlb.model.fields import Loading
from tests.control.stage import Stage


class SentTests(SynchronousTestCase):
    """One node with a pool."""

    def setUp(self) -> None:
        """The node."""
        self.stage = Stage(self)
        monitor = {"type": "tcp"}
        self.ident = self.stage.create("pools", {"name": "a", "health_monitor": monitor})
        self.loading = Loading()
        draft = Draft(self.stage.control.state)
        self.sent = Sent(draft, CertificateFacts(), self.loading)

    def refused(self) -> list[str]:
        """What was wrong."""
        return [problem.pointer for problem in self.loading.problems]

    def test_read_back(self) -> None:
        """What is told of an object may be sent as it was read, not otherwise."""
        document = {"name": "a", "managed_by": "api", "revision": 1}
        found = self.sent.settable("pools", document, (), self.ident)
        self.assertEqual((found, self.refused()), ({"name": "a"}, []))
        self.sent.settable("pools", {"managed_by": "file"}, ("x",), self.ident)
        self.assertEqual(self.refused(), ["/x/managed_by"])

    def test_monitor(self) -> None:
        """A health monitor has the facts of its pool."""
        pool = self.stage.find("pools", "a")
        document: dict[str, Any] = {"type": "tcp", "revision": 1}
        found = self.sent.settable("health_monitors", document, (), pool.health_monitor.id)
        self.assertEqual((found, self.refused()), ({"type": "tcp"}, []))
        self.sent.settable("health_monitors", document, (), "nobody")
        self.assertEqual(self.refused(), ["/revision"])

    def test_parent(self) -> None:
        """The parent's name is as good as its id where the place says it."""
        for word in ("a", self.ident):
            found = self.sent.settable("members", {"pool_id": word}, (), "", self.ident)
            self.assertEqual(found, {"pool_id": self.ident})
        found = self.sent.settable("members", {"pool_id": "b"}, (), "", self.ident)
        self.assertEqual(found, {"pool_id": "b"})

    def test_completed(self) -> None:
        """What replaces an object by its name keeps that."""
        pool = self.stage.find("pools", "a")
        self.assertEqual(self.sent.completed({}, pool, True, ()), {"name": "a"})
        self.assertEqual(self.sent.completed({}, pool, False, ()), {})

    def test_unmarked(self) -> None:
        """A mark of no key is refused; what is no mapping is left for others to refuse."""
        self.assertEqual(self.sent.unmarked(7, None, ()), 7)
        self.sent.unmarked({"private_key": "stored:sha256:0"}, None, ())
        self.assertEqual(self.refused(), ["/private_key"])
