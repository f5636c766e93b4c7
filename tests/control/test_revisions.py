"""The history as it is asked for."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import revision_key
from fiberlb.control.operations import Condition
from fiberlb.control.past import PAST
from fiberlb.control.refusals import Gone, NoRevision, Stale, StoreAway
from fiberlb.control.revisions import Revisions
from fiberlb.model.certificate import Certificate
from fiberlb.model.pool import Pool
from fiberlb.store.interface import Unavailable
from tests.control.stage import ORIGIN, Stage, create, delete, patch
from tests.control.stores import FailingStore
from tests.support.certificates import leaf

T = TypeVar("T")


class RevisionsCase(SynchronousTestCase):
    """Four revisions of two pools."""

    def setUp(self) -> None:
        """Make them."""
        clock = Clock()
        self.store = FailingStore(clock)
        self.stage = Stage(self, "", self.store, clock)
        self.stage.create("pools", {"name": "a"})
        self.stage.write(patch("pools", "a", {"description": "x"}))
        self.stage.create("pools", {"name": "b"})
        self.stage.write(delete("pools", "a"))

    @property
    def history(self) -> Revisions:
        """Of the stage."""
        return self.stage.control.history

    def done(self, work: Coroutine[Any, Any, T]) -> T:
        """What came of it."""
        return self.stage.result(Deferred.fromCoroutine(work))

    def refused(self, cls: type[Exception], work: Coroutine[Any, Any, Any]) -> str:
        """Why it was refused."""
        return str(self.failureResultOf(Deferred.fromCoroutine(work), cls).value)

    def pools(self, number: int) -> list[tuple[str, str]]:
        """Those of a revision."""
        made = self.done(self.history.configuration(number))
        return [(pool.name, pool.description) for pool in made.all(Pool).values()]


class ReadTests(RevisionsCase):
    """What was."""

    def test_any(self) -> None:
        """Every revision can be looked at, the empty beginning too."""
        self.assertEqual(self.pools(0), [])
        self.assertEqual(self.pools(1), [("a", "")])
        self.assertEqual(self.pools(2), [("a", "x")])
        self.assertEqual(self.pools(3), [("a", "x"), ("b", "")])
        self.assertEqual(self.pools(4), [("b", "")])

    def test_told(self) -> None:
        """One with what it changed."""
        told = self.done(self.history.told(2))
        assert told.versions is not None
        self.assertEqual((told.entry.revision, told.entry.origin.author), (2, "ann"))
        self.assertEqual([one.op for one in told.versions], ["update"])

    def test_missing(self) -> None:
        """One that never was."""
        why = self.refused(NoRevision, self.history.told(5))
        self.assertEqual(why, "there is no revision 5; the newest one is 4")
        self.refused(NoRevision, self.history.told(0))
        self.refused(NoRevision, self.history.layer(9))

    def test_gone(self) -> None:
        """One whose entry is gone, and one of which only the entry is left."""
        self.done(self.store.commit({}, {revision_key(1): None}))
        self.refused(Gone, self.history.told(1))
        self.refused(Gone, self.history.layer(0))
        self.assertEqual(self.pools(1), [("a", "")])
        self.done(self.store.prune(PAST, 2))
        self.assertIsNone(self.done(self.history.told(2)).versions)
        self.refused(Gone, self.history.layer(1))
        self.assertEqual(self.pools(2), [("a", "x")])

    def test_away(self) -> None:
        """No store, no history."""
        self.store.loading.append(Unavailable("no disk"))

        async def page(*_: Any, **__: Any) -> Any:
            raise Unavailable("no disk")

        self.store.page = page  # type: ignore[method-assign]
        self.assertEqual(self.refused(StoreAway, self.history.told(2)), "no disk")

    def test_damaged(self) -> None:
        """What is not understood is said to be so."""
        _, keys = self.done(self.store.keys(PAST))
        damage: dict[bytes, bytes | None] = dict.fromkeys(keys, b"[{}]")
        self.done(self.store.commit({}, damage))
        self.assertIn("not understood", self.refused(StoreAway, self.history.layer(1)))


class RollbackTests(RevisionsCase):
    """Going back."""

    def test_rollback(self) -> None:
        """A new revision that is like an old one, to be undone like any other."""
        outcome = self.done(self.history.rollback(2, ORIGIN))
        self.assertEqual(outcome.revision, 5)
        self.assertEqual(self.pools(5), [("a", "x")])
        self.assertEqual(self.pools(4), [("b", "")])
        self.done(self.history.rollback(4, ORIGIN))
        self.assertEqual(self.pools(6), [("b", "")])

    def test_dry(self) -> None:
        """What it would change, and nothing more."""
        outcome = self.done(self.history.rollback(2, ORIGIN, dry_run=True))
        changes = [(c.op, c.name) for c in outcome.changes]
        self.assertEqual(changes, [("create", "a"), ("delete", "b")])
        self.assertEqual(self.stage.control.revision, 4)

    def test_condition(self) -> None:
        """Only if nothing happened since."""
        stale = Condition(match=("3",))
        self.refused(Stale, self.history.rollback(2, ORIGIN, condition=stale))
        self.done(self.history.rollback(2, ORIGIN, condition=Condition(match=("4",))))

    def test_certificates(self) -> None:
        """The newest key stays, unless the old one is asked for."""
        one, two = leaf("one.test"), leaf("two.test")
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        self.stage.write(create("certificates", body))
        newer = {"certificate": two.pem, "private_key": two.key_pem(), "description": "new"}
        self.stage.write(patch("certificates", "c", newer))

        def now() -> tuple[str, bool]:
            found = self.stage.find("certificates", "c")
            assert isinstance(found, Certificate)
            return found.description, found.private_key == two.key_pem()

        self.done(self.history.rollback(5, ORIGIN))
        self.assertEqual(now(), ("", True))
        self.done(self.history.rollback(5, ORIGIN, newest_keys=False))
        self.assertEqual(now(), ("", False))

    def test_without(self) -> None:
        """One revision is undone, and what came after it stays."""
        records = self.done(self.history.without(2))
        pools = [(r.made.name, r.made.description) for r in records["pools"].values()]
        self.assertEqual(pools, [("a", ""), ("b", "")])
