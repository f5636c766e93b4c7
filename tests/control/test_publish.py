"""From a configuration to what serves."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.aside import LARGE
from fiberlb.control.publish import Publisher, Ready
from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Pool
from fiberlb.snapshot import Snapshot
from tests.control.stage import Stage, StageHealth, StagePlane


class SlowClock(Clock):
    """
    A clock on which every look takes 3 ms.

    @ivar turns: how often something was put off.
    """

    turns = 0

    def callLater(self, delay: float, *args: Any, **kw: Any) -> Any:
        """Put it off, and count."""
        self.turns += 1
        return super().callLater(delay, *args, **kw)

    def seconds(self) -> float:
        """The time, which has passed."""
        self.rightNow += 0.003
        return self.rightNow


class BrokenHealth(StageHealth):
    """Health checks with a defect."""

    def apply(self, snapshot: Snapshot) -> None:
        """Fail."""
        raise RuntimeError("defect")


class PublisherTests(SynchronousTestCase):
    """One plane, one thing after the other."""

    def publisher(self, health: type[StageHealth] = StageHealth, slow: bool = False) -> Publisher:
        """A publisher over a plane on the stage."""
        stage = Stage(self, clock=SlowClock() if slow else Clock(), start=False)
        self.clock = stage.clock
        self.plane = StagePlane()
        return Publisher(self.plane, health(self.plane), stage.surroundings(lambda: ""))

    def pools(self, count: int, revision: int = 1) -> Configuration:
        """A configuration with so many pools."""
        made: dict[str, Any] = {str(n): Pool(id=str(n)) for n in range(count)}
        return Configuration(revision, {"pools": made}, {})

    def test_reactor_is_not_held(self) -> None:
        """Compiling lets others in between."""
        publisher = self.publisher(slow=True)
        clock = self.clock
        assert isinstance(clock, SlowClock)
        preparing = Deferred.fromCoroutine(publisher.prepare(self.pools(10), Limits()))
        self.assertNoResult(preparing)
        while not preparing.called:
            clock.advance(0)
        self.assertGreater(clock.turns, 3)
        self.assertEqual(len(self.successResultOf(preparing).snapshot.pools), 10)

    def test_foreseen(self) -> None:
        """A large one is told to the plane before it is compiled, and that it will not come."""
        publisher = self.publisher()
        large = self.pools(LARGE, 2)

        def prepared(**named: Any) -> Ready:
            return self.successResultOf(
                Deferred.fromCoroutine(publisher.prepare(large, Limits(), **named))
            )

        self.successResultOf(Deferred.fromCoroutine(publisher.discard(prepared())))
        self.assertEqual(self.plane.events, ["foresee 2", "prepare 2", "foresee None", "discard 2"])
        self.plane.events.clear()
        self.plane.refuses = [Problem(("pools", "0"), "no")]
        preparing = Deferred.fromCoroutine(publisher.prepare(large, Limits()))
        self.failureResultOf(preparing, ConfigurationError)
        self.assertEqual(self.plane.events, ["foresee 2", "prepare 2", "foresee None"])
        self.plane.events.clear()
        self.plane.refuses = []
        prepared(foreseen=False)
        self.successResultOf(Deferred.fromCoroutine(publisher.activate(prepared())))
        expected = ["prepare 2", "foresee 2", "prepare 2", "activate 2", "health 2"]
        self.assertEqual(self.plane.events, expected)

    def test_defects_are_logged(self) -> None:
        """What goes wrong after the swap does not stop it."""
        publisher = self.publisher(BrokenHealth)
        ready = self.successResultOf(
            Deferred.fromCoroutine(publisher.prepare(self.pools(1), Limits()))
        )
        self.plane.activation = Deferred()
        activating = Deferred.fromCoroutine(publisher.activate(ready))
        self.plane.activation.errback(RuntimeError("defect"))
        self.successResultOf(activating)
        self.assertIs(publisher.snapshot, ready.snapshot)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_served(self) -> None:
        """Routes are ready for traffic where this process has it, and not where workers do."""
        objects: dict[str, Any] = {
            "load_balancers": {"lb": LoadBalancer(id="lb", vip_address="192.0.2.1")},
            "listeners": {
                "web": Listener(
                    id="web", loadbalancer_id="lb", port=80, protocol=ListenerProtocol.HTTP
                )
            },
        }
        for crew, wanted in (((0, 0), True), ((2, 0), False)):
            publisher = self.publisher()
            self.plane.crew = crew
            made = publisher.prepare(Configuration(1, objects, {}), Limits())
            ready = self.successResultOf(Deferred.fromCoroutine(made))
            self.assertIs(ready.snapshot.listeners["web"].routes.served, wanted)

    def test_plans_are_used_again(self) -> None:
        """What did not change keeps its plan."""
        publisher = self.publisher()
        for revision in (1, 2):
            preparing = publisher.prepare(self.pools(1, revision), Limits())
            ready = self.successResultOf(Deferred.fromCoroutine(preparing))
            if publisher.snapshot is not None:
                self.assertIs(ready.snapshot.pools["0"], publisher.snapshot.pools["0"])
            self.successResultOf(Deferred.fromCoroutine(publisher.activate(ready)))
