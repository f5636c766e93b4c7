"""Tests of C{fiberlb.observe.entry}."""

from __future__ import annotations

from typing import get_args, get_type_hints

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.entry import Entry, Row
from tests.observe.rows import entry


class EntryTests(SynchronousTestCase):
    """One order of fields, written down twice."""

    def test_row(self) -> None:
        """The bare tuple and the named one have the same types in the same order."""
        self.assertEqual(get_args(Row), tuple(get_type_hints(Entry).values()))

    def test_documented(self) -> None:
        """The fields that do not speak for themselves are explained."""
        explained = Entry.__doc__ or ""
        obvious = {"client_port", "request_id"}
        self.assertEqual(
            [f for f in Entry._fields if f"@ivar {f}:" not in explained and f not in obvious], []
        )

    def test_is_a_tuple(self) -> None:
        """What reads bare tuples reads the named ones."""
        self.assertEqual(tuple(entry())[8], entry().status)
