"""What a write stores, and what it says that it did."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.commits import time_text
from fiberlb.control.operations import Op, Operation, Origin
from fiberlb.control.refusals import OwnedByFile
from fiberlb.model.resource import Owner
from tests.control.stage import ORIGIN, Stage, create, delete, patch


def told(documents: dict[str, Any]) -> list[str]:
    """The keys of documents, those of the past apart."""
    return [key for key in documents if not key.startswith("past/")]


class CommitTests(SynchronousTestCase):
    """The documents of a commit."""

    def setUp(self) -> None:
        """One node with a pool of one member."""
        self.stage = Stage(self)
        self.pool = self.stage.create("pools", {"name": "a", "members": ["127.0.0.1:1"]})

    def stored(self) -> dict[str, Any]:
        """The store's documents."""
        loading = Deferred.fromCoroutine(self.stage.store.load())
        _, entries = self.successResultOf(loading)
        return {key.decode(): json.loads(value) for key, (value, _) in entries.items()}

    def test_documents(self) -> None:
        """One for each object, the counter, and one for the revision."""
        documents = self.stored()
        self.assertEqual(documents["revision"], 1)
        pool = documents[f"objects/pools/{self.pool}"]
        self.assertEqual(
            (pool["managed_by"], pool["created_at"], pool["revision"], pool["parent"]),
            ("api", "2027-01-15T08:00:00Z", 1, None),
        )
        [member] = [d for key, d in documents.items() if key.startswith("objects/members/")]
        self.assertEqual((member["parent"], member["order"]), (self.pool, [1, 1]))
        self.assertNotIn("pool_id", member["spec"])
        self.assertEqual(documents["revisions/000000000001"]["author"], "ann")

    def test_update(self) -> None:
        """Only what changed is written, with its new revision and time; its creation stays."""
        self.stage.wall += 60
        before = self.stored()
        self.stage.write(patch("pools", "a", {"description": "x"}))
        after = self.stored()
        changed = {key for key in told(after) if after[key] != before.get(key)}
        key = f"objects/pools/{self.pool}"
        self.assertEqual(changed, {"revision", "revisions/000000000002", key})
        self.assertEqual(
            (after[key]["created_at"], after[key]["updated_at"], after[key]["revision"]),
            ("2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z", 2),
        )
        meta = self.stage.control.configuration.meta[self.pool]
        self.assertEqual((meta.revision, meta.updated_at), (2, "2027-01-15T08:01:00Z"))

    def test_lost_child(self) -> None:
        """The parent of what was deleted is remembered to have changed, while it lives."""
        self.stage.write(delete("members", "127.0.0.1:1"))
        self.assertEqual(self.stored()[f"contents/{self.pool}"], 2)
        self.assertEqual(self.stage.tag("pools", "a"), "2")
        self.stage.write(delete("pools", "a"))
        left = [key for key in told(self.stored()) if not key.startswith("revisions/")]
        self.assertEqual(left, ["revision"])

    def test_names_become_ids(self) -> None:
        """References are stored as ids: a later rename does not break them."""
        body = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "a"}
        listener = self.stage.create("listeners", body)
        spec = self.stored()[f"objects/listeners/{listener}"]["spec"]
        self.assertEqual(spec["default_pool_id"], self.pool)
        self.stage.write(patch("pools", "a", {"name": "b"}))
        self.assertEqual(self.stage.find("listeners", "l").default_pool_id, self.pool)

    def test_changes(self) -> None:
        """Parents first, what was deleted last."""
        outcome = self.stage.write(
            delete("members", "127.0.0.1:1"),
            create("members", "127.0.0.1:2", "a"),
            patch("pools", "a", {"description": "x"}),
        )
        self.assertEqual(
            [(c.op, c.collection) for c in outcome.changes],
            [("update", "pools"), ("create", "members"), ("delete", "members")],
        )

    def test_owner(self) -> None:
        """New objects bear the mark of who made them; a change leaves it."""
        origin = Origin("ann", "cli", owner=Owner.APPLY)
        operation = Operation(op=Op.CREATE, collection="pools", body={"name": "b"})
        self.successResultOf(self.stage.control.write([operation], origin))
        self.stage.write(patch("pools", "b", {"description": "x"}))
        made = self.stage.find("pools", "b")
        self.assertEqual(self.stage.control.configuration.owner(made.id), Owner.APPLY)
        self.assertEqual(ORIGIN.owner, Owner.API)

    def test_time(self) -> None:
        """Times are RFC 3339, in UTC, whole seconds."""
        self.assertEqual(time_text(0.9), "1970-01-01T00:00:00Z")


class NotesTests(SynchronousTestCase):
    """What a dialect keeps beside the fields of an object."""

    def setUp(self) -> None:
        """One node with a pool."""
        self.stage = Stage(self)
        made = attrs.evolve(create("pools", {"name": "a"}), notes={"octavia": {"project": "x"}})
        self.pool = self.stage.write(made).applied[0].id

    def notes(self) -> Any:
        """Those of the pool."""
        return self.stage.control.configuration.meta[self.pool].notes

    def test_kept(self) -> None:
        """Stored with the object, and there after changes that say nothing of them."""
        self.assertEqual(self.notes(), {"octavia": {"project": "x"}})
        self.stage.write(patch("pools", "a", {"description": "y"}))
        self.assertEqual(self.notes(), {"octavia": {"project": "x"}})
        again = Stage(self, store=self.stage.store)
        self.assertEqual(again.control.configuration.meta[self.pool].notes, self.notes())

    def test_changed_alone(self) -> None:
        """Other notes are a change of the object; the same ones are none."""
        other = attrs.evolve(patch("pools", "a", {}), notes={"octavia": {}})
        self.assertEqual([c.op for c in self.stage.write(other).changes], ["update"])
        self.assertEqual(self.notes(), {"octavia": {}})
        self.assertEqual(self.stage.write(other).changes, ())

    def test_of_file(self) -> None:
        """What belongs to the file has none."""
        stage = Stage(self, "pools: [{name: b}]")
        why = attrs.evolve(patch("pools", "b", {}), notes={"octavia": {}})
        stage.refused(OwnedByFile, why)
