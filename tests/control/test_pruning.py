"""What of the history is thrown away."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import REVISIONS
from fiberlb.control.past import PAST, size_of
from fiberlb.control.pruning import prune
from tests.control.stage import Stage, create

EVER = "2000-01-01T00:00:00Z"


class PruningTests(SynchronousTestCase):
    """Ten revisions, a minute each, the first at 08:00."""

    def setUp(self) -> None:
        """Make them."""
        self.stage = Stage(self)
        for number in range(10):
            self.stage.write(create("pools", {"name": str(number)}))
            self.stage.wall += 60

    def keys(self, prefix: bytes) -> list[bytes]:
        """What is there."""
        return sorted(self.stage.result(Deferred.fromCoroutine(self.stage.store.keys(prefix)))[1])

    def left(self, count: int, size: int = 1 << 30, since: str = EVER) -> tuple[int, int]:
        """The first revision with an entry, and the first with a past, after pruning."""
        pruning = Deferred.fromCoroutine(prune(self.stage.store, count, size, since))
        self.stage.result(pruning)
        entries, pieces = self.keys(REVISIONS), self.keys(PAST)
        numbers = [int(key[len(REVISIONS) :]) for key in entries]
        self.assertEqual(numbers, list(range(numbers[0], 11)))
        return numbers[0], size_of(pieces[0])[0] if pieces else 0

    def test_nothing(self) -> None:
        """All is young, and not much: nothing is written."""
        before = self.stage.result(Deferred.fromCoroutine(self.stage.store.health())).revision
        self.assertEqual(self.left(10), (1, 1))
        after = self.stage.result(Deferred.fromCoroutine(self.stage.store.health())).revision
        self.assertEqual(before, after)

    def test_count(self) -> None:
        """The newest stay."""
        self.assertEqual(self.left(3), (8, 8))

    def test_age(self) -> None:
        """The old ones go; the newest one stays whatever its age."""
        self.assertEqual(self.left(10, since="2027-01-15T08:04:00Z"), (5, 5))
        self.assertEqual(self.left(10, since="2028-01-01T00:00:00Z"), (10, 10))

    def test_size(self) -> None:
        """Beyond a size only what was changed goes, who did it stays."""
        sizes = [size_of(key)[1] for key in self.keys(PAST)]
        self.assertEqual(self.left(10, sum(sizes[-4:]) + 1), (1, 7))
        self.assertEqual(self.left(10, 0), (1, 0))

    def test_damaged(self) -> None:
        """What is not understood counts as old."""
        damage: dict[bytes, bytes | None] = {self.keys(REVISIONS)[0]: b"{"}
        self.stage.result(Deferred.fromCoroutine(self.stage.store.commit({}, damage)))
        self.assertEqual(self.left(10), (2, 2))
