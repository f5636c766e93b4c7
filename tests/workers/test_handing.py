"""Tests of L{fiberlb.workers.handing}."""

from __future__ import annotations

import os

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.protocols.amp import UnhandledCommand
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.operational import Operations
from fiberlb.relay.accept import bind
from fiberlb.relay.binding import Binding
from fiberlb.workers.handing import AN_OBJECT, COMING, LONGEST, PATIENCE, Handing
from fiberlb.workers.messages import NotApplied
from fiberlb.workers.pages import BEAT, Page, make_page
from fiberlb.workers.revisions import sealed
from fiberlb.workers.seen import Seen, Stage
from fiberlb.workers.slots import LEAST_LANES, Slots
from tests.support.datagrams import free_udp_port
from tests.support.ports import free_port
from tests.workers.crews import StageWorker
from tests.workers.test_slots import listening, wanted


class HandingTests(SynchronousTestCase):
    """Two workers, and an address with two sockets."""

    def setUp(self) -> None:
        """A revision is there, nobody serves it."""
        self.clock = Clock()
        self.failed: list[Seen] = []
        self.workers = [StageWorker(0), StageWorker(1)]
        slots = self.slots = Slots(bind)
        self.addCleanup(slots.close_all)
        made = listening(a=free_port())
        slots.use(slots.prepare(made, 2, ""), wanted(made))
        self.stale: list[Seen] = []
        self.late: list[Seen] = []
        self.handing = Handing(
            self.clock, slots, self.find, self.failed.append, self.stale.append, self.late.append
        )
        revision = sealed(b"x")
        self.addCleanup(os.close, revision)
        current = self.handing.current
        current.serial, current.revision = 5, revision
        current.down = lambda: (sealed(b""), 3)

    def find(self, *stages: Stage) -> list[Seen]:
        """The workers at these stages."""
        return [worker for worker in self.workers if worker.stage in stages]

    def bring_up(self, count: int = 2) -> None:
        """Have all of them serve."""
        done = Deferred.fromCoroutine(self.handing.bring_up(self.workers, count))
        self.successResultOf(done)

    def sockets(self, worker: StageWorker) -> list[int]:
        """The slots whose sockets a worker was given."""
        return [said["slot"] for said in worker.told("Listen")]

    def test_operations(self) -> None:
        """All that serve are told at once; one that comes later before it gets a socket."""
        first, second = self.workers
        self.successResultOf(Deferred.fromCoroutine(self.handing.bring_up([first], 1)))
        self.assertEqual(first.told("Operate"), [])
        second.stage = Stage.STARTING
        operations = Operations(cookie_keys=(b"k",))
        self.successResultOf(Deferred.fromCoroutine(self.handing.operate(operations)))
        self.assertEqual((len(first.told("Operate")), second.asked), (1, []))
        first.stage = Stage.DRAINING
        self.successResultOf(Deferred.fromCoroutine(self.handing.operate(operations)))
        self.assertEqual(len(first.told("Operate")), 2)
        first.stage = Stage.SERVING
        second.stage = Stage.READY
        self.bring_up()
        names = [name for name, _ in second.asked]
        self.assertEqual(names[:3], ["Apply", "Operate", "Listen"])

    def test_serve(self) -> None:
        """Each gets the revision, then the socket of its slot, once."""
        self.bring_up()
        for worker in self.workers:
            self.assertEqual(worker.told("Apply"), [{"serial": 5, "number": 3}])
            self.assertEqual(self.sockets(worker), [worker.slot])
            self.assertIs(worker.stage, Stage.SERVING)
            self.assertEqual(worker.serial, 5)
        self.bring_up()
        self.assertEqual(self.sockets(self.workers[0]), [0])

    def test_fewer(self) -> None:
        """With one worker less the other gets both sockets; with one more it gives one back."""
        self.workers[1].stage = Stage.DRAINING
        done = Deferred.fromCoroutine(self.handing.bring_up(self.workers[:1], 1))
        self.successResultOf(done)
        first, second = self.workers
        self.assertEqual(self.sockets(first), [0, 1])
        second.stage = Stage.READY
        self.bring_up()
        self.assertEqual(self.sockets(second), [1])
        (left,) = first.told("Unlisten")
        self.assertEqual((left["slot"], left["empty"]), (1, False))

    def slow(self, worker: StageWorker) -> tuple[Deferred[None], Deferred[dict[str, str]]]:
        """A worker does not answer; the change, and its answer."""
        page = worker.page = Page(make_page())
        self.addCleanup(page.close)
        answer: Deferred[dict[str, str]] = Deferred()
        worker.answers = answer
        return Deferred.fromCoroutine(self.handing.bring_up(self.workers, 2)), answer

    def beat(self, worker: StageWorker, seconds: float) -> None:
        """Time goes by, with the worker's heart beating."""
        assert worker.page is not None
        worker.page.write(BEAT, (int((self.clock.seconds() + seconds) * 1000), 0, 0, 0))
        self.clock.advance(seconds)

    def datagrams(self) -> int:
        """An address of datagrams too; its port."""
        port = free_udp_port()
        made = listening(u=port)
        plan = attrs.evolve(made.listeners["u"], addresses=(("udp:127.0.0.1", port),))
        made = attrs.evolve(made, listeners={"u": plan})
        slots = Slots(Binding().bind)
        self.addCleanup(slots.close_all)
        slots.use(slots.prepare(made, 2, ""), wanted(made))
        self.handing._slots = slots
        return port

    def test_flows(self) -> None:
        """Sockets of datagrams change hands with their flows, and only then."""
        self.datagrams()
        first, second = self.workers
        second.stage = Stage.DRAINING
        self.successResultOf(Deferred.fromCoroutine(self.handing.bring_up([first], 1)))
        self.assertEqual(self.sockets(first), list(range(LEAST_LANES)))
        self.assertEqual([said for said in first.told("Listen") if "flows" in said], [])
        second.stage = Stage.READY
        self.bring_up()
        given = list(range(1, LEAST_LANES, 2))
        self.assertEqual([said["slot"] for said in first.told("PassOn")], given)
        self.assertEqual([said["slot"] for said in second.told("Listen")], given)
        self.assertTrue(all(said["flows"] >= 0 for said in second.told("Listen")))
        self.assertEqual(first.told("Unlisten"), [])
        self.bring_up()
        self.assertEqual(len(first.told("PassOn")), len(given))

    def test_flows_not_passed(self) -> None:
        """A worker that does not know how, or is gone, is no reason not to go on."""
        self.datagrams()
        first, second = self.workers
        second.stage = Stage.DRAINING
        self.successResultOf(Deferred.fromCoroutine(self.handing.bring_up([first], 1)))
        second.stage = Stage.READY
        for why in (ConnectionLost(), UnhandledCommand("UNHANDLED", "PassOn")):
            first.refusals["PassOn"] = why
            self.bring_up()
            second.listens.clear()
            first.listens |= {(a, n) for a, n, _ in self.handing._slots}
        self.assertEqual(self.failed, [])

    def test_no_answer(self) -> None:
        """A worker that hangs is given up after a while; the other serves."""
        hanging, other = self.workers
        hanging.stage = Stage.SERVING
        done, _ = self.slow(hanging)
        self.assertNoResult(done)
        self.clock.advance(PATIENCE)
        self.successResultOf(done)
        self.assertEqual((self.failed, self.stale), ([hanging], []))
        self.assertIs(other.stage, Stage.SERVING)

    def test_large(self) -> None:
        """One that works on a large revision has longer; one that hangs with it has not."""
        for beats in (True, False):
            self.setUp()
            slow = self.workers[0]
            slow.stage = Stage.SERVING
            self.handing.current.size = 20_000
            done, answer = self.slow(slow)
            if beats:
                self.beat(slow, PATIENCE)
                self.assertNoResult(done)
                self.beat(slow, 20_000 * AN_OBJECT - 1)
                answer.callback({})
            else:
                self.clock.advance(PATIENCE)
            self.successResultOf(done)
            self.assertEqual(
                (self.failed, self.stale, self.late), ([] if beats else [slow], [], [])
            )

    def test_start(self) -> None:
        """While nobody serves, a worker has longer: the machine may be busy."""
        done, answer = self.slow(self.workers[0])
        self.workers[1].stage = Stage.STARTING
        self.clock.advance(COMING - 1)
        self.assertNoResult(done)
        answer.callback({})
        self.successResultOf(done)
        self.assertEqual((self.failed, self.late), ([], []))

    def test_late(self) -> None:
        """A new one that is at work is not waited for, and not ended; it serves when it can."""
        slow, other = self.workers
        other.stage = Stage.SERVING
        done, answer = self.slow(slow)
        self.beat(slow, PATIENCE)
        self.successResultOf(done)
        self.assertEqual((self.failed, self.late, slow.stage), ([], [], Stage.READY))
        self.assertTrue(slow.behind)
        self.handing.current.serial = 6
        answer.callback({})
        self.assertEqual((self.late, slow.stage, slow.serial), ([slow], Stage.SERVING, 5))
        self.assertFalse(slow.behind)
        self.clock.advance(LONGEST)
        self.assertEqual((self.failed, self.stale), ([], []))

    def test_too_late(self) -> None:
        """A new one that never comes to an end is given up."""
        slow, other = self.workers
        other.stage = Stage.SERVING
        done, _ = self.slow(slow)
        self.beat(slow, PATIENCE)
        self.beat(slow, LONGEST)
        self.successResultOf(done)
        self.assertEqual((self.failed, self.stale), ([slow], []))

    def test_replaced(self) -> None:
        """One that serves, and works too long, is replaced and not ended; no change waits again."""
        slow = self.workers[0]
        slow.stage = Stage.SERVING
        done, answer = self.slow(slow)
        self.beat(slow, PATIENCE)
        self.successResultOf(done)
        self.assertEqual((self.failed, self.stale), ([], [slow]))
        self.handing.current.serial = 6
        self.bring_up()
        self.assertEqual(slow.told("Apply"), [{"serial": 5, "number": 3}])
        self.assertEqual(self.workers[1].told("Apply")[-1], {"serial": 6, "number": 3})
        answer.callback({})
        self.assertEqual((self.late, slow.serial), ([slow], 5))

    def test_not_applied(self) -> None:
        """One that cannot take a revision serves on with what it had; a fresh one is given up."""
        old, fresh = self.workers
        old.stage = Stage.SERVING
        old.answers = fail(NotApplied("KeyError"))
        fresh.answers = fail(NotApplied("KeyError"))
        self.bring_up()
        self.assertEqual((self.stale, self.failed), ([old], [fresh]))
        self.assertEqual([w.stage for w in self.workers], [Stage.SERVING, Stage.READY])

    def test_gone(self) -> None:
        """One that ends meanwhile is no surprise: its end is noticed elsewhere."""
        self.workers[0].answers = fail(ConnectionLost())
        self.bring_up()
        self.assertEqual(self.failed, [])
        self.assertIs(self.workers[0].stage, Stage.READY)

    def test_nothing_yet(self) -> None:
        """Before the first revision nobody serves."""
        self.handing.current.revision = -1
        self.bring_up()
        self.assertEqual(self.workers[0].asked, [])
