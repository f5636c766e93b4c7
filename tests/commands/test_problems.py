"""Tests of fiberlb.commands.problems."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.exits import REFUSED, STALE
from fiberlb.commands.problems import failed


class ProblemTests(SynchronousTestCase):
    """What is said of a problem document."""

    def told(self, status: int, document: Any) -> list[str]:
        """The lines."""
        why = failed(status, document)
        return [why.message, *why.lines]

    def test_fields(self) -> None:
        """Each field that is wrong has a line; a single one that the detail tells has none."""
        one = {"path": "/algoritm", "message": "unknown key", "suggestion": "algorithm"}
        two = {"path": "/port", "message": "must be a whole number"}
        self.assertEqual(
            self.told(400, {"detail": "2 things are refused", "errors": [one, two]}),
            [
                "2 things are refused",
                "  /algoritm: unknown key (did you mean 'algorithm'?)",
                "  /port: must be a whole number",
            ],
        )
        alone = {"detail": "port: must be a whole number", "errors": [two]}
        self.assertEqual(self.told(400, alone), ["port: must be a whole number"])

    def test_more(self) -> None:
        """Who uses it, what is meant, and where it is written."""
        users = [{"collection": "listeners", "id": "1", "name": "front"}]
        self.assertEqual(
            self.told(409, {"detail": "in use", "used_by": users})[1:],
            ["  used by front of listeners"],
        )
        self.assertEqual(self.told(409, {"detail": "x", "ids": ["a", "b"]})[1:], ["  ids: a, b"])
        owned = {"detail": "x", "file": "f.yaml", "line": 3}
        self.assertEqual(self.told(409, owned)[1:], ["  see f.yaml:3"])

    def test_hints(self) -> None:
        """What helps: who it has to be, or to look again."""
        self.assertIn("FIBERLB_TOKEN", self.told(401, {"detail": "who are you?"})[1])
        stale = failed(412, {"detail": "it is of revision 3", "code": "stale"})
        self.assertEqual(stale.code, STALE)
        self.assertIn("look again", stale.lines[0])

    def test_strange(self) -> None:
        """An answer that is no problem document is told by its status."""
        self.assertEqual(self.told(502, "<html>"), ["the answer was 502"])
        self.assertEqual(failed(502, None).code, REFUSED)
