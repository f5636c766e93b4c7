"""Who may get a request, and who gets it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.maglev import Maglev
from fiberlb.control.choosing import Choice, choose
from fiberlb.model.hash_on import HashOn
from fiberlb.model.operational import MemberMode, Operational
from fiberlb.model.pool import Algorithm, Member, Pool
from fiberlb.pool_plans import PoolPlan
from tests.routing.made import request


def member(name: str, **fields: Any) -> Member:
    """A member of that name and id."""
    return Member(**{"id": name, "name": name, "address": "127.0.0.1", "port": 1, **fields})


class ChoosingTests(SynchronousTestCase):
    """One pool."""

    def choose(
        self,
        *members: Member,
        health: dict[str, str] | None = None,
        modes: dict[str, Operational] | None = None,
        client: str = "192.0.2.1",
        panics: bool = False,
        target: bytes = b"/",
        **fields: Any,
    ) -> Choice:
        """The choice of a pool with these members."""
        plan = PoolPlan(Pool(id="p", **fields), members, None)
        asked = request(target, b"x", b"X-User: 7")
        return choose(
            plan,
            asked,
            client,
            lambda ident: ((health or {}).get(ident, "up"), ""),
            lambda ident: (modes or {}).get(ident, Operational()),
            panics,
        )

    def why(self, choice: Choice) -> dict[str, str]:
        """Why members may not be chosen."""
        return {one.member.name: one.why for one in choice.members}

    def test_eligible(self) -> None:
        """Down, drained, of weight 0 and backups."""
        some = (
            member("a"),
            member("b"),
            member("c", weight=0),
            member("d", backup=True),
            member("e"),
        )
        drained = {"b": Operational(mode=MemberMode.DRAIN, reason="disk")}
        found = self.choose(*some, health={"a": "down"}, modes=drained)
        self.assertEqual(
            self.why(found),
            {
                "a": "down",
                "b": "set to drain: disk",
                "c": "weight 0",
                "d": "a backup: others serve",
                "e": "",
            },
        )
        assert found.chosen is not None
        self.assertEqual(found.chosen.name, "e")
        found = self.choose(*some[:1], some[3], health={"a": "down"})
        self.assertEqual(found.chosen, some[3])

    def test_nobody(self) -> None:
        """The reason code that a client would see."""
        self.assertEqual(self.choose().reason, "no_members")
        down = {"a": "down"}
        self.assertEqual(self.choose(member("a"), health=down).reason, "all_members_down")
        self.assertEqual(self.choose(member("a"), enabled=False).reason, "pool_disabled")
        self.assertEqual(self.choose(member("a"), health=down, panics=True).reason, "")

    def test_keyed(self) -> None:
        """The same member as the balancer that serves chooses, whoever is down."""
        some = [member(name) for name in "abcdef"]
        for number in range(40):
            client = f"192.0.2.{number}"
            found = self.choose(
                *some, client=client, health={"b": "down"}, algorithm=Algorithm.SOURCE_IP
            )
            served: Maglev[Member] = Maglev(5)
            served.arrange([(one.id, one.weight, one) for one in some])
            served.update([(one.id, one.weight, one) for one in some if one.id != "b"])
            self.assertEqual(found.chosen, served.pick_for(client.encode()))

    def test_hashed(self) -> None:
        """By what the pool names; without it by nothing."""
        some = [member(name) for name in "abc"]
        for kind, name, keyed in (
            ("header", "X-User", True),
            ("header", "X-None", False),
            ("query", "u", True),
            ("path", "", True),
            ("cookie", "u", False),
        ):
            found = self.choose(
                *some, target=b"/a?u=1", algorithm=Algorithm.HASH, hash_on=HashOn(kind, name)
            )
            self.assertEqual(found.chosen is not None, keyed, kind)

    def test_by_turns(self) -> None:
        """Nobody in particular; the first available one is always the same."""
        some = [member("a"), member("b")]
        self.assertIsNone(self.choose(*some).chosen)
        found = self.choose(*some, algorithm=Algorithm.FIRST_AVAILABLE)
        self.assertEqual(found.chosen, some[0])
