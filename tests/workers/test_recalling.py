"""Asking every worker for what one of them knows."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.recalling import PATIENCE, recalled


class Worker:
    """One that answers with this."""

    alive = True

    def __init__(self, answer: Deferred[Any]) -> None:
        self.answer = answer

    def ask(self, command: object, ident: str) -> Deferred[Any]:
        """The answer."""
        return self.answer


class RecallingTests(SynchronousTestCase):
    """Of several."""

    def test_found(self) -> None:
        """By whoever knows; who has hung up, knows nothing or stands still does not matter."""
        clock = Clock()
        workers: list[Any] = [
            Worker(succeed({"found": ""})),
            Worker(fail(ConnectionError())),
            Worker(Deferred()),
            Worker(succeed({"found": json.dumps({"id": "a"})})),
        ]
        waiting = Deferred.fromCoroutine(recalled(clock, workers, "a"))
        self.assertNoResult(waiting)
        clock.advance(PATIENCE)
        self.assertEqual(self.successResultOf(waiting), {"id": "a"})
        nobody = Deferred.fromCoroutine(recalled(clock, workers[:1], "a"))
        self.assertIsNone(self.successResultOf(nobody))
