"""
Deadlines without a timer each.

Every connection stands in one slot of the wheel. When the slot's time comes
the connection is asked; a deadline that has moved on meanwhile only costs
standing in a later slot. Moving a deadline later is an attribute store,
moving it earlier than the slot is the only thing that the wheel must be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, Protocol

#: Slots a second.
RATE: Final = 4


class Timed(Protocol):
    """
    Something with a deadline.

    @ivar due: when its slot comes, kept by the wheel; 0 while in none.
    """

    due: float

    def visit(self, now: float) -> float:
        """Look at the deadline, act if it has passed; when to look again, 0 for never."""


def _raise(item: Any) -> NoReturn:
    raise


class TimerWheel:
    """
    The slots.

    @param now: the present, in the seconds of the loop's clock.
    @param fault: told of an item that raised an exception, while it is being handled; the
        others are visited all the same.
    """

    def __init__(self, now: float, fault: Callable[[Any], None] = _raise) -> None:
        self._slots: dict[int, set[Any]] = {}
        self._swept = int(now * RATE)
        self._fault = fault

    def set(self, item: Any, when: float) -> None:
        """Look at C{item} at C{when}, or up to a slot later; it may stand in a slot already."""
        tick = int(when * RATE) + 1
        if tick <= self._swept:
            tick = self._swept + 1
        if item.due:
            self.remove(item)
        item.due = tick / RATE
        slot = self._slots.get(tick)
        if slot is None:
            self._slots[tick] = {item}
        else:
            slot.add(item)

    def remove(self, item: Any) -> None:
        """Forget C{item}; nothing happens when it stands in no slot."""
        if item.due:
            slot = self._slots.get(int(item.due * RATE))
            if slot is not None:
                slot.discard(item)
            item.due = 0.0

    def sweep(self, now: float) -> None:
        """Visit everything whose slot has come; call it every C{1 / RATE} seconds."""
        until = int(now * RATE)
        for tick in range(self._swept + 1, until + 1):
            self._swept = tick
            due = tick / RATE
            for item in self._slots.pop(tick, ()):
                if item.due != due:
                    # Removed, or moved, by what was visited before it.
                    continue
                item.due = 0.0
                try:
                    again = item.visit(now)
                except Exception:
                    self._fault(item)
                    continue
                if again:
                    self.set(item, again)

    def __iter__(self) -> Any:
        """Every item in the wheel, in no order."""
        return iter([item for slot in self._slots.values() for item in slot])
