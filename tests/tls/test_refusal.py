"""Tests of fiberlb.tls.refusal."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.refusal import refusal


class RefusalTests(SynchronousTestCase):
    """One field that is refused."""

    def test_problem(self) -> None:
        """It has the field, the sentence and the code."""
        (problem,) = refusal("crl", "is old", "missing").problems
        self.assertEqual(
            (problem.path, problem.message, problem.code), (("crl",), "is old", "missing")
        )
