"""How many connections each client has open."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.crowd import LOOK, WAYS, Crowd, Place, Rows


class AloneTests(SynchronousTestCase):
    """One process."""

    def test_limit(self) -> None:
        """As many as the limit; one that has left makes room; clients do not know of each other."""
        crowd = Crowd()
        one, two = crowd.enter(b"a", 2, 0), crowd.enter(b"a", 2, 0)
        assert one is not None and two is not None
        self.assertIsNone(crowd.enter(b"a", 2, 0))
        self.assertIsNotNone(crowd.enter(b"b", 2, 0))
        one.left()
        self.assertIsNotNone(crowd.enter(b"a", 2, 0))
        self.assertIsNone(crowd.enter(b"a", 2, 0))

    def test_nothing_left(self) -> None:
        """A client without connections takes no memory."""
        crowd = Crowd()
        for place in [crowd.enter(b"%d" % n, 1, 0) for n in range(100)]:
            assert place is not None
            place.left()
        self.assertEqual(crowd._counts, {})


class TogetherTests(SynchronousTestCase):
    """Several processes."""

    def setUp(self) -> None:
        """A file."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        self.path = directory / "crowd"

    def crowd(self) -> Crowd:
        """One more process, by what it can see."""
        return Crowd(lambda: Rows(str(self.path), os.urandom))

    def enter(
        self, crowd: Crowd, name: bytes = b"a", limit: int = 3, now: float = 0
    ) -> Place | None:
        """One more connection."""
        return crowd.enter(name, limit, now)

    def test_sum(self) -> None:
        """What others have counts, and what they have no more does not."""
        one, two = self.crowd(), self.crowd()
        first = self.enter(one)
        assert first is not None
        self.assertIsNotNone(self.enter(one))
        self.assertIsNotNone(self.enter(two))
        self.assertIsNone(self.enter(two))
        self.assertIsNone(self.enter(one))
        first.left()
        self.assertIsNotNone(self.enter(two))
        self.assertIsNone(self.enter(one))

    def test_ended(self) -> None:
        """What a process had that was killed counts no more, with a look a second at most."""
        one = self.crowd()
        self.assertIsNotNone(self.enter(one))
        began, done = os.pipe()
        pid = os.fork()
        if not pid:
            other = self.crowd()
            self.enter(other)
            self.enter(other)
            os.write(done, b"x")
            os.kill(os.getpid(), 9)
        os.read(began, 1)
        os.close(began)
        os.close(done)
        os.waitpid(pid, 0)
        self.assertIsNone(self.enter(one))
        self.assertIsNotNone(self.enter(one, now=LOOK))

    def test_crowded(self) -> None:
        """More clients than a row has places for: each is still counted where it is."""
        one, two = self.crowd(), self.crowd()
        names = [b"%d" % n for n in range(WAYS * 2000)]
        self.assertNotIn(None, [self.enter(one, name, 1) for name in names])
        self.assertEqual({self.enter(one, name, 1) for name in names}, {None})
        known = [self.enter(two, name, 1) is None for name in names]
        self.assertGreater(known.count(True), 7000)

    def test_other_form(self) -> None:
        """A file of another form makes room."""
        self.path.write_bytes(b"x" * 100)
        self.assertIsNotNone(self.enter(self.crowd()))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_without(self) -> None:
        """Where there is no file, each counts for itself."""
        crowd = Crowd(lambda: None)
        self.assertIsNotNone(self.enter(crowd, limit=1))
        self.assertIsNone(self.enter(crowd, limit=1))
