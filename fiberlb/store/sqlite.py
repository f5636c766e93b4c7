"""The store of one machine: a SQLite file, used from a thread of its own."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from fiberlb.store.database import Database
from fiberlb.store.engine import KEPT, Kept
from fiberlb.store.running import EngineStore
from fiberlb.store.worker import Worker

#: Seconds between looks for what other processes wrote.
POLL = 0.2
#: Seconds to wait for other processes' writes.
BUSY = 5.0


class SqliteStore(EngineStore):
    """The store C{sqlite:PATH}; made by L{open}, to be closed."""

    @classmethod
    async def open(
        cls,
        path: str,
        clock: IReactorTime,
        threads: IReactorFromThreads,
        *,
        kept: Kept = KEPT,
    ) -> SqliteStore:
        """
        Open the file, and make it if there is none.

        @param clock: its C{seconds} must be the wall clock, which leases share between processes.
        @param threads: brings results back into the reactor's thread.
        @raise Unusable: no database of ours, a newer form of it, or no right to it.
        @raise Unavailable: it cannot be opened now.
        """
        worker = Worker(threads, f"fiberlb-store {path}")
        try:
            database = await worker.run(lambda: Database(path, busy=BUSY, kept=kept))
        except BaseException:
            await worker.stop()
            raise
        return cls(database, worker, clock, POLL)
