"""What is done to the requests and answers of one route, compiled."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from fiberlb.errors import Problem
from fiberlb.model.listener import Listener
from fiberlb.model.treated import Treated
from fiberlb.treatment.draft import Asked, Draft, Surroundings
from fiberlb.treatment.listeners import OF_LISTENERS
from fiberlb.treatment.table import FEATURES

#: What looks into the values of some keys.
_CHECKS = {key: feature.check for key, feature in FEATURES.items() if feature.check is not None}
#: The values of these keys, and those of a holder that has none.
_CHECKED = attrgetter(*_CHECKS)
_NOTHING = (None,) * len(_CHECKS)


class Treatment:
    """
    One route's.

    @ivar gates: see L{Draft}, as for C{filters}, C{hosted}, C{mirror} and C{page}.
    @ivar repeats: what is done to a request is the same for the same head on the same
        connection: nobody needs to look at it again.
    """

    __slots__ = ("_answers", "_requests", "filters", "gates", "hosted", "mirror", "page", "repeats")

    def __init__(self, draft: Draft) -> None:
        self.gates = tuple(draft.gates)
        self.filters = tuple(draft.filters)
        self.hosted = draft.hosted
        self.mirror = draft.mirror
        self.page = draft.page
        self.repeats = draft.repeats and not draft.gates and draft.mirror is None
        self._requests = tuple(draft.requests)
        self._answers = tuple(draft.answers)

    def request(self, asked: Asked, head: bytes) -> bytes:
        """The head that the member gets."""
        for edit in self._requests:
            head = edit(asked, head)
        return head

    def answer(self, asked: Asked, head: bytes) -> bytes:
        """
        The head that the client gets.

        @param head: status line and fields, without the empty line.
        """
        if asked.added:
            head += asked.added
        for edit in self._answers:
            head = edit(asked, head)
        return head


def treatment(
    listener: Listener, pool: Treated | None, policy: Treated | None, around: Surroundings
) -> Treatment | None:
    """
    What is done on the way through these; of each key the nearest one applies.

    @return: C{None}: nothing.
    """
    draft = Draft(around)
    draft.owner = listener.id
    for key, add in OF_LISTENERS.items():
        add(getattr(listener, key), draft)
    for key, feature in FEATURES.items():
        for holder in (policy, pool, listener):
            value: Any = None if holder is None else getattr(holder, key)
            if holder is not None and value is not None:
                draft.owner = holder.id
                feature.add(value, draft)
                break
    return None if draft.empty else Treatment(draft)


def faults(*holders: Treated) -> list[Problem]:
    """What is wrong with the keys of some objects, as far as only compiling them shows."""
    return [
        Problem((holder.COLLECTION, holder.id, key, *path), message)
        for holder in holders
        if _CHECKED(holder) != _NOTHING
        for key, check in _CHECKS.items()
        if (value := getattr(holder, key)) is not None
        for path, message in check(value)
    ]
