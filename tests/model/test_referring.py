"""References found and replaced quickly, as with care."""

from __future__ import annotations

from random import Random

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Path
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import map_references
from fiberlb.model.listener import Listener
from fiberlb.model.referring import SETTLES, Referred, references
from tests.model.documents import made
from tests.model.test_quick import objects

LISTENER = made(
    Listener,
    port=443,
    protocol="https",
    name="l",
    default_pool_id="a",
    tls_config={"certificate_id": "c", "sni_certificate_ids": ["d"]},
    mirror={"pool_id": "m"},
)


class ReferringTests(SynchronousTestCase):
    """What refers to what."""

    def test_found(self) -> None:
        """In fields, and within their values, with the paths to them."""
        found = {(to, word): path for to, word, path in references(LISTENER)}
        self.assertEqual(found["pools", "a"], ("default_pool_id",))
        self.assertEqual(found["pools", "m"], ("mirror", "pool_id"))
        self.assertEqual(found["certificates", "d"], ("tls_config", "sni_certificate_ids", 0))

    def test_every_class(self) -> None:
        """Of objects of every class the references that L{map_references} goes through."""
        random = Random(3)
        several = 0
        for one in objects(random):
            careful: list[Referred] = []

            def note(to: str, word: str, path: Path, into: list[Referred] = careful) -> str:
                into.append((to, word, path))
                return word

            map_references(one, note)
            self.assertEqual(references(one), careful, one)
            several += bool(careful)
        self.assertGreater(several, 20)

    def test_settled(self) -> None:
        """Ids in place of names; left to care: what is within values, and what is not found."""
        there: dict[str, dict[str, object]] = {collection: {} for collection in COLLECTIONS}
        there["pools"]["b"] = there["load_balancers"]["lb"] = None

        def find(collection: str, word: str) -> str | None:
            return {"a": "b"}.get(word)

        settle = SETTLES[Listener]
        plain = made(Listener, port=80, protocol="http", default_pool_id="a", loadbalancer_id="lb")
        (done,) = settle([plain], there, [find])
        self.assertEqual(done, attrs.evolve(plain, default_pool_id="b"))
        self.assertIs(type(done), Listener)
        self.assertEqual(plain.default_pool_id, "a")
        self.assertIs(settle([done], there, [find])[0], done)
        self.assertEqual(settle([LISTENER], there, [find]), [None])
        odd = made(Listener, port=80, protocol="http", default_pool_id="x", loadbalancer_id="lb")
        self.assertEqual(settle([odd], there, [find]), [None])
        # Each with what finds its own words.
        several = [plain, odd, plain]
        finding = [find, find, lambda collection, word: "c"]
        names = [one and one.default_pool_id for one in settle(several, there, finding)]
        self.assertEqual(names, ["b", None, "c"])
