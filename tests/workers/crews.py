"""Workers without processes, for tests of control's side."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.protocols import amp

from fiberlb.relay.accept import bind
from fiberlb.workers.crew import Crew
from fiberlb.workers.messages import Apply
from fiberlb.workers.nursery import Nursery
from fiberlb.workers.order import Order
from fiberlb.workers.seen import Seen, Stage
from fiberlb.workers.slots import Slots

#: For any worker, with nothing on disk.
ORDER = Order(
    number=0,
    slot=0,
    directory="",
    board="",
    deadline=60.0,
    log_format="off",
    log_path="stdout",
)


class StageWorker(Seen):
    """
    A worker that notes what it is asked.

    @ivar asked: the names of the messages, with what they say; descriptors left out.
    @ivar answers: what it says to a revision; C{None}: yes, at once.
    @ivar killed: signals.
    @ivar refusals: what messages of these names fail with.
    """

    def __init__(self, slot: int, stage: Stage = Stage.READY) -> None:
        super().__init__(slot, 0.0)
        self.stage = stage
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: Deferred[Any] | None = None
        self.killed: list[int] = []
        self.refusals: dict[str, Exception] = {}

    def ask(self, command: type[amp.Command], **named: Any) -> Deferred[Any]:
        """Note it."""
        said = {k: v for k, v in named.items() if k not in ("fd", "down", "revision")}
        self.asked.append((command.__name__, said))
        if command.__name__ in self.refusals:
            return fail(self.refusals[command.__name__])
        given = self.answers if command is Apply else None
        return given if given is not None else succeed({})

    def kill(self, number: Any) -> None:
        """Note it."""
        self.killed.append(int(number))

    def told(self, name: str) -> list[dict[str, Any]]:
        """What was said in one kind of message."""
        return [said for asked, said in self.asked if asked == name]


def crew_of_two(reactor: Any) -> Crew:
    """A crew that wants two workers, none of them a process."""
    nursery = partial(Nursery, reactor, {})
    return Crew(reactor, Slots(bind), ORDER, 2, lambda seen: None, nursery)
