"""Tests of a configuration, as documents."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.convert import structure
from fiberlb.model.expectation import RequestTest
from fiberlb.model.fields import Loading


class ExpectationTests(SynchronousTestCase):
    """What is taken, and what is refused."""

    def loaded(self, **fields: Any) -> tuple[RequestTest | None, list[str]]:
        """The test of a document, and what is wrong with it."""
        loading = Loading()
        found = structure(RequestTest, fields, (), loading)
        return found, [str(problem) for problem in loading.problems]

    def test_good(self) -> None:
        """An empty text expects that there is none."""
        found, problems = self.loaded(request={"url": "http://x/"}, expect={"policy": ""})
        assert found is not None, problems
        self.assertEqual((found.expect.policy, found.expect.pool), ("", None))

    def test_refused(self) -> None:
        """A test that expects nothing, or is none."""
        self.assertIn("expects nothing", self.loaded(expect={})[1][0])
        self.assertIn("expect: is needed", self.loaded(request={})[1][0])
