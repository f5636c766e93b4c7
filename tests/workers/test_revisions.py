"""Tests of L{fiberlb.workers.revisions}."""

from __future__ import annotations

import os
import uuid

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.model.pool import Member
from fiberlb.workers.revisions import (
    LARGE_PIECE,
    PIECE,
    Decoder,
    Encoder,
    Revision,
    content,
    mapped,
    sealed,
)

_NAMESPACE = uuid.UUID(int=1)


def members(count: int) -> dict[str, Member]:
    """Members with ids like real ones, the same each time."""
    ids = [str(uuid.uuid5(_NAMESPACE, str(number))) for number in range(count)]
    made = [Member(id=i, name=f"m{n}", address="192.0.2.1", port=80) for n, i in enumerate(ids)]
    return {member.id: member for member in made}


def revision(serial: int, objects: dict[str, Member]) -> Revision:
    """A revision of these members."""
    return Revision(
        serial=serial,
        configuration=Configuration(revision=7, objects={"members": objects, "pools": {}}),
        limits=Limits(),
        trusted=("10.0.0.0/8",),
        bases={"l": 3},
        places={"m": 9},
    )


class RevisionTests(SynchronousTestCase):
    """From control to a worker."""

    def setUp(self) -> None:
        """Both ends."""
        self.encoder = Encoder()
        self.decoder = Decoder()

    def sent(self, wanted: Revision) -> tuple[Revision, int]:
        """What arrives, and how many steps decoding took."""
        (fd,) = [step for step in self.encoder.encode(wanted) if step is not None]
        steps = list(self.decoder.decode(content(fd)))
        found = steps[-1]
        assert found is not None
        return found, len(steps)

    def test_whole(self) -> None:
        """All of it arrives, in its order."""
        wanted = revision(1, members(500))
        found, steps = self.sent(wanted)
        self.assertEqual(found, wanted)
        self.assertEqual(
            list(found.configuration.all(Member)), list(wanted.configuration.all(Member))
        )
        self.assertGreater(steps, 5)

    def test_unchanged(self) -> None:
        """Objects beside a change are the same objects as before."""
        before = members(500)
        first, _ = self.sent(revision(1, before))
        changed = dict(before)
        ident = list(changed)[100]
        changed[ident] = attrs.evolve(changed[ident], weight=5)
        del changed[list(changed)[300]]
        second, steps = self.sent(revision(2, changed))
        self.assertEqual(second.configuration.all(Member), changed)
        old, new = first.configuration.all(Member), second.configuration.all(Member)
        same = sum(old[i] is new[i] for i in new)
        self.assertGreater(same, 500 - 5 * 64)
        self.assertLess(steps, 6)

    def test_large(self) -> None:
        """Pieces of a large collection are larger: a step each, and a change alters one."""
        before = members(5000)
        first, steps = self.sent(revision(1, before))
        self.assertGreater(steps, 5000 // (2 * LARGE_PIECE))
        self.assertLess(steps, 5000 // PIECE)
        ident = list(before)[2500]
        changed = {**before, ident: attrs.evolve(before[ident], weight=5)}
        second, _ = self.sent(revision(2, changed))
        self.assertEqual(second.configuration.all(Member), changed)
        old, new = first.configuration.all(Member), second.configuration.all(Member)
        self.assertGreaterEqual(sum(old[i] is new[i] for i in new), 5000 - 2 * LARGE_PIECE)

    def test_alike(self) -> None:
        """Where no id ends a piece its length does; where each does, all arrives."""
        for end, least in (("00", 1), ("01", 2 * PIECE)):
            ids = [f"{number:034x}{end}" for number in range(500)]
            some = {i: Member(id=i, name=i, address="192.0.2.1", port=80) for i in ids}
            found, steps = self.sent(revision(1, some))
            self.assertEqual(found.configuration.all(Member), some)
            self.assertLessEqual(steps, 500 // least + 2)

    def test_nothing(self) -> None:
        """A configuration without objects."""
        self.assertEqual(self.sent(revision(1, {}))[0], revision(1, {}))

    def test_sealed(self) -> None:
        """Nobody can change what was sent; reading does not depend on a position."""
        fd = sealed(b"a", b"", b"bc")
        self.assertRaises(PermissionError, os.write, fd, b"x")
        self.assertRaises(PermissionError, os.ftruncate, fd, 0)
        self.assertEqual(content(os.dup(fd)), b"abc")
        self.assertEqual(content(fd), b"abc")
        self.assertRaises(OSError, os.fstat, fd)


class MappedTests(SynchronousTestCase):
    """A file in memory that is read where it is."""

    def test_mapped(self) -> None:
        """All of it, for as long as somebody looks at it; its descriptor is closed."""
        fd = sealed(b"a" * 10000, b"b")
        found = mapped(fd)
        self.assertRaises(OSError, os.fstat, fd)
        self.assertEqual((len(found), bytes(found[9999:])), (10001, b"ab"))
