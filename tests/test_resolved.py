"""Tests of L{fiberlb.resolved}."""

from __future__ import annotations

import uuid
from itertools import permutations
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Member, Pool, ResolvedMember
from fiberlb.resolved import names_of, part_id, resolved
from fiberlb.snapshot import Snapshot
from tests.test_snapshot import snapshot

ANSWERS = {"db.test": ("10.0.0.1",), "dns:web.test": ("10.0.0.1", "10.0.0.2"), "other": ("::1",)}


def member(ident: str, address: str, pool: str = "p", **fields: Any) -> Member:
    """A member on port 80."""
    return Member(id=ident, name=ident, pool_id=pool, address=address, port=80, **fields)


def compiled(*members: Member, previous: Snapshot | None = None) -> Snapshot:
    """Two pools, C{p} and C{q}, with these members."""
    return snapshot(Pool(id="p", name="p"), Pool(id="q", name="q"), *members, previous=previous)


def shown(made: Snapshot, pool: str = "p") -> list[tuple[str, str]]:
    """Names and addresses of a pool's members."""
    return [(m.name, m.address) for m in made.pools[pool].members]


class ResolvedTests(SynchronousTestCase):
    """Members by name, at addresses."""

    def test_name(self) -> None:
        """One address: the same member, which knows its name."""
        made = resolved(compiled(member("a", "db.test", weight=3)), ANSWERS)
        (found,) = made.pools["p"].members
        assert isinstance(found, ResolvedMember)
        self.assertEqual((found.id, found.name, found.of), ("a", "a", "a"))
        self.assertEqual((found.place, found.weight), (("10.0.0.1", 80), 3))
        self.assertEqual((found.identity, found.host), ("db.test", "db.test"))
        self.assertEqual(made.parts, {"a": (found,)})
        self.assertEqual(made.answers, {"db.test": ("10.0.0.1",)})

    def test_every(self) -> None:
        """All addresses: a member each, of an id of its own, in the place of the one."""
        members = (member("a", "192.0.2.1"), member("b", "dns:web.test", weight=3, backup=True))
        made = resolved(compiled(*members, member("c", "192.0.2.2")), ANSWERS)
        self.assertEqual(
            shown(made),
            [
                ("a", "192.0.2.1"),
                ("b/10.0.0.1", "10.0.0.1"),
                ("b/10.0.0.2", "10.0.0.2"),
                ("c", "192.0.2.2"),
            ],
        )
        parts = made.parts["b"]
        self.assertEqual(
            {(p.weight, p.backup, p.of, p.identity) for p in parts}, {(3, True, "b", "web.test")}
        )
        self.assertEqual([p.id for p in parts], [part_id("b", p.address) for p in parts])

    def test_ids(self) -> None:
        """Ids of addresses are UUIDs of version 5, and depend on both."""
        found = {part_id(m, a) for m in ("a", "b") for a in ("10.0.0.1", "10.0.0.2")}
        self.assertEqual(len(found), 4)
        self.assertEqual({uuid.UUID(ident).version for ident in found}, {5})

    def test_none(self) -> None:
        """A name without an address has no member, and is no error."""
        made = resolved(compiled(member("a", "no.test"), member("b", "dns:no.test")), {})
        self.assertEqual((shown(made), made.parts), ([], {"a": (), "b": ()}))

    def test_untouched(self) -> None:
        """Pools without names are the same objects; those that say the same stay the same."""
        first = compiled(member("a", "db.test"), member("b", "192.0.2.1", "q"))
        one = resolved(first, ANSWERS)
        self.assertIs(one.pools["q"], first.pools["q"])
        two = resolved(first, {**ANSWERS, "db.test": ("10.0.0.1",)}, one)
        self.assertIs(two.pools["p"], one.pools["p"])
        three = resolved(first, {"db.test": ("10.0.0.9",)}, two)
        self.assertIsNot(three.pools["p"], two.pools["p"])
        self.assertEqual(
            (three.revision, three.configuration), (first.revision, first.configuration)
        )

    def test_order(self) -> None:
        """The plan depends on nothing but what the answer holds (the service sorts it)."""
        plans = set()
        for several in permutations(("10.0.0.1", "10.0.0.2", "10.0.0.3")):
            made = resolved(
                compiled(member("b", "dns:web.test")), {"dns:web.test": tuple(sorted(several))}
            )
            plans.add(tuple(shown(made)))
        self.assertEqual(len(plans), 1)

    def test_names(self) -> None:
        """What has to be asked for, each once; not for members that are disabled."""
        found = compiled(
            member("a", "db.test"),
            member("b", "dns:db.test"),
            member("c", "dns:web.test", "q"),
            member("d", "192.0.2.1"),
            member("e", "off.test", enabled=False),
            member("f", "unix:/x"),
        )
        self.assertEqual(names_of(found), {"db.test", "web.test"})
