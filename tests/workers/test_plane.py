"""Tests of L{fiberlb.workers.plane}: what needs no processes; the rest is tested live."""

from __future__ import annotations

import os

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Member, Pool
from fiberlb.model.settings import Settings
from fiberlb.relay.accept import bind
from fiberlb.relay.binding import Binding
from fiberlb.snapshot import PoolPlan, Snapshot
from fiberlb.tls.contexts import ROTATION
from fiberlb.workers.bases import NONE
from fiberlb.workers.crew import Crew
from fiberlb.workers.nursery import Nursery
from fiberlb.workers.pages import Page, make_page
from fiberlb.workers.plane import WorkersPlane
from fiberlb.workers.revisions import Decoder, content
from fiberlb.workers.seen import Stage
from tests.support.ports import free_port
from tests.workers.crews import ORDER, StageWorker
from tests.workers.test_slots import listening

_MEMBER = Member(id="m", name="m", pool_id="p", address="192.0.2.1", port=80)


def pooled(made: Snapshot) -> Snapshot:
    """The same with a pool of one member."""
    plan = PoolPlan(Pool(id="p", name="p"), (_MEMBER,), None)
    return attrs.evolve(made, pools={"p": plan})


class PlaneTests(SynchronousTestCase):
    """A plane before workers that are no processes."""

    def setUp(self) -> None:
        """Two workers."""
        self.reactor = MemoryReactorClock()
        self.plane = plane = WorkersPlane(
            self.reactor, 2, Settings(), Binding(tcp=bind), lambda: 1000.0, {}
        )
        plane.crew = Crew(
            self.reactor, plane._slots, ORDER, 2, plane._ended, lambda: Nursery(self.reactor, {})
        )
        self.addCleanup(plane._slots.close_all)
        self.workers = [StageWorker(0), StageWorker(1)]
        plane.crew._seen.extend(self.workers)
        for worker in self.workers:
            worker.page = Page(make_page())
            self.addCleanup(worker.page.close)
        self.port = free_port()

    def serve(self, made: Snapshot) -> None:
        """Prepare and activate."""
        ready = self.successResultOf(Deferred.fromCoroutine(self.plane.prepare(made)))
        done = Deferred.fromCoroutine(ready.activate())
        self.reactor.pump([0.01] * 3)
        self.successResultOf(done)

    def test_serve(self) -> None:
        """Every worker gets the revision, its serial greater than any before."""
        self.assertEqual(self.plane.workers(), (2, 0))
        self.serve(listening(a=self.port))
        self.assertEqual(self.plane.workers(), (2, 2))
        self.assertEqual(self.workers[0].told("Apply"), [{"serial": 1001, "number": 0}])
        states = [(s.listener_id, s.port, s.state) for s in self.plane.listeners()]
        self.assertEqual(states, [("a", self.port, "listening")])
        data = content(os.dup(self.plane.crew.handing.current.revision))
        found = list(Decoder().decode(data))[-1]
        assert found is not None
        self.assertEqual(found.serial, 1001)
        self.assertEqual(sorted(found.configuration.objects["listeners"]), ["a"])

    def test_late_worker(self) -> None:
        """One that does not serve yet is not counted."""
        self.workers[1].stage = Stage.STARTING
        self.serve(listening(a=self.port))
        self.assertEqual(self.plane.workers(), (2, 1))

    def test_discarded(self) -> None:
        """What was prepared only leaves nothing."""
        work = self.plane.prepare(listening(a=self.port))
        ready = self.successResultOf(Deferred.fromCoroutine(work))
        self.successResultOf(Deferred.fromCoroutine(ready.discard()))
        bind("x", "127.0.0.1", self.port, False, True).close()

    def test_health(self) -> None:
        """A change is told once; the state goes along with every revision."""
        self.serve(pooled(listening(a=self.port)))
        for _ in range(2):
            self.plane.set_member_usable("m", False)
        said = {"number": 1, "member": "m", "usable": False}
        self.assertEqual(self.workers[0].told("Usable"), [said])
        fd, number = self.plane._told()
        self.assertEqual((content(fd), number), (b"m", 1))
        self.serve(listening(a=self.port))
        self.assertEqual(content(self.plane._told()[0]), b"")

    def test_figures(self) -> None:
        """Figures add up; totals of a worker that has ended stay."""
        self.serve(pooled(listening(a=self.port)))
        place = self.plane._counting.places.held["m"]
        for worker in self.workers:
            assert worker.page is not None
            worker.page.write(place, (1, 2, 3, 4))
        expected = {"sessions": 2, "in_flight": 4, "requests": 6, "failures": 8}
        self.assertEqual(self.plane.member_figures("m"), expected)
        self.plane._ended(self.workers[0])
        self.workers[0].stage = Stage.GONE
        expected = {"sessions": 1, "in_flight": 2, "requests": 6, "failures": 8}
        self.assertEqual(self.plane.member_figures("m"), expected)
        self.assertEqual(self.plane.member_figures("x")["requests"], 0)

    def test_closing(self) -> None:
        """A removed listener is told of for as long as a worker has its connections."""
        self.serve(listening(a=self.port))
        page = self.workers[0].page
        assert page is not None
        page.write(0, (0, 1, 0, 0))
        self.serve(listening())
        self.assertEqual([s.state for s in self.plane.listeners()], ["closing"])
        page.write(0, (0, 0, 0, 0))
        self.assertEqual(self.plane.listeners(), [])

    def test_rotated(self) -> None:
        """Once a day there is another template, then other workers; a fault does not end that."""
        renewed: list[Deferred[None]] = []

        async def renew() -> None:
            renewed.append(Deferred())
            await renewed[-1]

        self.serve(listening(a=self.port))
        self.plane.crew.renew = renew  # type: ignore[method-assign, assignment]
        self.plane._rotation.start(ROTATION, now=False)
        self.reactor.advance(ROTATION - 1)
        self.assertEqual(len(renewed), 0)
        self.reactor.advance(1)
        self.plane._bases._given["a"] = ((), NONE)
        renewed[0].callback(None)
        self.reactor.pump([0.01] * 3)
        # One listener had no context that all have; it has one now, and the workers know.
        self.assertEqual(len(self.workers[0].told("Apply")), 2)
        self.reactor.advance(ROTATION)
        renewed[1].errback(RuntimeError("no worker comes up"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.reactor.advance(ROTATION)
        self.assertEqual(len(renewed), 3)
        self.plane._rotation.stop()

    def test_never_begun(self) -> None:
        """The end of a plane that was never begun."""
        self.successResultOf(self.plane.stop(5.0))
        self.plane.hasten(0.0)
