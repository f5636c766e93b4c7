"""A store layer of another time, put in place."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.layer import Records
from fiberlb.control.operations import Op, Operation
from fiberlb.control.refusals import InUse, OwnedByFile
from fiberlb.control.restoring import Outdated, Target
from fiberlb.errors import ConfigurationError
from fiberlb.model.pool import Member, Pool
from tests.control.stage import Stage, delete, patch, replace_all

FILE = """
pools: [{name: filed}]
"""


class RestoringTests(SynchronousTestCase):
    """One node with a file."""

    def setUp(self) -> None:
        """A pool of two members, and a listener."""
        self.stage = Stage(self, FILE)
        self.stage.create("pools", {"name": "a", "members": ["127.0.0.1:1", "127.0.0.1:2"]})
        listener = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "a"}
        self.stage.create("listeners", listener)

    def records(self) -> Records:
        """What is stored."""
        return self.stage.control.state.layer.records

    def restore(self, records: Records) -> Operation:
        """The operation."""
        return Operation(op=Op.RESTORE, body=Target(records, self.stage.control.revision))

    def test_everything(self) -> None:
        """What was made goes, what was changed and deleted is as it was, ids and all."""
        before = self.records()
        self.stage.write(patch("listeners", "l", {"default_pool_id": None}))
        self.stage.write(delete("pools", "a"))
        self.stage.create("pools", {"name": "b"})
        outcome = self.stage.write(self.restore(before))
        self.assertEqual(outcome.revision, 6)
        self.assertEqual(
            [(change.op, change.collection) for change in outcome.changes],
            [
                ("create", "pools"),
                ("create", "members"),
                ("create", "members"),
                ("update", "listeners"),
                ("delete", "pools"),
            ],
        )
        found = self.records()
        for collection in before:
            self.assertEqual(
                [(r.made, r.order, r.meta.created_at) for r in found[collection].values()],
                [(r.made, r.order, r.meta.created_at) for r in before[collection].values()],
            )

    def test_same(self) -> None:
        """What is as it was is no revision."""
        outcome = self.stage.write(self.restore(self.records()))
        self.assertEqual((outcome.revision, outcome.changes), (2, ()))

    def test_other_parent(self) -> None:
        """A member that moved comes back although its parent goes."""
        before = self.records()
        self.stage.create("pools", {"name": "b"})
        self.stage.write(patch("members", "127.0.0.1:1", {"pool_id": "b"}))
        self.stage.write(self.restore(before))
        pool = self.stage.find("pools", "a")
        members = self.stage.control.configuration.children(Member, pool.id)
        self.assertEqual([m.port for m in members], [1, 2])
        self.assertEqual(
            [p.name for p in self.stage.control.configuration.all(Pool).values()], ["filed", "a"]
        )

    def test_after_restart(self) -> None:
        """Another process reads the same, in the same order."""
        before = self.records()
        self.stage.write(replace_all("members", "a", []))
        self.stage.write(self.restore(before))
        other = Stage(self, FILE, self.stage.store, node=2)
        self.assertEqual(
            list(other.control.configuration.all(Member)),
            list(self.stage.control.configuration.all(Member)),
        )

    def test_outdated(self) -> None:
        """What was worked out before another change is worked out again."""
        operation = self.restore(self.records())
        self.stage.create("pools", {"name": "b"})
        self.stage.refused(Outdated, operation)

    def test_file(self) -> None:
        """What does not go with the file of today is refused, and changes nothing."""
        self.stage.write(patch("listeners", "l", {"default_pool_id": "filed"}))
        before = self.records()
        self.stage.write(patch("listeners", "l", {"default_pool_id": None}))
        self.stage.reload("")
        why = self.stage.refused(ConfigurationError, self.restore(before))
        (problem,) = why.problems
        self.assertEqual(problem.path, ())
        self.assertIn("'l' of listeners, default_pool_id", problem.message)

    def test_owned_list(self) -> None:
        """Nor is a list joined that the file has taken."""
        self.stage.create("members", {"address": "::1", "port": 1, "pool_id": "filed"})
        before = self.records()
        self.stage.write(delete("members", "[::1]:1"))
        self.stage.reload("pools: [{name: filed, members: []}]")
        self.stage.refused(OwnedByFile, self.restore(before))

    def test_needed_by_file(self) -> None:
        """Nor goes what the file needs."""
        self.stage.create("pools", {"name": "new"})
        created = self.records()
        self.stage.reload(
            "listeners: [{name: f, port: 81, protocol: http, default_pool_id: new}]\n"
        )
        without = {**created, "pools": dict(list(created["pools"].items())[:1])}
        with self.assertRaises((InUse, ConfigurationError)):
            raise self.stage.refused(InUse, self.restore(without))
