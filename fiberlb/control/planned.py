"""
What a dry run came to, for the write that follows.

C{fiberlb apply} shows a plan, then has it done: the same document on the same state. For a large
one most of a write is working out what it comes to, so that is kept for a minute, and taken when
the very same is asked for again before anything else has changed.
"""

from __future__ import annotations

import hashlib
import marshal
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime

from fiberlb.control.operations import Op, Operation
from fiberlb.control.state import State
from fiberlb.snapshot import Snapshot

#: Seconds for which a plan is kept: for a look at it. It takes as much memory as what it makes.
KEPT = 60.0
#: What a document as a whole is sent with.
_WHOLE = (Op.CONFIG, Op.APPLY)


@attrs.frozen
class Plan:
    """
    What was worked out.

    @ivar base: the state that it began with.
    @ivar document: as of L{digest}.
    @ivar work: whatever whoever keeps it calls that.
    @ivar compiled: what would serve.
    """

    base: State
    document: bytes
    work: Any
    compiled: Snapshot


def digest(operations: tuple[Operation, ...]) -> bytes | None:
    """
    What a write asks for, its conditions apart; C{None}: a plan of it is not kept.

    C{1}, C{1.0} and C{true} differ.
    """
    if len(operations) != 1 or operations[0].op not in _WHOLE:
        return None
    (operation,) = operations
    if operation.notes is not None:
        return None
    try:
        # Version 2 says the same of equal values; later ones also how often they are referred to.
        text = marshal.dumps([operation.op.value, operation.at, operation.body], 2)
    except ValueError:
        return None  # it has scalars of YAML
    return hashlib.sha256(text).digest()


class Planned:
    """The plan of the last dry run, for as long as it is any use."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._plan: Plan | None = None
        self._ends: Any = None

    def keep(self, plan: Plan) -> None:
        """Have this one in place of the last."""
        self.drop()
        self._plan = plan
        self._ends = self._reactor.callLater(KEPT, self.drop)

    def find(self, base: State, operations: tuple[Operation, ...]) -> Plan | None:
        """The plan of just these, on just this state."""
        plan = self._plan
        if plan is None or plan.base is not base or plan.document != digest(operations):
            return None
        return plan

    def drop(self) -> Plan | None:
        """Forget it; returns what there was."""
        plan, self._plan = self._plan, None
        if self._ends is not None and self._ends.active():
            self._ends.cancel()
        self._ends = None
        return plan
