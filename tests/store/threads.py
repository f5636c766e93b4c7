"""A reactor's side of a thread, stepped by the test: real threads, and no running reactor."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

#: Seconds after which a thread that says nothing is taken for stuck.
PATIENCE = 30.0


@implementer(IReactorFromThreads)
class Inbox:
    """Keeps what threads hand over until the test takes it out."""

    def __init__(self) -> None:
        self._calls: Queue[tuple[Callable[..., Any], tuple[object, ...], dict[str, object]]]
        self._calls = Queue()

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:
        """Keep a call; the only method that threads use."""
        self._calls.put((callable, args, kwargs))

    def step(self) -> None:
        """
        Run the next call, waiting for it.

        @raise queue.Empty: there was none for too long.
        """
        function, args, kwargs = self._calls.get(timeout=PATIENCE)
        function(*args, **kwargs)
