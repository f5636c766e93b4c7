"""The worker's end of the connection to control."""

from __future__ import annotations

import json
import pickle
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from fiberlb.observe.kept import Sought
from fiberlb.workers import messages
from fiberlb.workers.recalling import packed
from fiberlb.workers.revisions import content, mapped

_log = Logger()


class Served(Protocol):
    """What the messages are about: L{fiberlb.workers.worker.Worker} by shape."""

    plane: Any

    async def apply(self, serial: int, data: memoryview, down: bytes, number: int) -> None:
        """Serve a revision."""

    async def foresee(self, data: memoryview | None) -> None:
        """Read what will probably be in force next."""

    def usable(self, number: int, member: str, usable: bool) -> None:
        """Mind a member's health."""

    def listen(self, host: str, port: int, slot: int, fd: int, flows: int | None) -> None:
        """Accept from a socket."""

    def pass_on(self, host: str, port: int, slot: int, flows: int) -> None:
        """Leave a socket, and send its flows there."""

    def drain(self, deadline: float) -> None:
        """Finish what runs, end."""

    def reopen(self) -> None:
        """Open the logs anew."""

    def linked(self, link: Any) -> Deferred[None]:
        """A control process is there."""

    def unlinked(self, link: Any) -> None:
        """It is gone."""


class WorkerLink(amp.AMP):
    """Messages to calls."""

    def __init__(self, worker: Served) -> None:
        super().__init__()
        self._worker = worker

    def connectionMade(self) -> None:
        """Introduce the worker."""
        super().connectionMade()
        done = self._worker.linked(self)
        done.addErrback(lambda why: why.trap(ConnectionDone, ConnectionLost))
        done.addErrback(lambda why: _log.failure("while meeting control", failure=why))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the worker."""
        super().connectionLost(reason)
        self._worker.unlinked(self)

    @messages.Apply.responder
    async def apply(self, serial: int, revision: int, down: int, number: int) -> dict[str, Any]:
        """Serve a revision."""
        try:
            await self._worker.apply(serial, mapped(revision), content(down), number)
        except Exception as why:
            _log.failure("revision {serial} cannot be served", serial=serial)
            # Anything else than what is declared would end the connection.
            raise messages.NotApplied(type(why).__name__) from why
        return {}

    @messages.Foresee.responder
    async def foresee(self, revision: int | None = None) -> dict[str, Any]:
        """Read what will probably be in force next."""
        try:
            await self._worker.foresee(None if revision is None else mapped(revision))
        except Exception:
            _log.failure("what comes next cannot be read")
        return {}

    @messages.Usable.responder
    def usable(self, number: int, member: str, usable: bool) -> dict[str, Any]:
        """Mind a member's health."""
        self._worker.usable(number, member, usable)
        return {}

    @messages.Challenge.responder
    async def challenge(self, challenges: int) -> dict[str, Any]:
        """Answer challenges."""
        await self._worker.plane.challenge(pickle.loads(content(challenges)))
        return {}

    @messages.Operate.responder
    async def operate(self, operations: int) -> dict[str, Any]:
        """Have it in force."""
        await self._worker.plane.operate(pickle.loads(content(operations)))
        return {}

    @messages.Listen.responder
    def listen(
        self, host: str, port: int, slot: int, fd: int, flows: int | None = None
    ) -> dict[str, Any]:
        """Accept from a socket."""
        self._worker.listen(host, port, slot, fd, flows)
        return {}

    @messages.PassOn.responder
    def pass_on(self, host: str, port: int, slot: int, flows: int) -> dict[str, Any]:
        """Leave a socket, and send its flows there."""
        self._worker.pass_on(host, port, slot, flows)
        return {}

    @messages.Unlisten.responder
    def unlisten(self, host: str, port: int, slot: int, empty: bool) -> dict[str, Any]:
        """Let go of a socket."""
        self._worker.plane.unlisten((host, port), slot, empty)
        return {}

    @messages.Reopen.responder
    def reopen(self) -> dict[str, Any]:
        """Open the access log anew."""
        self._worker.reopen()
        return {}

    @messages.Recall.responder
    def recall(self, ident: str) -> dict[str, Any]:
        """What is known of an answer."""
        found = self._worker.plane.recollection(ident)
        return {"found": "" if found is None else json.dumps(found)}

    @messages.Recent.responder
    def recent(self, sought: str, before: str, most: int) -> dict[str, Any]:
        """The last answers."""
        found, more = packed(self._worker.plane.recent(Sought(**json.loads(sought)), before), most)
        return {"found": found, "more": more}

    @messages.Drain.responder
    def drain(self, deadline: float) -> dict[str, Any]:
        """Finish what runs, end."""
        self._worker.drain(deadline)
        return {}


def suspect(link: WorkerLink | None, member: str, cause: str, told: str) -> None:
    """
    Say that requests fail at a member too often; without control nobody is told.

    @param cause: the last failure's: a reason code, or the status.
    @param told: the same in a sentence.
    """
    if link is not None:
        link.callRemote(messages.Suspect, member=member, cause=cause, text=told)
