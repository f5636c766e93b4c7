"""
Threads that leave the signals of the process to the main thread.

The system gives a signal of the process to any thread that does not block it. The main thread
blocks some while another image is about to take the place of this one: they wait for that image.
One that another thread took meanwhile would be lost with it.
"""

from __future__ import annotations

import signal
from threading import Thread
from typing import Final

from twisted.python.threadpool import ThreadPool

#: What somebody may send to have the process do something.
LEFT: Final = frozenset(
    (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
)


class QuietThread(Thread):
    """A thread that takes none of L{LEFT}."""

    def start(self) -> None:
        """As of any thread. It has the mask of whoever starts it from its first moment."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, LEFT)
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def quieten(pool: ThreadPool) -> ThreadPool:
    """Have the threads that a pool starts from now on be such; the pool."""
    pool.threadFactory = QuietThread
    return pool
