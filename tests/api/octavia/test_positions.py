"""Positions of policies."""

from __future__ import annotations

from typing import Any

from tests.api.octavia.asking import OctaviaCase


class PositionTests(OctaviaCase):
    """Ranks, from 1, without gaps."""

    def setUp(self) -> None:
        """A listener."""
        super().setUp()
        self.front = self.listener(self.balancer())

    def made(self, name: str, **given: Any) -> str:
        """The id of a policy."""
        made = self.make("l7policies", listener_id=self.front, action="REJECT", name=name, **given)
        return str(made["id"])

    def order(self) -> str:
        """The names of all, by their positions."""
        found = self.look("l7policies")["l7policies"]
        ranks = {one["position"]: one["name"] for one in found}
        self.assertEqual(sorted(ranks), list(range(1, len(found) + 1)))
        return "".join(ranks[rank] for rank in sorted(ranks))

    def test_insert(self) -> None:
        """Before what is there; beyond the end as the last one; also where there is no room."""
        for name, position in (("a", None), ("b", 99), ("c", 1)):
            self.made(name, position=position)
        self.assertEqual(self.order(), "cab")
        for name in "defghi":
            self.made(name, position=2)
        self.assertEqual(self.order(), "cihgfedab")

    def test_move(self) -> None:
        """Taken out, and put in again."""
        ids = {name: self.made(name) for name in "abcd"}
        for name, position, order in (
            ("d", 1, "dabc"),
            ("d", 1, "dabc"),
            ("a", 4, "dbca"),
            ("b", 99, "dcab"),
            ("b", 2, "dbca"),
        ):
            self.change(f"l7policies/{ids[name]}", position=position)
            self.assertEqual(self.order(), order)
