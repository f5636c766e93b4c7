"""Tests of L{fiberlb.health.standing}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.standing import PoolStanding
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.passive_health import PassiveHealth
from tests.health.scripted import member, plan


def standing(count: int, monitor: HealthMonitor | None = None, **pool: Any) -> PoolStanding:
    """A pool with members a, b, ... and one of weight 0."""
    members = [member(name) for name in "abcdefghij"[:count]]
    return PoolStanding(plan(*members, member("none", weight=0), monitor=monitor, **pool), False)


class StandingTests(SynchronousTestCase):
    """Who may serve, and who may be taken out."""

    def test_usable(self) -> None:
        """Members without weight are neither here nor there."""
        one = standing(3)
        one.mark("a", False)
        one.mark("none", False)
        self.assertEqual((one.usable, one.total), (2, 3))
        one.mark("a", True)
        self.assertEqual(one.usable, 3)

    def spared(self, one: PoolStanding) -> list[str]:
        """Who is ejected when all of them fail, one after the other."""
        ejected: list[str] = []
        for name in "abcdefghij":
            if one.spares(name, ejected):
                ejected.append(name)
                one.mark(name, False)
        return ejected

    def test_most(self) -> None:
        """A share of the members, one of several at least, and never the last."""
        for count, percent, most in (
            (1, 100, 0),
            (2, 10, 1),
            (2, 100, 1),
            (3, 50, 1),
            (4, 50, 2),
            (10, 50, 5),
            (10, 100, 9),
        ):
            one = standing(count, passive_health=PassiveHealth(max_ejected_percent=percent))
            self.assertEqual(len(self.spared(one)), most, (count, percent))

    def test_last(self) -> None:
        """The last one that serves stays, whatever has become of the others."""
        one = standing(3)
        one.mark("a", False)
        one.mark("b", False)
        self.assertFalse(one.spares("c", ()))

    def test_off(self) -> None:
        """Nobody, without passive health; nor one that is out already, or has no weight."""
        self.assertFalse(standing(3, passive_health=None).spares("a", ()))
        one = standing(3)
        one.mark("a", False)
        self.assertFalse(one.spares("a", ()))
        self.assertFalse(one.spares("none", ()))

    def test_short(self) -> None:
        """Fewer than the threshold; none does not count without one."""
        one = standing(4, panic_threshold_percent=50)
        none = standing(4)
        found = []
        for name in "abcd":
            one.mark(name, False)
            none.mark(name, False)
            found.append(one.short)
        self.assertEqual(found, [False, False, True, True])
        self.assertFalse(none.short)

    def test_would_see(self) -> None:
        """A check that passes is a proof against what it would have met."""
        http, tcp, tls, ping = (
            standing(2, HealthMonitor(type=kind))
            for kind in (
                MonitorType.HTTP,
                MonitorType.TCP,
                MonitorType.TLS_HELLO,
                MonitorType.PING,
            )
        )
        pools = (http, tcp, tls, ping, standing(2))
        for cause, seen in (
            ("connect_refused", [True, True, True, False, False]),
            ("member_timeout", [True, False, False, False, False]),
            ("member_tls", [False, False, True, False, False]),
            ("status 500", [False] * 5),
        ):
            self.assertEqual([one.would_see(cause) for one in pools], seen, cause)
