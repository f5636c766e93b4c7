"""Tests of C{fiberlb.model.hash_on}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.hash_on import HashOn, HashOnText
from fiberlb.model.pool import Algorithm, Pool
from tests.model.documents import made, problems


class HashOnTests(SynchronousTestCase):
    """What a key is taken from."""

    def test_forms(self) -> None:
        """Each form is read, and written as it was."""
        forms = {
            "header X-User": HashOn("header", "X-User"),
            "Cookie  sid": HashOn("cookie", "sid"),
            "query id": HashOn("query", "id"),
            "path": HashOn("path"),
        }
        for text, meant in forms.items():
            found = made(Pool, algorithm="hash", hash_on=text)
            self.assertEqual((found.algorithm, found.hash_on), (Algorithm.HASH, meant))
        self.assertEqual(HashOnText().dump(HashOn("header", "X-User")), "header X-User")
        self.assertEqual(HashOnText().dump(HashOn("path")), "path")

    def test_refused(self) -> None:
        """What it cannot be, and where it cannot stand."""
        for text in ("header", "path x", "body", 5, "header a b"):
            (found,) = problems(Pool, {"algorithm": "hash", "hash_on": text})
            self.assertIn("hash_on: must be", found)
        (found,) = problems(Pool, {"algorithm": "hash"})
        self.assertIn("hash_on: is needed", found)
        (found,) = problems(Pool, {"hash_on": "path"})
        self.assertIn("hash_on: goes with algorithm hash only", found)
        (found,) = problems(Pool, {"protocol": "tcp", "algorithm": "hash", "hash_on": "path"})
        self.assertIn("algorithm: reads HTTP requests", found)
