"""Tests of L{fiberlb.relay.outlier_count}, and of who is counted while traffic flows."""

from __future__ import annotations

import errno
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.passive_health import PassiveHealth
from fiberlb.model.pool import Retries
from fiberlb.relay.outlier_count import Tally
from tests.support.relay_world import RelayTestCase, World, answer, ask, head

ALONE = Retries(attempts=0)
REFUSED = errno.ECONNREFUSED


def failures(tally: Tally, count: int, now: float = 100.0) -> list[str]:
    """What is told after so many failures."""
    return [tally.failed("member_reset", now) for _ in range(count)]


class RowTests(SynchronousTestCase):
    """Failures in a row."""

    def test_threshold(self) -> None:
        """It is told once, and again after as many more."""
        tally = Tally(PassiveHealth(consecutive_failures=3))
        told = "3 failures in a row, the last one member_reset"
        self.assertEqual(failures(tally, 6), ["", "", told, "", "", told])

    def test_success(self) -> None:
        """An answer in between, and all begins anew."""
        tally = Tally(PassiveHealth(consecutive_failures=3))
        failures(tally, 2)
        tally.good(100.0)
        self.assertEqual(failures(tally, 2), ["", ""])

    def test_statuses(self) -> None:
        """Those that are listed are failures, and only then every answer is looked at."""
        tally = Tally(PassiveHealth(statuses=((500, 500), (502, 504))))
        found = [s for s in (200, 404, 500, 501, 502, 503, 504, 505) if tally.counts(s)]
        self.assertEqual(found, [500, 502, 503, 504])
        self.assertTrue(tally.always)
        self.assertFalse(Tally(PassiveHealth()).always)


class ShareTests(SynchronousTestCase):
    """The share of failures within ten seconds."""

    def tally(self) -> Tally:
        """One that minds the share alone."""
        policy = PassiveHealth(consecutive_failures=10000, failure_percent=50, minimum_requests=10)
        return Tally(policy)

    def test_share(self) -> None:
        """Half of them, of as many as it takes."""
        tally = self.tally()
        for _ in range(5):
            tally.good(100.0)
        told = failures(tally, 5, 101.0)
        self.assertEqual(told[:4], [""] * 4)
        self.assertEqual(told[4], "5 of 10 requests failed within 10s, the last one member_reset")

    def test_few(self) -> None:
        """Fewer say nothing."""
        self.assertEqual(failures(self.tally(), 9), [""] * 9)

    def test_past(self) -> None:
        """What was before does not count, not even after a long silence."""
        for later in (110.0, 125.0, 5000.0):
            tally = self.tally()
            failures(tally, 9, 100.0)
            self.assertEqual(failures(tally, 9, later), [""] * 9)
        tally = self.tally()
        failures(tally, 9, 100.5)
        self.assertNotEqual(failures(tally, 1, 109.5), [""])


class WorldTests(RelayTestCase):
    """Members that fail, in the data plane."""

    def failing(self, members: int = 1, **policy: Any) -> World:
        """A world whose members are judged, and without second attempts."""
        pool = {"passive_health": PassiveHealth(**policy), "retries": ALONE}
        return self.world(members, pool=pool, listener={"timeouts": {"member_response": 5.0}})

    def served(self, world: World, data: bytes) -> None:
        """A request that the member answers so, on a connection of its own."""
        client = world.client(ask())
        world.members[0].link.send(data)
        client.close()
        world.loop.run()

    def causes(self, world: World) -> list[str]:
        """What was told."""
        return [cause for _, cause, _ in world.suspects]

    def test_refused(self) -> None:
        """Nobody listens there."""
        world = self.failing()
        world.members[0].does = REFUSED
        for _ in range(4):
            world.client(ask())
        self.assertEqual(world.suspects, [])
        world.client(ask())
        told = "5 failures in a row, the last one connect_refused"
        self.assertEqual(world.suspects, [("m0", "connect_refused", told)])

    def test_kinds(self) -> None:
        """Silence, a close, a reset, and what is no answer."""
        for cause in ("member_timeout", "member_closed", "member_bad_response"):
            world = self.failing(consecutive_failures=1)
            client = world.client(ask())
            link = world.members[0].link
            if cause == "member_timeout":
                world.advance(6)
            elif cause == "member_closed":
                link.close()
            else:
                link.send(b"220 mail.example ESMTP\r\n\r\n")
            self.assertEqual(self.causes(world), [cause])
            client.close()

    def test_connect_timeout(self) -> None:
        """Neither accepted nor refused."""
        world = self.failing(consecutive_failures=1)
        world.members[0].does = "hang"
        client = world.client(ask())
        world.advance(6)
        self.assertEqual(self.causes(world), ["connect_timeout"])
        client.close()

    def test_not_the_member(self) -> None:
        """What is wanting here is not its failure; nor is a client that goes away."""
        world = self.failing(consecutive_failures=1)
        world.members[0].does = -errno.EMFILE
        world.client(ask())
        world.members[0].does = "accept"
        world.client(ask()).close()
        world.loop.run()
        self.assertEqual(world.suspects, [])

    def test_stale(self) -> None:
        """A connection that had waited may have been closed for that."""
        world = self.failing(consecutive_failures=1)
        self.served(world, answer())
        client = world.client(ask(method=b"POST"))
        world.members[0].link.close()
        self.assertEqual(world.suspects, [])
        client.close()

    def test_answer(self) -> None:
        """An answer clears it, whatever the status; afterwards nothing is looked at."""
        world = self.failing(consecutive_failures=2)
        state = world.plane._table.members["m0"][0]
        for _ in range(3):
            world.members[0].does = REFUSED
            world.client(ask())
            self.assertIsNotNone(state.suspect)
            world.members[0].does = "accept"
            self.served(world, answer(b"", b"Connection: close", status=b"500 Oh"))
            self.assertIsNone(state.suspect)
        self.assertEqual(world.suspects, [])

    def test_status(self) -> None:
        """Listed statuses count as failures."""
        world = self.failing(consecutive_failures=2, statuses=((500, 599),))
        self.served(world, answer(status=b"500 Oh"))
        self.served(world, answer(status=b"404 No"))
        self.served(world, answer(status=b"500 Oh"))
        self.assertEqual(world.suspects, [])
        self.served(world, head(b"Content-Length: 0", status=b"503 Oh"))
        self.assertEqual(self.causes(world), ["status 503"])

    def test_off(self) -> None:
        """Null is off, and may come while it fails."""
        world = self.failing(consecutive_failures=1)
        world.apply(*world.objects(pool={"passive_health": None, "retries": ALONE}))
        world.members[0].does = REFUSED
        world.client(ask())
        self.assertEqual(world.suspects, [])

    def test_survives_changes(self) -> None:
        """A change of something else keeps the count; another address does not."""
        world = self.failing(consecutive_failures=2)
        pool = {"passive_health": PassiveHealth(consecutive_failures=2), "retries": ALONE}
        world.members[0].does = REFUSED
        world.client(ask())
        world.apply(*world.objects(pool={**pool, "name": "other"}))
        world.client(ask())
        self.assertEqual(len(world.suspects), 1)
        world.client(ask())
        changed = world.objects(pool=pool, member={"address": "192.0.2.99"})
        world.apply(*changed)
        world.client(ask())
        self.assertEqual(len(world.suspects), 1)

    def test_from_before(self) -> None:
        """Requests from before it came up say nothing."""
        world = self.failing(2, consecutive_failures=1)
        client = world.client(ask())
        world.advance(1)
        world.plane.set_member_usable("m0", False)
        world.advance(1)
        world.plane.set_member_usable("m0", True)
        world.advance(4)
        self.assertEqual(world.reasons, ["member_timeout"])
        self.assertEqual(world.suspects, [])
        client.close()

    def test_tcp(self) -> None:
        """TCP: whether it can be connected to."""
        policy = PassiveHealth(consecutive_failures=2)
        world = self.world(tcp=True, pool={"passive_health": policy, "retries": ALONE})
        for does in (REFUSED, "accept", REFUSED):
            world.members[0].does = does
            world.client().close()
            world.loop.run()
        self.assertEqual(world.suspects, [])
        world.members[0].does = REFUSED
        world.client()
        self.assertEqual(self.causes(world), ["connect_refused"])
