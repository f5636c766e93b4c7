"""C{fiberlb plan}, C{apply} and C{confirm}."""

from __future__ import annotations

from typing import Any

from fiberlb.commands.exits import PENDING, REFUSED, STALE, UNREACHABLE
from tests.commands.answering import Answering

CHANGE: dict[str, Any] = {
    "op": "delete",
    "collection": "pools",
    "id": "i",
    "name": "web",
    "within": None,
    "fields": [],
}


def changed(*changes: Any, **more: Any) -> dict[str, Any]:
    """What the API answers."""
    return {"revision": 3, "changes": list(changes), "names": {}, "warnings": [], **more}


class PlanTests(Answering):
    """What would change."""

    def test_changes(self) -> None:
        """Exit code 2, and what it is."""
        self.serve(changed(CHANGE))
        found = self.run_command("plan")
        self.assertEqual(found.exit_code, PENDING)
        self.assertIn("- pool web\nPlan: 1 to delete\n", found.output)
        self.assertIn("note: admin: settings of a process, left out", found.output)
        self.assertEqual(self.targets, ["/v1/apply?dry_run=true"])

    def test_json(self) -> None:
        """The document, with the same exit code."""
        self.serve(changed(CHANGE))
        found = self.run_command("plan", "-o", "json")
        self.assertEqual(found.exit_code, PENDING)
        self.assertIn('"op": "delete"', found.output)

    def test_nothing(self) -> None:
        """Exit code 0."""
        self.serve(changed())
        found = self.run_command("plan")
        self.assertEqual(found.exit_code, 0)
        self.assertIn("Plan: nothing to change", found.output)

    def test_adopted(self) -> None:
        """Objects that are as they are, and belong to apply from then on, are no difference."""
        owner = {"field": "managed_by", "secret": False, "before": "api", "after": "apply"}
        adopted = {**CHANGE, "op": "update", "fields": [owner]}
        name = {**owner, "field": "name", "before": "a", "after": "b"}
        self.serve(changed(adopted))
        self.serve(changed(adopted, {**adopted, "fields": [owner, name]}))
        found = self.run_command("plan")
        self.assertEqual(found.exit_code, 0)
        self.assertIn("Plan: 1 as they are, to belong to apply\n", found.output)
        found = self.run_command("plan")
        self.assertEqual(found.exit_code, PENDING)
        self.assertIn("Plan: 1 to change, 1 as they are, to belong to apply\n", found.output)

    def test_refused(self) -> None:
        """Exit code 1 when it cannot be, 3 when nobody answers."""
        self.serve({"detail": "in use", "code": "in_use"}, 409)
        found = self.run_command("plan")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("in use", found.output)
        found = self.run_command("plan", "--url", "http://127.0.0.1:1")
        self.assertEqual(found.exit_code, UNREACHABLE)


class ApplyTests(Answering):
    """Doing it."""

    def test_applied(self) -> None:
        """What was shown is what is done."""
        self.serve(changed(CHANGE))
        self.serve(changed(CHANGE, unconfirmed=None))
        found = self.run_command("apply", "--yes", "--reason", "why")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertIn("Applied: revision 3", found.output)
        self.assertIn(b"FiberLB-Reason: why", self.requests[1])
        self.assertEqual(self.targets, ["/v1/apply?dry_run=true", "/v1/apply"])

    def test_confirm(self) -> None:
        """It says what has to be done."""
        waiting = {"revision": 3, "until": "then", "author": "ann"}
        self.serve(changed(CHANGE))
        self.serve(changed(CHANGE, unconfirmed=waiting))
        found = self.run_command("apply", "--yes", "--confirm", "60s")
        self.assertIn("Revision 3 is rolled back at then unless you say", found.output)
        self.assertEqual(self.targets[1], "/v1/apply?confirm=60s")

    def test_nobody_to_ask(self) -> None:
        """Without --yes and without a terminal nothing is done."""
        self.serve(changed(CHANGE))
        found = self.run_command("apply")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("say --yes", found.output)
        self.assertEqual(len(self.targets), 1)

    def test_nothing_done(self) -> None:
        """A dry run, and nothing to do."""
        self.serve(changed(CHANGE))
        self.serve(changed())
        self.assertEqual(self.run_command("apply", "--dry-run").exit_code, 0)
        self.assertEqual(self.run_command("apply", "--yes").exit_code, 0)
        self.assertEqual(self.targets, ["/v1/apply?dry_run=true"] * 2)

    def test_stale(self) -> None:
        """Somebody was faster."""
        self.serve(changed(CHANGE))
        self.serve({"detail": "changed since", "code": "stale"}, 412)
        self.assertEqual(self.run_command("apply", "--yes").exit_code, STALE)


class ConfirmTests(Answering):
    """Keeping it."""

    def test_confirmed(self) -> None:
        """Whatever waits, or one revision."""
        self.serve({"confirmed": 3, "revision": 3})
        self.serve({"confirmed": 3, "revision": 3})
        self.assertEqual(self.run_command("confirm").output, "Revision 3 stays\n")
        self.run_command("confirm", "3")
        self.assertEqual(self.targets, ["/v1/confirmation", "/v1/confirmation?revision=3"])

    def test_intent(self) -> None:
        """A dry run says what would stay; a reason is sent."""
        self.serve({"dry_run": True, "revision": 3, "result": {"confirmed": 3}})
        self.serve({"confirmed": 3, "revision": 3})
        told = "Nothing was done. Revision 3 would stay\n"
        self.assertEqual(self.run_command("confirm", "--dry-run").output, told)
        self.assertEqual(self.targets, ["/v1/confirmation?dry_run=true"])
        self.run_command("confirm", "--reason", "it works")
        self.assertIn(b"FiberLB-Reason: it works", self.requests[-1])
