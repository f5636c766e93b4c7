"""What objects were before and after each revision."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control import past
from fiberlb.control.layer import StoreLayer, altered
from fiberlb.control.past import PAST, PIECE, Version, size_of
from fiberlb.control.records import Record, encode
from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Meta, Owner
from tests.control.stage import Stage, create, delete, keyring, patch
from tests.support.certificates import leaf

IDENT = "00000000-0000-4000-8000-00000000000%d"


def record(number: int, **fields: Any) -> Record:
    """A pool."""
    made = attrs.evolve(Pool(id=IDENT % number, name=f"p{number}"), **fields)
    return Record(made, Meta(Owner.API, "then", "then", number), (number, 0))


def certificate(number: int, name: str = "c", **fields: Any) -> Record:
    """A certificate whose material is that number."""
    made = Certificate(
        id=IDENT % 9, name=name, certificate=f"PEM {number}", private_key=f"key {number}"
    )
    return Record(attrs.evolve(made, **fields), Meta(Owner.API, "then", "then", 1), (1, 0))


def sealed(one: Record) -> bytes:
    """Its document."""
    return encode(one, keyring())


def written(versions: list[Version]) -> dict[bytes, bytes]:
    """What revision 7 did, as it is stored."""
    return past.written(7, past.pieces_of(versions, sealed))


class PieceTests(SynchronousTestCase):
    """Versions as documents."""

    def test_round_trip(self) -> None:
        """Written and read again, in their order."""
        several = [
            Version(None, record(1)),
            Version(record(2), record(2, description="x")),
            Version(record(3), None),
        ]
        pieces = written(several)
        (key,) = pieces
        self.assertEqual(size_of(key), (7, len(pieces[key])))
        self.assertEqual(past.versions(pieces.values(), keyring()), several)
        self.assertEqual([one.op for one in several], ["create", "update", "delete"])

    def test_cut(self) -> None:
        """No piece is larger than it should be, and the order is kept."""
        several = [Version(None, record(n % 9, description=f"{n:04d}" * 60)) for n in range(2000)]
        pieces = written(several)
        self.assertGreater(len(pieces), 1)
        self.assertLess(max(map(len, pieces.values())), PIECE + 1000)
        newest_first = [pieces[key] for key in sorted(pieces, reverse=True)]
        self.assertEqual(past.versions(newest_first, keyring()), several)

    def test_sealed(self) -> None:
        """Secrets are sealed."""
        pieces = written([Version(certificate(1), certificate(2))])
        text = b"".join(pieces.values())
        self.assertNotIn(b"key 1", text)
        self.assertEqual(text.count(b"sealed:v1:"), 2)


class UnwoundTests(SynchronousTestCase):
    """Going back."""

    def unwound(self, now: list[Record], *steps: Version, newest_keys: bool = True) -> list[Record]:
        """What was there before some steps, the newest first."""
        pieces = [p for step in steps for p in written([step]).values()]
        found = past.unwound(altered(StoreLayer().records, now, ()), pieces, keyring(), newest_keys)
        return [one for several in found.values() for one in several.values()]

    def test_back(self) -> None:
        """What was made is gone, what was deleted is there, in the order of creation."""
        now = [record(2, description="b"), record(4)]
        found = self.unwound(
            now,
            Version(None, record(4)),
            Version(record(2, description="a"), record(2, description="b")),
            Version(record(1), None),
            Version(record(2), record(2, description="a")),
        )
        self.assertEqual(found, [record(1), record(2)])

    def test_newest_keys(self) -> None:
        """A certificate keeps its material of today, its other fields are those of then."""
        steps = Version(certificate(1, "old"), certificate(2, "new"))
        (found,) = self.unwound([certificate(2, "new")], steps)
        self.assertEqual(found, certificate(2, "old"))
        (found,) = self.unwound([certificate(2, "new")], steps, newest_keys=False)
        self.assertEqual(found, certificate(1, "old"))

    def test_deleted_certificate(self) -> None:
        """One that is gone comes back with the last material it had."""
        steps = Version(certificate(2), None), Version(certificate(1), certificate(2))
        self.assertEqual(self.unwound([], *steps), [certificate(2)])

    def test_other_kind(self) -> None:
        """Material of another kind is none for it."""
        authority = certificate(2, cert_type=CertificateType.CLIENT_CA, private_key=None)
        found = self.unwound([authority], Version(certificate(1), authority))
        self.assertEqual(found, [certificate(1)])


class ReadTests(SynchronousTestCase):
    """The pieces of a store."""

    def test_range(self) -> None:
        """Those of some revisions, the newest first, through several pages."""
        stage = Stage(self)
        stage.create("pools", {"name": "a"})
        for number in range(20):
            stage.write(patch("pools", "a", {"description": str(number)}))
        stage.write(delete("pools", "a"))
        reading = Deferred.fromCoroutine(past.read(stage.store, 3, 21))
        found = stage.result(reading)
        self.assertEqual(list(found), list(range(21, 2, -1)))
        (version,) = past.versions(found[3], keyring())
        assert version.before is not None and version.after is not None
        self.assertEqual(version.before.made.description, "0")
        self.assertEqual(version.after.made.description, "1")

    def test_stored(self) -> None:
        """A commit writes what it changed; keys only sealed."""
        stage, one = Stage(self), leaf("a.test")
        body = {"name": "a", "certificate": one.pem, "private_key": one.key_pem()}
        stage.write(create("certificates", body))
        _, found = stage.result(Deferred.fromCoroutine(stage.store.load(PAST)))
        ((value, _),) = found.values()
        self.assertNotIn(b"PRIVATE KEY", value)
