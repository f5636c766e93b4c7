"""Tests of L{fiberlb.workers.reading}."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Pool
from fiberlb.snapshot import Snapshot
from fiberlb.workers.reading import Reading
from fiberlb.workers.revisions import Encoder, Revision, content
from tests.workers.test_revisions import members, revision


def of_pools(serial: int, *names: str) -> Revision:
    """A revision with these pools."""
    pools = {name: Pool(id=name, name=name) for name in names}
    made = revision(serial, {})
    objects = {"pools": pools, "members": {}}
    return attrs.evolve(made, configuration=attrs.evolve(made.configuration, objects=objects))


class ReadingTests(SynchronousTestCase):
    """What is sent, and what was foreseen of it."""

    def setUp(self) -> None:
        """Both ends."""
        self.encoder = Encoder()
        self.reading = Reading(Clock())

    def sent(self, made: Revision) -> bytes:
        """What travels."""
        (fd,) = [step for step in self.encoder.encode(made) if step is not None]
        return content(fd)

    def read(self, made: Revision, before: Snapshot | None = None) -> Snapshot:
        """Compiled by the one that is to serve it."""
        done = Deferred.fromCoroutine(self.reading.read(self.sent(made), before))
        found, compiled = self.successResultOf(done)
        self.assertEqual(found, made)
        return compiled

    def foresee(self, made: Revision | None, before: Snapshot | None = None) -> None:
        """It may come."""
        data = None if made is None else self.sent(made)
        self.successResultOf(Deferred.fromCoroutine(self.reading.foresee(data, before)))

    def test_read(self) -> None:
        """What stays is used again."""
        first = self.read(of_pools(1, "a", "b"))
        second = self.read(of_pools(2, "a", "c"), first)
        self.assertEqual(list(second.pools), ["a", "c"])
        self.assertIs(second.pools["a"], first.pools["a"])

    def test_foreseen(self) -> None:
        """What was foreseen is compiled once, from what is served."""
        first = self.read(of_pools(1, "a"))
        self.foresee(of_pools(0, "a", "b"), first)
        foreseen = self.reading.foreseen
        assert foreseen is not None
        second = self.read(of_pools(2, "a", "b"), first)
        self.assertIs(second.pools["a"], first.pools["a"])
        self.assertIs(second.pools["b"], foreseen.pools["b"])
        self.assertIsNone(self.reading.foreseen)

    def test_otherwise(self) -> None:
        """Something else comes than was foreseen: it is what is served."""
        first = self.read(of_pools(1, "a"))
        self.foresee(of_pools(0, "a", "b"), first)
        self.assertEqual(list(self.read(of_pools(2, "c"), first).pools), ["c"])

    def test_forgotten(self) -> None:
        """What will not come is kept no longer."""
        self.foresee(of_pools(0, "a"))
        self.foresee(None)
        self.assertIsNone(self.reading.foreseen)
        self.assertEqual(list(self.read(revision(1, members(3))).pools), [])
