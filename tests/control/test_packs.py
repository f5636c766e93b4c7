"""Many objects of the store under one key."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.packs import LARGEST, pack, pack_key, pack_name, unpack
from fiberlb.control.records import Record, Unreadable
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Meta, Owner
from tests.control.stage import keyring

META = Meta(Owner.API, "then", "then", 1)


class ValueTests(SynchronousTestCase):
    """What stands under the key of a pack."""

    def test_round_trip(self) -> None:
        """Objects of several kinds, in their order."""
        pool, ident = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-%012d"
        several = [
            Record(Pool(id=pool, name="p"), META, (1, 0)),
            *(
                Record(
                    Member(id=ident % n, name="m", address="::1", port=n, pool_id=pool),
                    META,
                    (1, n),
                )
                for n in (7, 9)
            ),
        ]
        value = pack(several)
        assert value is not None
        self.assertEqual(unpack(pack_key("a/b"), value, keyring()), several)
        self.assertEqual(pack_name(pack_key("a/b")), "a/b")

    def test_too_large(self) -> None:
        """A pack does not grow without end."""
        text = "x" * 255
        several = [
            Record(
                Pool(id=f"{n:036d}", name=f"{n}", description=f"{n:05d}{text[5:]}"), META, (1, n)
            )
            for n in range(LARGEST // 250)
        ]
        self.assertIsNone(pack(several))

    def test_damaged(self) -> None:
        """It is said which one."""
        for value in (b"[", b"[{}]", b'[{"before":null,"after":{"collection":"x"}}]', b"\x78zz"):
            with self.assertRaises(Unreadable) as caught:
                unpack(pack_key("7/1"), value, keyring())
            self.assertIn("packs/7/1", str(caught.exception))
