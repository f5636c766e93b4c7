"""Algorithms in the data plane: keys of requests, what is measured, slow starts."""

from __future__ import annotations

from collections import Counter

from fiberlb.model.hash_on import HashOn
from fiberlb.model.pool import Algorithm
from tests.support.relay_world import PEER, RelayTestCase, World, answer, ask


def served(world: World, *lines: bytes, peer: str = PEER, after: float = 0.0) -> str:
    """The name of the member that a client's request goes to; it answers after so long."""
    client = world.client(ask(*lines), peer=peer)
    for member in world.members:
        for link in member.open:
            if link.news():
                world.advance(after)
                link.send(answer())
                client.close()
                return member.name
    return "-"


class KeyedTests(RelayTestCase):
    """The same member for the same key."""

    def test_addresses(self) -> None:
        """Each client has a member of its own, and all members have clients."""
        world = self.world(3, pool={"algorithm": Algorithm.SOURCE_IP})
        clients = [f"192.0.2.{n}" for n in range(30)]
        first = [served(world, peer=peer) for peer in clients]
        self.assertEqual([served(world, peer=peer) for peer in clients], first)
        self.assertEqual(set(first), {"m0", "m1", "m2"})

    def test_header(self) -> None:
        """A header's value decides, the same head or not; without it they take turns."""
        pool = {"algorithm": Algorithm.HASH, "hash_on": HashOn("header", "X-User")}
        world = self.world(3, pool=pool)
        for user in (b"X-User: a", b"x-user:   b", b"X-USER: c"):
            found = {served(world, user, b"X-N: %d" % n) for n in range(4)}
            self.assertEqual(len(found), 1)
        self.assertEqual(len({served(world) for _ in range(6)}), 3)

    def test_down(self) -> None:
        """Clients of a member that is down go to others and come back to it."""
        world = self.world(3, pool={"algorithm": Algorithm.MAGLEV})
        clients = [f"192.0.2.{n}" for n in range(30)]
        before = [served(world, peer=peer) for peer in clients]
        world.plane.set_member_usable("m1", False)
        during = [served(world, peer=peer) for peer in clients]
        self.assertNotIn("m1", during)
        pairs = zip(before, during, strict=True)
        self.assertTrue(all(a == b or a == "m1" for a, b in pairs))
        world.plane.set_member_usable("m1", True)
        self.assertEqual([served(world, peer=peer) for peer in clients], before)


class MeasuredTests(RelayTestCase):
    """What members' answers cost in time."""

    def test_peak_ewma(self) -> None:
        """A member that has been slow gets less, and is asked again once that is long ago."""
        world = self.world(2, pool={"algorithm": Algorithm.PEAK_EWMA})
        slow = served(world, after=3.0)
        found = Counter(served(world, after=0.01) for _ in range(20))
        self.assertEqual(found[slow], 0)
        world.advance(120.0)
        found = Counter(served(world, after=0.01) for _ in range(40))
        self.assertGreater(found[slow], 5)


class SlowStartTests(RelayTestCase):
    """Members that have come up get their share little by little."""

    def test_rises(self) -> None:
        """A tenth at first, all of it in the end; one that is there from the start has it all."""
        world = self.world(2, pool={"slow_start": 60.0})
        found = Counter(served(world) for _ in range(22))
        self.assertEqual(found, {"m0": 11, "m1": 11})
        world.plane.set_member_usable("m1", False)
        world.plane.set_member_usable("m1", True)
        found = Counter(served(world) for _ in range(22))
        self.assertEqual(found["m1"], 2)
        world.advance(30.0)
        found = Counter(served(world) for _ in range(30))
        self.assertTrue(9 <= found["m1"] <= 11, found)
        world.advance(31.0)
        found = Counter(served(world) for _ in range(30))
        self.assertEqual(found["m1"], 15)
