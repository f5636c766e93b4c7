"""Work that goes on to its end whoever stops waiting for it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")

_log = Logger()


def shielded(work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """
    Start C{work}; cancelling the Deferred stops the waiting, not the work.

    A client that goes away must not leave a write between its commit and its
    activation. An error that nobody waits for any more is logged.
    """
    waiting: Deferred[T] = Deferred(lambda _: None)
    running = Deferred.fromCoroutine(work)

    def succeeded(result: T) -> None:
        if not waiting.called:
            waiting.callback(result)

    def failed(why: Failure) -> None:
        if not waiting.called:
            waiting.errback(why)
        elif not why.check(CancelledError):
            _log.failure("failed after its client had gone", failure=why)

    running.addCallbacks(succeeded, failed)
    return waiting
