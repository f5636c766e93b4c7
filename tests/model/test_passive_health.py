"""Tests of L{fiberlb.model.passive_health}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.passive_health import PassiveHealth
from fiberlb.model.pool import Pool


class PassiveHealthTests(SynchronousTestCase):
    """As it is written."""

    def loaded(self, value: Any) -> PassiveHealth | None:
        """The part of a pool that is written so."""
        loading = Loading()
        pool = structure(Pool, {"name": "p", "passive_health": value}, (), loading)
        assert pool is not None, loading.problems
        written = unstructure(pool)["passive_health"]
        again = structure(Pool, {"name": "p", "passive_health": written}, (), loading)
        assert again is not None, loading.problems
        self.assertEqual(again.passive_health, pool.passive_health)
        return pool.passive_health

    def test_defaults(self) -> None:
        """On, and by what cannot be the members' intention alone."""
        found = self.loaded({})
        self.assertEqual(found, Pool().passive_health)
        assert found is not None
        self.assertEqual((found.consecutive_failures, found.statuses), (5, ()))
        self.assertEqual((found.eject_for, found.max_ejected_percent), (30.0, 50))
        self.assertIsNone(found.failure_percent)

    def test_off(self) -> None:
        """Null turns it off."""
        self.assertIsNone(self.loaded(None))

    def test_statuses(self) -> None:
        """Numbers and ranges, or none."""
        for written, ranges in (
            ([], ()),
            (500, ((500, 500),)),
            ([500, "502-504"], ((500, 500), (502, 504))),
            ("500,502-504", ((500, 500), (502, 504))),
        ):
            found = self.loaded({"statuses": written})
            assert found is not None
            self.assertEqual(found.statuses, ranges)

    def test_refused(self) -> None:
        """What makes no sense is refused where it stands."""
        loading = Loading()
        value = {"max_ejected_percent": 0, "statuses": [600], "eject_for": 0}
        self.assertIsNone(structure(PassiveHealth, value, (), loading))
        self.assertEqual(
            sorted(problem.pointer for problem in loading.problems),
            ["/eject_for", "/max_ejected_percent", "/statuses"],
        )
