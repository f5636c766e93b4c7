"""
What will probably be in force next, told to the workers before it is.

They read and compile it while control compiles and stores the same on another core. Nothing
depends on it: a worker that does not know what it is then told to serve reads and compiles that.
So nobody waits for the answers, and what goes wrong is only logged.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.slicing import in_slices
from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.workers import messages
from fiberlb.workers.crew import Crew
from fiberlb.workers.revisions import Encoder, Revision
from fiberlb.workers.seen import GONE, Seen, Stage

_log = Logger()


async def foresee(
    reactor: Any,
    crew: Crew,
    encoder: Encoder,
    configuration: Configuration | None,
    limits: Limits,
) -> None:
    """
    Send it to those that serve; returns when that has begun.

    @param encoder: that of the revisions themselves, which then finds most of it done.
    @param configuration: C{None}: what was foreseen will not be in force.
    """
    if configuration is None:
        for seen in crew.seen(Stage.SERVING):
            _tell(seen)
        return

    async def sent(what: Configuration) -> None:
        revision = Revision(
            serial=0, configuration=what, limits=limits, trusted=(), bases={}, places={}
        )
        fd = await in_slices(reactor, encoder.encode(revision))
        for seen in crew.seen(Stage.SERVING):
            if not seen.behind:
                _tell(seen, revision=os.dup(fd))
        os.close(fd)

    # In turn with what is handed out, whose encoder this is.
    await crew.turn.run(lambda: sent(configuration))


def _tell(seen: Seen, **revision: int) -> None:
    """
    @param revision: a descriptor, closed when the worker has it.
    """

    def answered(result: Any) -> Any:
        for fd in revision.values():
            os.close(fd)
        return result

    done: Deferred[Any] = seen.ask(messages.Foresee, **revision).addBoth(answered)
    done.addErrback(lambda why: why.trap(*GONE))
    text = "worker {slot} could not read what comes next"
    done.addErrback(lambda why: _log.failure(text, failure=why, slot=seen.slot))
