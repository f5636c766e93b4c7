"""Tests of L{fiberlb.names.service}: when names are asked for, by a clock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.files import Hosts
from fiberlb.names.found import Family, Found, NoAnswer
from fiberlb.names.kept import Kept
from fiberlb.names.service import AT_ONCE, LOOK, NameService
from tests.health.scripted import LogLines

SETTINGS = ResolverSettings(minimum_ttl=5.0, maximum_ttl=300.0)


class Scripted:
    """
    Servers that answer as the test says.

    @ivar zone: name -> IPv4 addresses, a reason why there is no answer, or C{...}: none comes.
    @ivar later: what is answered to a question that had to wait.
    @ivar asked: the time and name of each question for IPv4.
    @ivar running: questions of which none has been answered.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.zone: dict[str, Any] = {}
        self.later: Any = ["10.0.0.3"]
        self.ttl = 60.0
        self.asked: list[tuple[float, str]] = []
        self.settings: list[ResolverSettings] = []
        self.running: list[Deferred[Any]] = []

    async def ask(self, settings: ResolverSettings, name: str, family: Family) -> Found:
        """One question."""
        if family is Family.IPV4:
            self.asked.append((self.clock.seconds(), name))
            self.settings.append(settings)
        said = self.zone.get(name, "the server failed")
        if said is ...:
            waiting: Deferred[Any] = Deferred()
            self.running.append(waiting)
            try:
                await waiting
            finally:
                self.running.remove(waiting)
            said = self.later
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            raise NoAnswer(said)
        if family is Family.IPV6 or not said:
            return Found(())
        return Found(tuple(said), self.ttl)


class ServiceTests(SynchronousTestCase):
    """Names that are wanted."""

    def setUp(self) -> None:
        """A service that nothing is wanted of."""
        self.clock = Clock()
        self.servers = Scripted(self.clock)
        self.hosts = Path(self.mktemp())
        self.hosts.write_text("")
        self.kept = self.mktemp()
        self.logged = LogLines()
        self.changes = 0
        self.names = self.make()
        self.names.changed = self.change
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.names.stop)

    def make(self) -> NameService:
        """A service of this clock and these files."""
        return NameService(
            self.clock,
            lambda: 5000.0 + self.clock.seconds(),
            SETTINGS,
            self.servers,
            Hosts(str(self.hosts)),
            Kept(self.kept),
            self.logged.log,
        )

    def change(self) -> None:
        """Count it."""
        self.changes += 1

    def write(self, text: str) -> None:
        """Another hosts file."""
        fresh = Path(self.mktemp())
        fresh.write_text(text)
        os.replace(fresh, self.hosts)

    def pass_by(self, seconds: float) -> list[float]:
        """Let time pass in steps of a second; when was asked meanwhile."""
        before = len(self.servers.asked)
        self.clock.pump([1.0] * int(seconds))
        return [when for when, _ in self.servers.asked[before:]]

    def test_times(self) -> None:
        """Asked again when its time is over, within the bounds."""
        self.servers.zone["a"] = ["10.0.0.1"]
        self.servers.ttl = 20.0
        self.names.want({"a"})
        self.assertEqual(self.pass_by(45), [20.0, 40.0])
        self.servers.ttl = 1.0
        self.assertEqual(self.pass_by(31), [60.0, 65.0, 70.0, 75.0])
        self.servers.ttl = 86400.0
        self.assertEqual(self.pass_by(700), [80.0, 380.0, 680.0])
        self.assertEqual(self.changes, 1)

    def test_failure(self) -> None:
        """Tried again after the shortest time; the last good answer stays; told once."""
        self.servers.zone["a"] = ["10.0.0.1"]
        self.names.want({"a"})
        for reason in ("the server failed", "no answer in time"):
            self.servers.zone["a"] = reason
            self.pass_by(70)
            self.assertEqual(self.names.answers()["a"], ("10.0.0.1",))
            (problem,) = self.names.problems()
            self.assertEqual(
                problem, f"name a is not resolved (the last good answer is kept): {reason}"
            )
        told = [line for line in self.logged.lines if "is not resolved" in line]
        self.assertEqual(len(told), 2)
        times = [when for when, _ in self.servers.asked]
        self.assertEqual(times[1:4], [60.0, 65.0, 70.0])
        self.servers.zone["a"] = []
        self.pass_by(6)
        self.assertIn("has no address", next(self.names.problems()))
        self.servers.zone["a"] = ["10.0.0.2"]
        self.pass_by(6)
        self.assertEqual(list(self.names.problems()), [])
        self.assertEqual((self.names.answers()["a"], self.changes), (("10.0.0.2",), 2))

    def test_answers(self) -> None:
        """One address by the name, all by dns:, whatever order they come in."""
        self.servers.zone["a"] = ["10.0.0.3", "10.0.0.1"]
        self.servers.ttl = 5.0
        self.names.want({"a", "b"})
        every = ("10.0.0.1", "10.0.0.3")
        self.assertEqual(
            self.names.answers(),
            {"a": ("10.0.0.1",), "dns:a": every, "b": (), "dns:b": ()},
        )
        self.servers.zone["a"] = ["10.0.0.1", "10.0.0.3"]
        self.pass_by(10)
        self.assertEqual(self.changes, 1)
        self.servers.zone["a"] = ["10.0.0.0", "10.0.0.1"]
        self.pass_by(5)
        self.assertEqual(self.changes, 2)
        self.assertEqual(self.names.answers()["a"], ("10.0.0.1",))

    def test_first(self) -> None:
        """Fires when all were asked for once, whatever came of it; or when time is over."""
        self.servers.zone.update({"a": ["10.0.0.1"], "c": ...})
        self.names.want({"a", "b"})
        self.successResultOf(self.names.first({"a", "b"}, 1.0))
        self.successResultOf(self.names.first((), 1.0))
        self.names.want({"c"})
        waiting, early = self.names.first({"a", "c"}, 10.0), self.names.first({"c"}, 1.0)
        self.clock.advance(2.0)
        self.successResultOf(early)
        self.assertNoResult(waiting)
        for question in list(self.servers.running):
            question.callback(None)
        self.successResultOf(waiting)

    def test_keep(self) -> None:
        """What is not needed any more is not asked for any more, nor waited for."""
        self.servers.zone.update({"a": ["10.0.0.1"], "b": ...})
        self.names.want({"a", "b"})
        waiting = self.names.first({"b"}, 50.0)
        self.names.keep({"a"})
        self.successResultOf(waiting)
        self.assertEqual(self.servers.running, [])
        self.assertEqual(set(self.names.states()), {"a"})
        self.assertEqual(self.names.state("b").addresses, ())
        self.assertEqual(self.pass_by(61), [60.0])

    def test_hosts(self) -> None:
        """The hosts file goes first, and is looked at while it goes."""
        self.servers.zone["a"] = ["10.0.0.1"]
        self.write("192.0.2.1 a\n2001:db8::1 a\n")
        self.names.want({"a"})
        self.assertEqual(self.servers.asked, [])
        state = self.names.state("a")
        self.assertEqual(state.addresses, ("192.0.2.1", "2001:db8::1"))
        self.assertEqual((state.ttl, state.answered, state.error), (None, 5000.0, ""))
        self.write("192.0.2.2 a\n")
        self.clock.advance(LOOK)
        self.assertEqual(self.names.answers()["a"], ("192.0.2.2",))
        self.write("192.0.2.2 b\n")
        self.clock.advance(LOOK)
        self.assertEqual(self.names.answers()["a"], ("10.0.0.1",))
        self.write("192.0.2.3 a\n")
        self.clock.advance(LOOK)
        self.assertEqual(self.names.answers()["a"], ("192.0.2.3",))
        self.assertEqual((self.changes, self.pass_by(200)), (4, []))

    def test_settings(self) -> None:
        """Other servers are asked at once; the same ones when it is time."""
        self.servers.zone["a"] = ["10.0.0.1"]
        self.names.want({"a"})
        self.names.configure(ResolverSettings(minimum_ttl=5.0, maximum_ttl=300.0))
        self.assertEqual(len(self.servers.asked), 1)
        other = ResolverSettings(servers=("10.0.0.53:53",))
        self.names.configure(other)
        self.assertEqual((len(self.servers.asked), self.servers.settings[-1]), (2, other))
        self.assertEqual(self.pass_by(61), [60.0])

    def test_bound(self) -> None:
        """Many names are not asked for all at once, and each gets its turn."""
        several = {f"n{number}" for number in range(3 * AT_ONCE)}
        self.servers.zone.update(dict.fromkeys(several, ...))
        self.names.want(several)
        self.servers.later = ["10.0.0.1"]
        most = 0
        while self.servers.running:
            most = max(most, len(self.servers.running))
            for question in list(self.servers.running):
                question.callback(None)
        self.assertEqual(most, 2 * AT_ONCE)
        self.assertTrue(all(self.names.state(name).addresses for name in several))

    def test_defect(self) -> None:
        """An error nobody foresaw is logged, and the name is tried again."""
        self.servers.zone["a"] = ValueError("defect")
        self.names.want({"a"})
        self.successResultOf(self.names.first({"a"}, 1.0))
        self.assertTrue(any("could not be asked for" in line for line in self.logged.lines))
        self.servers.zone["a"] = ["10.0.0.1"]
        self.pass_by(5)
        self.assertEqual(self.names.answers()["a"], ("10.0.0.1",))
        self.flushLoggedErrors(ValueError)

    def test_kept(self) -> None:
        """The next process goes on with the last good answers where nobody answers."""
        self.servers.zone.update({"a": ["10.0.0.1"], "b": ["10.0.0.2"]})
        self.names.want({"a", "b"})
        self.names.keep({"a"})
        self.names.stop()
        self.servers.zone.clear()
        later = self.make()
        self.addCleanup(later.stop)
        later.want({"a", "b"})
        self.assertEqual((later.answers()["a"], later.answers()["b"]), (("10.0.0.1",), ()))
        told = sorted(later.problems())
        self.assertIn("the last good answer is kept", told[0])
        self.assertIn("no address is known yet", told[1])
        self.successResultOf(later.first({"a", "b"}, 1.0))

    def test_stop(self) -> None:
        """Questions that run are given up; what is known stays."""
        self.servers.zone.update({"a": ["10.0.0.1"], "b": ...})
        self.names.want({"a", "b"})
        self.names.stop()
        self.assertEqual((self.servers.running, self.clock.getDelayedCalls()), ([], []))
        self.assertEqual(self.names.answers()["a"], ("10.0.0.1",))
