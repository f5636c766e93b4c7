"""Work in steps, so that traffic comes in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from twisted.internet.task import deferLater

T = TypeVar("T")
#: Seconds for which one piece of work may hold the reactor.
SLICE = 0.005


async def in_slices(reactor: Any, steps: Iterator[T | None], seconds: float = SLICE) -> T:
    """
    Go through the steps, giving the reactor a turn now and then.

    @param steps: yields C{None} after each step, then the result.
    @param seconds: until the next turn.
    @return: that result.
    """
    started = reactor.seconds()
    for step in steps:
        if step is not None:
            return step
        if reactor.seconds() - started > seconds:
            await deferLater(reactor, 0)
            started = reactor.seconds()
    raise AssertionError("the work ended without a result")
