"""What a process does when it is too slow."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.overload import Overload
from fiberlb.relay.shedding import ENDING, MOST, Shedding
from fiberlb.relay.states import Load
from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, answer, ask


class SheddingTests(SynchronousTestCase):
    """The decision."""

    def setUp(self) -> None:
        """From 0.5 s, and from 1 s."""
        self.shedding = Shedding()
        self.now = 0.0

    def judge(self, lag: float, times: int = 1) -> bool:
        """Look so often; whether the last look has changed anything."""
        for _ in range(times):
            self.now += 0.25
            changed = self.shedding.judge(lag, self.now)
        return changed

    def test_quick(self) -> None:
        """Nothing is done while nobody waits for long."""
        self.assertFalse(self.judge(0.5, 10))
        self.assertEqual(self.shedding.load(), Load(0, 0, 0, 0.5))

    def test_steps(self) -> None:
        """The milder means first, the harder one a look later; the share grows up to a bound."""
        self.assertTrue(self.judge(3.0))
        self.assertEqual(self.shedding.load(), Load(1, 0, 1, 3.0))
        self.assertTrue(self.judge(3.0))
        self.assertEqual(self.shedding.load(), Load(1, 1, 2, 3.0))
        shares = [self.shedding.share]
        for _ in range(40):
            self.assertFalse(self.judge(3.0))
            shares.append(self.shedding.share)
        self.assertEqual(shares, sorted(shares))
        self.assertEqual(shares[-1], MOST)

    def test_back(self) -> None:
        """Between the threshold and half of it all stays; below it goes, the harder means first."""
        self.judge(3.0, 4)
        share = self.shedding.share
        self.assertFalse(self.judge(0.6, 10))
        self.assertEqual(self.shedding.share, share)
        self.assertFalse(self.judge(0.4))
        self.assertLess(self.shedding.share, share)
        self.judge(0.4, 20)
        self.assertEqual((self.shedding.closes, self.shedding.refuses), (True, False))
        self.assertTrue(self.judge(0.2))
        self.assertEqual((self.shedding.closes, self.shedding.refuses), (False, False))

    def test_off(self) -> None:
        """Each means can be turned off."""
        self.shedding.settings = Overload(refuse=None)
        self.judge(9.0, 9)
        self.assertEqual((self.shedding.closes, self.shedding.refuses), (True, False))
        self.shedding.settings = Overload(stop_keep_alive=None)
        self.judge(9.0)
        self.assertEqual((self.shedding.closes, self.shedding.refuses), (False, True))

    def test_shares(self) -> None:
        """As many are turned away as the share says, evenly."""
        self.shedding.share = 0.25
        told = [self.shedding.turns_away() for _ in range(100)]
        self.assertEqual((told.count(True), told[:4].count(True)), (25, 1))
        self.assertEqual([self.shedding.ends() for _ in range(ENDING * 2)].count(True), 2)


class Scripted:
    """A lag that the test says."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.stopped = False

    def look(self, now: float, acceptors: object) -> float:
        """So long."""
        return self.seconds

    def stop(self) -> None:
        """It is not asked any more."""
        self.stopped = True


class OverloadedTests(RelayTestCase):
    """A whole plane."""

    def slow(self, seconds: float, **given: Any) -> World:
        """A world that has been too slow for a while."""
        self.lag = Scripted()
        world = self.world(lag=self.lag, **given)
        self.addCleanup(setattr, self.lag, "seconds", 0.0)
        self.lag.seconds = seconds
        world.advance(5)
        return world

    def exchange(self, world: World, client: Link) -> bytes:
        """A request and what comes back."""
        before = len(client.received)
        client.send(ask())
        for member in world.members:
            if member.open and member.link.news():
                member.link.send(answer())
        return bytes(client.received[before:])

    def recover(self, world: World) -> None:
        """It is quick again."""
        self.lag.seconds = 0.0
        world.advance(10)

    def test_ends_connections(self) -> None:
        """Some answers end their connections; nobody is refused."""
        world = self.slow(0.6)
        client, ended = world.client(), 0
        for _ in range(2 * ENDING):
            self.assertIn(b" 200 OK", self.exchange(world, client))
            if client.ended:
                ended += 1
                client.close()
                client = world.client()
        self.assertEqual(ended, 2)
        self.recover(world)
        for _ in range(2 * ENDING):
            self.exchange(world, client)
        self.assertFalse(client.ended)

    def test_refuses(self) -> None:
        """Most requests are turned away with a reason, and when to come again; then none is."""
        world = self.slow(2.0)
        answers = [self.exchange(world, world.client()) for _ in range(20)]
        # A change meanwhile alters nothing.
        world.apply(*world.objects())
        answers += [self.exchange(world, world.client()) for _ in range(20)]
        turned = [found for found in answers if b" 503 " in found]
        self.assertGreater(len(turned), 34)
        self.assertEqual(len(turned) + sum(b" 200 " in found for found in answers), 40)
        self.assertIn(b"\r\nFiberLB-Reason-Code: overloaded\r\n", turned[0])
        self.assertIn(b"\r\nRetry-After: 1\r\n", turned[0])
        self.assertEqual(world.plane.load(), Load(1, 1, 2, 2.0))
        self.recover(world)
        self.assertIn(b" 200 OK", self.exchange(world, world.client()))
        self.assertEqual(world.plane.load(), Load(0, 0, 2, 0.0))

    def test_connections(self) -> None:
        """Connections that are only passed on are closed unread."""
        world = self.slow(2.0, tcp=True)
        clients = [world.client() for _ in range(10)]
        turned = [c for c in clients if c.ended]
        self.assertGreater(len(turned), 7)
        self.assertEqual(world.plane.reasons(), {"overloaded": len(turned)})
        self.recover(world)
        self.assertFalse(world.client().ended)

    def test_stopping(self) -> None:
        """A process that ends does not look any more."""
        world = self.slow(0.0)
        world.wait(world.plane.stop(0))
        self.assertTrue(self.lag.stopped)
