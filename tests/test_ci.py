"""The last line of C{.ci/run}: it must not call a failed or empty run a success."""

from __future__ import annotations

import importlib.util
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.sources import ROOT

#: How trial tells of two tests that failed alike, and of one that broke.
TOLD = """
[ERROR]
  SomeTests
    test_it ...  [ERROR]

===============================================================================
[FAIL]
Traceback (most recent call last):
  File "/a/tests/test_x.py", line 7, in test_it
    self.assertEqual(1, 2)
twisted.trial.unittest.FailTest: not equal:
a = 1
b = 2


tests.test_x.SomeTests.test_it
tests.test_x.SomeTests.test_other
===============================================================================
[ERROR]
Traceback (most recent call last):
  File "/a/tests/test_y.py", line 9, in test_it
    raise ValueError("no")
builtins.ValueError: no

tests.test_y.SomeTests.test_it
-------------------------------------------------------------------------------
Ran 3 tests in 0.1s
"""


def load(name: str = "summarise") -> Any:
    """A function of C{.ci/summary.py}, which is in no package."""
    spec = importlib.util.spec_from_file_location("summary", ROOT / ".ci" / "summary.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


class SummaryTests(SynchronousTestCase):
    """What is said about each way a run can end."""

    def said(self, end: str, status: int, stages: int = 0) -> tuple[str, int]:
        """The summary of a run whose output ends like that."""
        return load()(f"Ran some tests\n\n{end}\n", status, stages)

    def test_passed(self) -> None:
        """A run that passed says how many, and exits with 0."""
        self.assertEqual(self.said("PASSED (successes=7)", 0), ("7 passed, 0 failed", 0))
        self.assertEqual(
            self.said("PASSED (skips=2, successes=7)", 0), ("7 passed, 0 failed, 2 skipped", 0)
        )

    def test_failed(self) -> None:
        """Failures and errors both count."""
        line = "FAILED (failures=1, errors=2, successes=7)"
        self.assertEqual(self.said(line, 1), ("7 passed, 3 failed", 1))

    def test_other_stage(self) -> None:
        """A failed stage fails the run although every test passed."""
        self.assertEqual(self.said("PASSED (successes=7)", 0, 1), ("7 passed, 1 failed", 1))

    def test_died(self) -> None:
        """A run without trial's closing line failed, whatever its status."""
        self.assertEqual(self.said("Segmentation fault", 139), ("0 passed, 1 failed", 139))
        self.assertEqual(self.said("", 0), ("0 passed, 1 failed", 1))

    def test_nothing_ran(self) -> None:
        """No test is no success."""
        self.assertEqual(self.said("PASSED", 0), ("0 passed, 1 failed", 1))
        self.assertEqual(self.said("PASSED (skips=3)", 0), ("0 passed, 1 failed, 3 skipped", 1))

    def test_parts(self) -> None:
        """Runs of several parts are added up, and one that died is missed."""
        ends = "PASSED (successes=7)\n\nFAILED (errors=1, skips=1, successes=4)\n"
        self.assertEqual(load()(ends, 1, parts=2), ("11 passed, 1 failed, 1 skipped", 1))
        both = "PASSED (successes=7)\n\nPASSED (successes=4)\n"
        self.assertEqual(load()(both, 0, parts=2), ("11 passed, 0 failed", 0))
        self.assertEqual(load()(both, 0, parts=3), ("11 passed, 1 failed", 1))

    def test_nonzero_status(self) -> None:
        """Trial's own status is kept even when its line says that all passed."""
        self.assertEqual(self.said("PASSED (successes=7)", 3), ("7 passed, 1 failed", 3))

    def test_names(self) -> None:
        """Each test that failed has a line, with the place and the end of what it said."""
        one, two, three = load("failures")(TOLD)
        self.assertTrue(one.startswith("tests.test_x.SomeTests.test_it (tests/test_x.py:7): "), one)
        self.assertTrue(two.endswith("not equal: a = 1 b = 2"), two)
        self.assertTrue(three.endswith("builtins.ValueError: no"), three)
        self.assertEqual(load("failures")("PASSED (successes=7)"), [])
