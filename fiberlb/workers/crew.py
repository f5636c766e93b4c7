"""
The workers that there are, and those that there should be.

One serving worker for each slot. Whatever changes that (a start, a restart one
by one, another number, a death, a taking over) comes down to two things: a new
worker is brought to serve the revision in force, then the old one of its slot
drains. At no moment is a slot's socket without somebody who will accept from it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList, TimeoutError
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from fiberlb.turns import Turns
from fiberlb.workers import messages
from fiberlb.workers.handing import COMING, Handing
from fiberlb.workers.nursery import Nursery, TemplateGone
from fiberlb.workers.order import Order
from fiberlb.workers.pages import BEAT, Page, make_page
from fiberlb.workers.seen import GONE, LAST_WORDS, ControlLink, Seen, Stage, connect, ended
from fiberlb.workers.slots import Address, Slots

_log = Logger()
#: Seconds without a heartbeat after which a worker hangs.
STALL = 10.0
#: A worker that lived for less is replaced later and later, up to so many seconds.
SHORT_LIFE, LONGEST_WAIT = 5.0, 10.0
#: Workers of one slot that may drain at the same time; beyond that the oldest is cut.
DRAINING = 4
#: Seconds after which sockets that get nothing new any more are emptied and closed.
SETTLING = 2.0


class Crew:
    """
    All workers of this control process.

    @param slots: the sockets, which this hands out.
    @param order: what each worker is told, apart from its number and slot.
    @param retired: called with a worker that has ended.
    @param nursery: starts a template.

    @ivar wanted: how many there should be.
    @ivar handing: what they are to serve, and from where.
    @ivar deaths: workers that have ended although they should serve.
    @ivar suspect: told of members at which requests fail too often.
    @ivar turn: held while revisions or sockets are handed out.
    @ivar filling: slots whose worker has ended and is being replaced.
    @ivar look: looks for workers that hang.
    """

    def __init__(
        self,
        reactor: Any,
        slots: Slots,
        order: Order,
        wanted: int,
        retired: Callable[[Seen], None],
        nursery: Callable[[], Nursery],
    ) -> None:
        self.wanted = wanted
        self.turn = Turns()
        self.running = False
        self.deaths = 0
        self.suspect: Callable[[str, str, str], None] = lambda member, cause, told: None
        self.handing = Handing(
            reactor, slots, self.seen, self._end_stalled, self._stale, self._arrived
        )
        self._reactor = reactor
        self._slots = slots
        self._order = order
        self._retired = retired
        self._make_nursery = nursery
        self._seen: list[Seen] = []
        self._nursery: Nursery | None = None
        self._failures: dict[int, int] = {}
        self.filling: set[int] = set()
        self.look = LoopingCall(self._look_after)
        self.look.clock = reactor

    # Who there is.

    def seen(self, *stages: Stage) -> list[Seen]:
        """The workers at these stages; all that live without any."""
        return [s for s in self._seen if s.alive and (not stages or s.stage in stages)]

    @property
    def serving(self) -> int:
        """How many slots have a worker that serves the revision in force."""
        serial = self.handing.current.serial
        return len({s.slot for s in self.seen(Stage.SERVING) if s.serial == serial})

    def pids(self) -> dict[str, list[int]]:
        """Whose processes there are: C{worker}, C{draining} and C{template}."""
        draining = [s.pid for s in self.seen(Stage.DRAINING)]
        others = [s.pid for s in self.seen() if s.pid and s.stage is not Stage.DRAINING]
        nursery = self._nursery.pid if self._nursery is not None else None
        return {
            "worker": others,
            "draining": draining,
            "template": [nursery] if nursery is not None else [],
        }

    @property
    def oldest(self) -> int:
        """The least serial that a living worker serves."""
        return min(
            (s.serial for s in self.seen() if not s.foreign), default=self.handing.current.serial
        )

    # The template.

    async def begin(self) -> None:
        """
        Start the template and one worker for each slot; they serve with the first revision.

        @raise TemplateGone: it does not start.
        """
        self.running = True
        self._nursery = await self._new_nursery()
        await DeferredList([self._start(slot) for slot in range(self.wanted)])
        self.look.start(1.0, now=False).addErrback(
            lambda why: _log.failure("hanging workers are not noticed any more", failure=why)
        )

    def _start(self, slot: int) -> Deferred[Any]:
        done = Deferred.fromCoroutine(self.spawn(slot))
        return done.addErrback(lambda why: _log.failure("a worker did not start", failure=why))

    async def _new_nursery(self) -> Nursery:
        nursery = self._make_nursery()
        nursery.ended.addCallback(self._nursery_ended)
        return await nursery.ready

    def _nursery_ended(self, nursery: Nursery) -> None:
        if nursery is self._nursery and self.running:
            _log.error("The template process has ended; the workers are replaced from a new one")
            self._nursery = None
            self._do(self.renew(), "the template is not replaced")

    async def renew(self, delay: float = 0.1) -> None:
        """A new template, then every worker from it: new code, new ticket keys."""
        while self.running:
            try:
                nursery = await self._new_nursery()
            except TemplateGone as why:
                _log.error("{why}; another attempt in {delay} s", why=why, delay=delay)
                await deferLater(self._reactor, delay)
                delay = min(delay * 2, LONGEST_WAIT)
                continue
            old, self._nursery = self._nursery, nursery
            if old is not None:
                old.retire()
            await self.roll()
            return

    # One worker.

    async def spawn(self, slot: int) -> Seen:
        """
        A worker that has introduced itself and serves nothing yet.

        @raise Exception: it did not come up.
        """
        nursery = self._nursery
        if nursery is None:
            raise TemplateGone("there is no template now")
        seen = Seen(slot, self._reactor.seconds())
        seen.page = Page(make_page())
        theirs = connect(self._reactor, self, seen)
        order = attrs.evolve(self._order, number=nursery.number(), slot=slot)
        try:
            forked = nursery.fork(order, theirs.fileno(), seen.page.fd)
        finally:
            theirs.close()
        pid, pidfd = await forked
        self._seen.append(seen)
        seen.watch(self._reactor, pid, pidfd, self._ended)
        seen.hello.addTimeout(COMING, self._reactor)
        try:
            return await seen.hello
        except TimeoutError:
            seen.kill(signal.SIGKILL)
            raise

    async def fill(self, slot: int) -> None:
        """A fresh worker for a slot; those that it had drain once it serves."""
        seen = await self.spawn(slot)
        await self.turn.run(
            lambda: Deferred.fromCoroutine(self.handing.bring_up([seen], self.wanted))
        )
        self._succeed(seen)

    def _succeed(self, seen: Seen) -> None:
        """Those that had the slot before a worker that serves drain."""
        if seen.stage is Stage.SERVING:
            for one in self.seen(Stage.SERVING, Stage.ADOPTED):
                older = one.born <= seen.born or one.stage is Stage.ADOPTED
                if one.slot == seen.slot and one is not seen and older:
                    self.retire(one)

    def _arrived(self, seen: Seen) -> None:
        """A worker serves when nobody waited for it any more; there may be news for it."""
        if seen.stage is Stage.SERVING:
            self._do(self._catch_up(seen), "a late worker does not serve")

    async def _catch_up(self, seen: Seen) -> None:
        bring_up = self.handing.bring_up
        behind = [seen] if seen.serial < self.handing.current.serial else []
        await self.turn.run(lambda: Deferred.fromCoroutine(bring_up(behind, self.wanted)))
        self._succeed(seen)

    # All of them.

    async def publish(self) -> None:
        """
        Have every worker serve what is current; returns when all do, or are being replaced.

        To be called in turn. Workers of another control process then drain.
        """
        await self.handing.bring_up(self.seen(Stage.SERVING, Stage.READY), self.wanted)
        slots = {s.slot for s in self.seen(Stage.SERVING)}
        for seen in self.seen(Stage.ADOPTED):
            if seen.slot in slots or seen.slot >= self.wanted:
                self.retire(seen)

    def tell(self, command: Any, **named: Any) -> None:
        """Say something to every worker that serves, or is about to."""
        for seen in self.seen(Stage.SERVING, Stage.READY):
            done = seen.ask(command, **named)
            done.addErrback(self.handing.not_done, seen)

    async def roll(self) -> None:
        """Replace every worker, one after the other."""
        for slot in range(self.wanted):
            if self.running and slot < self.wanted:
                await self.fill(slot)

    async def resize(self, wanted: int, widen: Callable[[int], None]) -> None:
        """
        Have another number of workers.

        @param widen: binds sockets up to that number.
        """
        new = [await self.spawn(slot) for slot in range(self.wanted, wanted)]
        await self.turn.run(lambda: Deferred.fromCoroutine(self._resized(wanted, new, widen)))
        for seen in self.seen(Stage.SERVING, Stage.ADOPTED):
            if seen.slot >= wanted:
                self.retire(seen)
        idle = self._slots.narrow(wanted)
        if idle:
            await deferLater(self._reactor, SETTLING)
            await self.turn.run(lambda: Deferred.fromCoroutine(self._empty(idle)))

    async def _resized(self, wanted: int, new: list[Seen], widen: Callable[[int], None]) -> None:
        if wanted > self.wanted:
            widen(wanted)
        self.wanted = wanted
        await self.handing.bring_up(new, self.wanted)

    async def _empty(self, idle: list[tuple[Address, int]]) -> None:
        idle = [one for one in idle if one[1] >= self.wanted]
        for seen in self.seen(Stage.SERVING):
            for address, slot in idle:
                if (address, slot) in seen.listens:
                    await self.handing.let_go(seen, address, slot, empty=True)
        self._slots.close(idle)

    def retire(self, seen: Seen) -> None:
        """A worker drains; if many of its slot do, the one that has for longest is cut."""
        seen.stage = Stage.DRAINING
        self.drain(seen, self._order.deadline)
        draining = [s for s in self.seen(Stage.DRAINING) if s.slot == seen.slot]
        for old in draining[:-DRAINING]:
            self.drain(old, 0.0)

    def drain(self, seen: Seen, deadline: float) -> None:
        """Have a worker end within C{deadline} seconds."""
        seen.ask(messages.Drain, deadline=deadline).addErrback(self.handing.not_done, seen)

    # Death.

    def _ended(self, seen: Seen, how: str) -> None:
        stage = seen.stage
        self._retired(seen)
        if seen in self._seen:
            self._seen.remove(seen)
        if stage is Stage.DRAINING or not self.running:
            _log.info("Worker {slot} (pid {pid}) has drained", slot=seen.slot, pid=seen.pid)
            return
        self.deaths += 1
        text = "Worker {slot} (pid {pid}) {how}; another one takes its place"
        _log.error(text, slot=seen.slot, pid=seen.pid, how=how)
        self._replace(seen)

    def _replace(self, seen: Seen) -> None:
        """At once; one that did not live long, after a while."""
        slot = seen.slot
        if slot >= self.wanted or slot in self.filling:
            return
        if self._reactor.seconds() - seen.born > SHORT_LIFE:
            self._failures.pop(slot, None)
        failures = self._failures[slot] = self._failures.get(slot, 0) + 1
        wait = 0.0 if failures == 1 else min(0.1 * 2**failures, LONGEST_WAIT)
        self.filling.add(slot)
        self._reactor.callLater(wait, lambda: self._do(self._refill(slot), "a slot stays empty"))

    async def _refill(self, slot: int) -> None:
        wait = 0.1
        try:
            while self.running and slot < self.wanted:
                try:
                    await self.fill(slot)
                    break
                except (TemplateGone, TimeoutError, OSError, *GONE):
                    await deferLater(self._reactor, wait)
                    wait = min(wait * 2, LONGEST_WAIT)
        finally:
            self.filling.discard(slot)

    def _look_after(self) -> None:
        now = self._reactor.seconds() * 1000
        for seen in self.seen(Stage.SERVING):
            beat = seen.page.read(BEAT)[0] if seen.page is not None else 0
            if beat and now - beat > STALL * 1000:
                _log.error("Worker {slot} (pid {pid}) hangs", slot=seen.slot, pid=seen.pid)
                self._end_stalled(seen)

    def _stale(self, seen: Seen) -> None:
        """A fresh worker may do what this one could not; until then this one serves on."""
        if seen.slot < self.wanted and seen.slot not in self.filling:
            self.filling.add(seen.slot)
            self._do(self._refill(seen.slot), "a worker that is behind is not replaced")

    def _end_stalled(self, seen: Seen) -> None:
        """It says where it is, then it is gone."""
        seen.kill(signal.SIGABRT)
        self._reactor.callLater(LAST_WORDS, seen.kill, signal.SIGKILL)

    def _do(self, work: Any, failed: str) -> None:
        done = Deferred.fromCoroutine(work)
        done.addErrback(lambda why: _log.failure(failed, failure=why))

    # Taking over.

    def adopt(self, link: ControlLink, pid: int, slot: int, serial: int) -> Seen:
        """A worker of an earlier control process has dialled; see L{ControlLink}."""
        seen = Seen(slot, self._reactor.seconds())
        seen.link = link
        seen.foreign = True
        seen.serial = serial
        self._seen.append(seen)
        seen.hello.addErrback(lambda why: None)
        seen.watch(self._reactor, pid, os.pidfd_open(pid), self._ended)
        return seen

    def handed_back(self, seen: Seen, address: Address, slot: int, sock: Any) -> None:
        """A socket of an adopted worker; see L{ControlLink}."""
        seen.listens.add((address, slot))
        self._slots.take(address, slot, sock)

    def hung_up(self, seen: Seen) -> None:
        """A worker's connection is gone; if its process is not, something is wrong with it."""
        if seen.stage in (Stage.SERVING, Stage.READY) and not seen.foreign:
            self._reactor.callLater(LAST_WORDS, seen.kill, signal.SIGKILL)

    # The end.

    async def stop(self, deadline: float) -> None:
        """Have all of them end, those that do not within the deadline by force."""
        self.running = False
        if self.look.running:
            self.look.stop()
        # Those of another process go on looking for one when this one never served.
        began = self.handing.current.revision >= 0
        living = [s for s in self.seen() if began or s.stage is not Stage.ADOPTED]
        for seen in living:
            self.drain(seen, deadline)
        await ended(self._reactor, living, deadline)
        if self._nursery is not None:
            self._nursery.retire()

    def hasten(self, deadline: float) -> None:
        """Shorten the end that has begun."""
        for seen in self.seen():
            self.drain(seen, deadline)
