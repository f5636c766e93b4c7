"""What every object has."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.resource import FILE_NAMESPACE, FreshIds, file_id, fresh_ids
from tests.model.documents import made, problems

IDENT = "0a0a0a0a-0000-4000-8000-000000000001"


class ResourceTests(SynchronousTestCase):
    """The common fields."""

    def test_fields(self) -> None:
        """Each kind of object takes them."""
        needs: dict[str, dict[str, Any]] = {
            "certificates": {"certificate": "PEM"},
            "members": {"address": "10.0.0.1", "port": 80},
            "listeners": {"port": 80, "protocol": "http"},
            "l7_policies": {"action": "reject"},
            "l7_rules": {"path": "/"},
        }
        for collection, cls in COLLECTIONS.items():
            found = made(
                cls,
                id=IDENT,
                name="ü 1",
                enabled=False,
                description="d",
                tags=["a", "b"],
                **needs.get(collection, {}),
            )
            self.assertEqual((found.id, found.name, found.enabled), (IDENT, "ü 1", False))
            self.assertEqual((found.description, found.tags), ("d", ("a", "b")))
            self.assertEqual(cls.COLLECTION, collection)
            with self.assertRaises(AttributeError):
                found.name = "changed"  # type: ignore[misc]

    def test_parents(self) -> None:
        """Parents come before their children, and are kinds of objects."""
        seen: list[str] = []
        for collection, cls in COLLECTIONS.items():
            if cls.PARENT is not None:
                self.assertIn(cls.PARENT[1], seen)
            seen.append(collection)

    def test_refused(self) -> None:
        """Ids are UUIDs, texts have an end."""
        for document, message in (
            ({"id": "x"}, "id: must be a UUID"),
            ({"id": IDENT + "0"}, "id: must have 0 to 36 characters"),
            ({"name": "x" * 256}, "name: must have 0 to 255 characters"),
            ({"name": "a\nb"}, "name: must not contain control characters"),
            ({"name": None}, "name: must be a text"),
            ({"enabled": "yes"}, "enabled: must be true or false"),
            ({"tags": "a"}, "tags: must be a list"),
            ({"tags": ["a", ""]}, "tags[1]: must have 1 to 255 characters"),
            ({"tags": ["a"] * 1001}, "tags: must have at most 1000 elements"),
        ):
            self.assertEqual(problems(LoadBalancer, document), [message])


class FreshIdTests(SynchronousTestCase):
    """Ids of new objects."""

    @given(st.lists(st.binary(min_size=16, max_size=16), max_size=5))
    def test_values(self, randomness: list[bytes]) -> None:
        """Each is a UUID of version 4."""
        wanted = [str(uuid.UUID(bytes=one, version=4)) for one in randomness]
        self.assertEqual(fresh_ids(b"".join(randomness)), wanted)

    def test_each_once(self) -> None:
        """However many are asked for, all are of the given randomness, and none comes twice."""
        asked: list[int] = []

        def random_bytes(number: int) -> bytes:
            asked.append(number)
            first = sum(asked[:-1]) // 16
            return b"".join((first + n).to_bytes(16, "big") for n in range(number // 16))

        ids = FreshIds(random_bytes)
        given = [ids() for _ in range(1000)]
        self.assertEqual(len({*given}), 1000)
        known = [str(uuid.UUID(int=n, version=4)) for n in range(sum(asked) // 16)]
        self.assertLessEqual({*given}, {*known})


class FileIdTests(SynchronousTestCase):
    """Ids of file objects."""

    def test_value(self) -> None:
        """It is a UUID of version 5, and never changes between versions of FiberLB."""
        found = file_id("pools", "", "app")
        self.assertEqual(uuid.UUID(found).version, 5)
        self.assertEqual(found, str(uuid.uuid5(FILE_NAMESPACE, "pools//app")))
        self.assertEqual(found, file_id("pools", "", "app"))

    @given(
        st.sampled_from(["pools", "members"]), st.text("ab", max_size=2), st.text("ab", max_size=2)
    )
    def test_distinct(self, collection: str, parent: str, name: str) -> None:
        """Another kind, parent or name is another id."""
        found = file_id(collection, parent, name)
        self.assertNotEqual(found, file_id("listeners", parent, name))
        self.assertNotEqual(found, file_id(collection, parent + "c", name))
        self.assertNotEqual(found, file_id(collection, parent, name + "c"))


class FileUuidTests(SynchronousTestCase):
    """Ids of objects of files."""

    def test_uuid(self) -> None:
        """They are UUIDs of version 5, as the standard library makes them."""
        for number in range(200):
            expected = uuid.uuid5(FILE_NAMESPACE, f"pools/p/\u00e9{number}")
            self.assertEqual(file_id("pools", "p", f"\u00e9{number}"), str(expected))
