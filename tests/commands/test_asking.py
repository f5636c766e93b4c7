"""Tests of fiberlb.commands.asking."""

from __future__ import annotations

from fiberlb.commands.asking import every, segment
from tests.commands.answering import Answering


class AskingTests(Answering):
    """Answers of the admin API."""

    def test_pages(self) -> None:
        """All pages of a list are read."""
        self.serve({"items": [{"n": 1}], "next": "/v1/x?limit=1000&marker=1"})
        self.serve({"items": [{"n": 2}], "next": None})
        self.write()
        self.assertEqual(every(str(self.path), "/v1/x"), [{"n": 1}, {"n": 2}])
        self.assertEqual(self.targets, ["/v1/x?limit=1000", "/v1/x?limit=1000&marker=1"])

    def test_segment(self) -> None:
        """A name that has anything in it is one part of an address."""
        self.assertEqual(segment("a/b c"), "a%2Fb%20c")
