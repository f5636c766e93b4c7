"""What a dry run came to, taken for the write that follows."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control import aside
from fiberlb.control.operations import Condition, Op, Operation, Outcome
from fiberlb.control.planned import KEPT, Plan, Planned, digest
from fiberlb.control.refusals import Stale
from fiberlb.model.pool import Pool
from fiberlb.model.written import Written
from tests.control.stage import Stage, create


def document(count: int = aside.LARGE, last: Any = 1) -> dict[str, Any]:
    """A document that is worth a plan."""
    pools: list[dict[str, Any]] = [{"name": f"p{n}"} for n in range(count)]
    pools[-1]["members"] = [{"address": "10.0.0.1", "port": 80, "weight": last}]
    return {"pools": pools}


def apply(body: Any, match: tuple[str, ...] | None = None) -> Operation:
    """What C{fiberlb apply} asks for."""
    return Operation(op=Op.APPLY, body=body, condition=Condition(match=match))


class DigestTests(SynchronousTestCase):
    """Which writes are the same."""

    def test_same(self) -> None:
        """Documents that are equal, whatever the conditions; types count."""
        one, other = digest((apply(document()),)), digest((apply(document(), ("1",)),))
        self.assertIsNotNone(one)
        self.assertEqual(one, other)
        self.assertNotEqual(one, digest((apply(document(last=True)),)))
        self.assertNotEqual(one, digest((apply(document(last=2)),)))

    def test_not_kept(self) -> None:
        """Of single objects, several operations, and values with YAML's spelling there is none."""
        self.assertIsNone(digest((create("pools", {"name": "a"}),)))
        self.assertIsNone(digest((apply({}), apply({}))))
        self.assertIsNone(digest((apply({"pools": [Written("0x10", 16)]}),)))


class PlannedTests(SynchronousTestCase):
    """How long a plan is kept."""

    def test_kept(self) -> None:
        """For a minute, for its own state and document."""
        clock = Clock()
        planned: Any = Planned(clock)
        state, other, asked = object(), object(), (apply(document()),)
        plan = Plan(state, digest(asked), None, None)  # type: ignore[arg-type]
        planned.keep(plan)
        self.assertIs(planned.find(state, asked), plan)
        self.assertIsNone(planned.find(other, asked))
        self.assertIsNone(planned.find(state, (apply(document(last=2)),)))
        clock.advance(KEPT)
        self.assertIsNone(planned.find(state, asked))
        self.assertEqual(clock.getDelayedCalls(), [])


class WriteTests(SynchronousTestCase):
    """Dry runs, and the writes after them."""

    def setUp(self) -> None:
        """A node."""
        self.clock = Clock()
        self.stage = Stage(self, "", clock=self.clock)

    def dry(self, body: Any) -> Outcome:
        """A plan of it."""
        return self.stage.write(apply(body), dry_run=True)

    def test_done_as_planned(self) -> None:
        """What is shown is what is done: the same objects, at the time of the write."""
        shown = self.dry(document())
        self.clock.advance(5)
        done = self.stage.write(apply(document(), ("0",)))
        self.assertEqual(done.revision, 1)
        self.assertEqual(done.changes, shown.changes)
        self.assertEqual(self.stage.control.configuration.objects, shown.configuration.objects)
        self.assertEqual(len(self.stage.control.configuration.all(Pool)), aside.LARGE)

    def test_condition(self) -> None:
        """The condition of the write counts."""
        self.dry(document())
        self.stage.refused(Stale, apply(document(), ("7",)))
        self.assertEqual(self.stage.control.revision, 0)

    def test_changed_meanwhile(self) -> None:
        """After another write it is worked out anew."""
        self.dry(document())
        self.stage.write(create("pools", {"name": "p1"}))
        (there,) = self.stage.control.configuration.all(Pool)
        self.stage.write(apply(document()))
        pools = self.stage.control.configuration.all(Pool)
        self.assertEqual(len(pools), aside.LARGE)
        self.assertIn(there, pools)
