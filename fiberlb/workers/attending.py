"""Whether somebody minds the workers, for whoever would end a control process that does not."""

from __future__ import annotations

from fiberlb.workers.crew import STALL, Crew
from fiberlb.workers.pages import BEAT
from fiberlb.workers.plane import WorkersPlane
from fiberlb.workers.seen import LAST_WORDS, Seen, Stage

#: Seconds without a heartbeat after which a worker should have been replaced.
OVERDUE = STALL + 2 * LAST_WORDS


def attended(plane: object, now: float) -> bool:
    """
    Whether each slot has a worker that gives signs of life, or one is on its way.

    @param plane: one without workers has nothing to attend to.
    @param now: seconds, of the clock that heartbeats go by.
    """
    return not isinstance(plane, WorkersPlane) or minded(plane.crew, now)


def minded(crew: Crew, now: float) -> bool:
    """The same of a crew."""
    if not crew.running:
        # The end has a deadline of its own.
        return True
    if not crew.look.running:
        return False
    sound = {seen.slot for seen in crew.seen() if _sound(seen, now)}
    return set(range(crew.wanted)) <= sound | crew.filling


def _sound(seen: Seen, now: float) -> bool:
    if seen.stage is not Stage.SERVING:
        # One that does not serve yet has a deadline of its own.
        return seen.stage is not Stage.DRAINING
    beat = seen.page.read(BEAT)[0] if seen.page is not None else 0
    return not beat or now - beat / 1000 < OVERDUE
