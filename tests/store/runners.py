"""A runner whose answers the test gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from fiberlb.store.interface import StoreError
from fiberlb.store.memory import AtOnce

T = TypeVar("T")


class Line:
    """
    A L{Runner <fiberlb.store.engine.Runner>} that can be slow, or cut.

    @ivar slow: calls wait for L{answer}.
    @ivar broken: what every call is answered with.
    """

    def __init__(self) -> None:
        self.slow = False
        self.broken: Exception | None = None
        self._waiting: list[Callable[[], object]] = []

    def cut(self, why: Exception | None = None) -> None:
        """From now on, every call fails; with a L{StoreError} if nothing else is said."""
        self.broken = why or StoreError("cut")

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """Run it, now or later, or fail."""
        if self.broken is not None:
            return fail(self.broken)
        if not self.slow:
            return AtOnce().run(job)
        answer: Deferred[Any] = Deferred()
        self._waiting.append(lambda: AtOnce().run(job).chainDeferred(answer))
        return answer

    def answer(self) -> None:
        """Run the oldest call that waits."""
        self._waiting.pop(0)()

    def stop(self) -> Deferred[None]:
        """Nothing to wait for."""
        return succeed(None)
