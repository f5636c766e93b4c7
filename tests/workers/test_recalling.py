"""Asking every worker for what one of them knows."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.kept import Kept, Sought
from fiberlb.workers.recalling import PATIENCE, ROOM, Recalling, packed, recalled
from tests.observe.rows import entry


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

    def test_crew(self) -> None:
        """Who is there when it is asked."""
        workers: list[Any] = []
        asked = Recalling(Clock(), lambda: workers)
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(asked.recall("a"))))
        workers.append(Worker(succeed({"found": json.dumps({"id": "a"})})))
        found = self.successResultOf(Deferred.fromCoroutine(asked.recall("a")))
        self.assertEqual(found, {"id": "a"})


class Keeping:
    """A worker with answers of its own."""

    alive = True

    def __init__(self, *ends: float) -> None:
        self.kept = Kept()
        self.asked = 0
        for end in ends:
            row: Any = tuple(
                entry(request_id=str(end), started=end, total=0.0, target=b"/" + b"x" * 2000)
            )
            self.kept.keep(row, ())

    def ask(self, command: object, sought: str, before: str, most: int) -> Deferred[Any]:
        """What a worker's end of the line does."""
        self.asked += 1
        text, more = packed(self.kept.last(Sought(**json.loads(sought)), before), most)
        assert len(text) < 65_000
        return succeed({"found": text, "more": more})


class RecentTests(SynchronousTestCase):
    """The last answers of several workers."""

    def recent(self, workers: list[Any], most: int, sought: Sought | None = None) -> list[str]:
        """Their ids."""
        asked = Recalling(Clock(), lambda: workers)
        done = Deferred.fromCoroutine(asked.recent(sought or Sought(), most))
        return [one["id"] for one in self.successResultOf(done)]

    def test_together(self) -> None:
        """The last one first, whoever made it; who has hung up does not matter."""
        workers = [Keeping(1.0, 4.0), Keeping(2.0, 3.0), Keeping()]
        hung: Any = Keeping()
        hung.ask = lambda *_, **__: fail(ConnectionError())
        self.assertEqual(self.recent([*workers, hung], 3), ["4.0", "3.0", "2.0"])
        self.assertEqual(self.recent(workers, 9, Sought(since=2.5)), ["4.0", "3.0"])

    def test_many(self) -> None:
        """More than a message holds."""
        worker = Keeping(*map(float, range(100)))
        self.assertEqual(len(self.recent([worker], 70)), 70)
        self.assertGreater(worker.asked, 1)
        self.assertEqual(self.recent([worker], 1000), [f"{n}.0" for n in reversed(range(100))])

    def test_large(self) -> None:
        """One that fills a message is told all the same."""
        large = {"id": "x" * ROOM}
        text, more = packed([large, large], 9)
        self.assertEqual((json.loads(text), more), ([large], True))
