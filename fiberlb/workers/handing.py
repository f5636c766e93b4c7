"""Revisions and sockets to workers: what each is to serve, and where it accepts."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.protocols import amp

from fiberlb.model.addresses import UDP
from fiberlb.model.challenges import Challenges
from fiberlb.model.operational import Operations
from fiberlb.workers import messages
from fiberlb.workers.revisions import sealed
from fiberlb.workers.seen import GONE, Seen, Stage
from fiberlb.workers.slots import Address, Slots

_log = Logger()
#: Seconds that a worker may take to confirm a revision, and more for each of its objects.
PATIENCE, AN_OBJECT = 5.0, 0.00025
#: Seconds that a new one may take to come up.
COMING = 30.0
#: Seconds that a new one may take that is at work all the time; nobody waits for it.
LONGEST = 60.0


@attrs.define
class Current:
    """
    What every worker is to serve.

    @ivar revision: descriptor of the sealed file; -1 before there is any.
    @ivar down: makes the descriptor of the members that may not serve, and its number.
    @ivar challenges: what is answered to authorities now.
    @ivar operations: what is in force beside the configuration.
    @ivar size: how many objects the revision has.
    """

    serial: int
    revision: int
    down: Callable[[], tuple[int, int]]
    challenges: Challenges = Challenges()
    operations: Operations = Operations()
    size: int = 0


class Handing:
    """
    Hands out; every method is to be called while nothing else is being handed out.

    @param find: the workers at some stages, as L{fiberlb.workers.crew.Crew.seen}.
    @param failed: called with a worker that did not do what it was told.
    @param stale: called with one that serves an earlier revision and could not take this one.
    @param late: called with one that has confirmed when nobody waited for it any more.

    @ivar current: what the workers are to serve.
    """

    def __init__(
        self,
        reactor: Any,
        slots: Slots,
        find: Callable[..., list[Seen]],
        failed: Callable[[Seen], None],
        stale: Callable[[Seen], None],
        late: Callable[[Seen], None],
    ) -> None:
        self.current = Current(0, -1, lambda: (-1, 0))
        self._reactor = reactor
        self._slots = slots
        self._find = find
        self._failed = failed
        self._stale = stale
        self._late = late

    async def bring_up(self, several: Iterable[Seen], count: int) -> None:
        """
        Have workers serve the revision in force, then hand out sockets.

        @param count: how many slots have a worker.

        One that hangs is ended, and replaced for that. One that works and has not come to an end,
        for which it has longer with a large revision, is not waited for; another one takes its
        place.
        """
        if self.current.revision < 0:
            return
        for done in [self._apply(seen) for seen in several if not seen.behind]:
            await done
        await self.share_out(count)

    def _apply(self, seen: Seen) -> Deferred[None]:
        """Fires when the worker has answered, or is not waited for any longer."""
        waiting: Deferred[None] = Deferred()
        answer = Deferred.fromCoroutine(self._applied(seen))
        # Nobody is kept waiting by a change while none serves: it is the start.
        allowed = PATIENCE if self._find(Stage.SERVING) else COMING
        more = self.current.size * AN_OBJECT
        patience: Any = None

        def look() -> None:
            nonlocal patience, more
            if more and seen.beats(self._reactor.seconds()):
                patience, more = self._reactor.callLater(more, look), 0.0
            else:
                self._slow(seen, answer, waiting)

        patience = self._reactor.callLater(allowed, look)

        def answered(done: bool) -> None:
            if patience.active():
                patience.cancel()
                waiting.callback(None)
            elif done:
                seen.behind = False
                self._late(seen)

        answer.addCallback(answered)
        return waiting

    def _slow(self, seen: Seen, answer: Deferred[Any], waiting: Deferred[None]) -> None:
        """Nobody waits any longer; what becomes of the worker goes by its heartbeat."""
        if not seen.beats(self._reactor.seconds()):
            text = "Worker {slot} (pid {pid}) does not answer; it is ended"
            _log.error(text, slot=seen.slot, pid=seen.pid)
            self._failed(seen)
        elif seen.stage is Stage.SERVING:
            text = "Worker {slot} (pid {pid}) works too long on what is in force; it is replaced"
            _log.warn(text, slot=seen.slot, pid=seen.pid)
            seen.behind = True
            self._stale(seen)
        else:
            text = "Worker {slot} (pid {pid}) is new, and still at work on what is in force"
            _log.info(text, slot=seen.slot, pid=seen.pid)
            seen.behind = True
            self._reactor.callLater(LONGEST, lambda: self._too_slow(seen, answer))
        waiting.callback(None)

    def _too_slow(self, seen: Seen, answer: Deferred[Any]) -> None:
        if not answer.called and seen.alive:
            self._failed(seen)

    async def _applied(self, seen: Seen) -> bool:
        """Whether the worker serves what is current at the call."""
        serial = self.current.serial
        down, number = self.current.down()
        # Kept until the answer: what is current may be another file by then.
        revision = os.dup(self.current.revision)
        try:
            await seen.ask(
                messages.Apply, serial=serial, revision=revision, down=down, number=number
            )
        except GONE:
            return False
        except messages.NotApplied as why:
            text = "worker {slot} does not serve what is in force: {why}"
            _log.error(text, slot=seen.slot, why=str(why))
            (self._stale if seen.stage is Stage.SERVING else self._failed)(seen)
            return False
        except Exception:
            _log.failure("worker {slot} did not take a revision", slot=seen.slot)
            self._failed(seen)
            return False
        finally:
            os.close(down)
            os.close(revision)
        seen.serial = max(seen.serial, serial)
        if seen.stage is Stage.READY:
            seen.stage = Stage.SERVING
        # One that has just been forked gets its sockets after this.
        if self.current.operations != Operations() and not await self._operate(seen):
            return False
        return not self.current.challenges or await self._challenge(seen)

    # Challenges.

    async def challenge(self, challenges: Challenges) -> None:
        """Have every worker answer these; returns when all do, or are being replaced."""
        self.current.challenges = challenges
        several = self._find(Stage.SERVING, Stage.READY)
        for done in [Deferred.fromCoroutine(self._challenge(seen)) for seen in several]:
            await done

    async def _challenge(self, seen: Seen) -> bool:
        return await self._tell(seen, messages.Challenge, challenges=self.current.challenges)

    # What is in force beside the configuration.

    async def operate(self, operations: Operations) -> None:
        """Have this in force in every worker; returns when it is, or they are being replaced."""
        self.current.operations = operations
        # What drains still has tunnels, whose member may be one that is to be left.
        several = self._find(Stage.SERVING, Stage.READY, Stage.DRAINING)
        ours = [seen for seen in several if not seen.foreign]
        for done in [Deferred.fromCoroutine(self._operate(seen)) for seen in ours]:
            await done

    async def _operate(self, seen: Seen) -> bool:
        return await self._tell(seen, messages.Operate, operations=self.current.operations)

    async def _tell(self, seen: Seen, command: type[amp.Command], **what: Any) -> bool:
        """Send one thing whole; whether the worker has it in force."""
        ((name, content),) = what.items()
        fd = sealed(pickle.dumps(content))
        try:
            done = seen.ask(command, **{name: fd})
            await done.addTimeout(PATIENCE, self._reactor)
        except GONE:
            return False
        except Exception:
            _log.failure("worker {slot} did not take {what}", slot=seen.slot, what=name)
            if seen.stage is not Stage.DRAINING:
                self._failed(seen)
            return False
        finally:
            os.close(fd)
        return True

    # Sockets.

    async def share_out(self, count: int) -> None:
        """
        Hand every socket to the worker of its slot, or to one of the others.

        Whoever has had it lets go only after the new one has it.
        """
        serving = {s.slot: s for s in self._find(Stage.SERVING)}
        wanted = [(a, n, sock, serving.get(n % count)) for a, n, sock in self._slots]
        asked = []
        for address, slot, sock, seen in wanted:
            if seen is not None and (address, slot) not in seen.listens:
                before = self._before(address, slot) if address[0].startswith(UDP) else None
                seen.listens.add((address, slot))
                asked.append(self._hand(seen, address, slot, sock, before))
        for done in asked:
            await done
        theirs = {(a, n): seen for a, n, _, seen in wanted if seen is not None}
        for seen in serving.values():
            for key in [k for k in seen.listens if theirs.get(k, seen) is not seen]:
                await self.let_go(seen, *key, empty=False)

    def _before(self, address: Address, slot: int) -> Seen | None:
        """Whose socket it is now."""
        several = self._find(Stage.SERVING, Stage.ADOPTED)
        return next((s for s in several if (address, slot) in s.listens), None)

    def _hand(
        self, seen: Seen, address: Address, slot: int, sock: Any, before: Seen | None
    ) -> Deferred[Any]:
        """
        @param before: has it, and passes the flows of it on; from there, not by way of control.
        """
        host, port = address
        where = {"host": host, "port": port, "slot": slot}
        named: dict[str, Any] = {"fd": sock.fileno(), **where}
        if before is None:
            return seen.ask(messages.Listen, **named).addErrback(self.not_done, seen)
        before.listens.discard((address, slot))
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        passing = before.ask(messages.PassOn, flows=theirs.fileno(), **where)
        passing.addErrback(self._not_passed, before).addBoth(lambda _: theirs.close())
        done = seen.ask(messages.Listen, flows=ours.fileno(), **named)
        done.addErrback(self.not_done, seen)
        return done.addBoth(lambda _: ours.close())

    def _not_passed(self, why: Any, before: Seen) -> None:
        """One that does not pass flows on, or not in time, is not waited for; it soon drains."""
        if not why.check(*GONE):
            text = "Worker {slot} (pid {pid}) does not pass its flows on: {why}"
            _log.warn(text, slot=before.slot, pid=before.pid, why=why.getErrorMessage())

    def let_go(self, seen: Seen, address: Address, slot: int, empty: bool) -> Deferred[Any]:
        """Have a worker leave a socket."""
        seen.listens.discard((address, slot))
        host, port = address
        done = seen.ask(messages.Unlisten, host=host, port=port, slot=slot, empty=empty)
        return done.addErrback(self.not_done, seen)

    def not_done(self, why: Any, seen: Seen) -> None:
        """For calls that failed: a worker that is ending is not minded, another one is ended."""
        if not why.check(*GONE):
            _log.failure("worker {slot} failed", failure=why, slot=seen.slot)
            self._failed(seen)
