"""The data plane of a process without workers; it takes over from those that there were."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from twisted.internet.defer import Deferred

from fiberlb.balancing.affinity_table import AffinityTable
from fiberlb.guards.guards import Guards
from fiberlb.model.overload import Overload
from fiberlb.model.settings import Settings
from fiberlb.observe.kept import Sought
from fiberlb.relay.accept import Acceptor
from fiberlb.relay.affinity import private_table
from fiberlb.relay.binding import Binding
from fiberlb.relay.lag import Lag
from fiberlb.relay.loop import Loop
from fiberlb.relay.plane import DataPlane
from fiberlb.relay.prepared import Prepared
from fiberlb.relay.services import Services, request_ids
from fiberlb.snapshot import Snapshot
from fiberlb.workers.heir import Heir
from fiberlb.workers.leaving import Leaving, split
from fiberlb.workers.slots import Address


class SolePlane(DataPlane):
    """
    All traffic in this process.

    @param log: L{fiberlb.observe.access_log.AccessLog} by shape.
    @param wall: seconds since the epoch.
    @param random: numbers from 0 to 1.
    @param random_bytes: for ids.
    @param make_table: of clients and their members.
    @param suspect: told of members at which requests fail too often.
    """

    def __init__(
        self,
        reactor: Any,
        loop: Loop,
        log: Any,
        settings: Settings,
        binding: Binding,
        *,
        wall: Callable[[], float],
        random: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        make_table: Callable[[], AffinityTable] = private_table,
        suspect: Callable[[str, str, str], None] = lambda member, cause, told: None,
    ) -> None:
        self._directory = ""
        # Where an address has several sockets: those of workers that were before this process.
        self._further: dict[Address, list[Any]] = {}
        self._lasting = settings.shutdown.worker_deadline
        self._heir = Heir(reactor, binding, self._lasting, self.accept_also)
        services = Services(
            loop,
            lambda stamp: stamp + wall() - loop.now,
            request_ids(wall, random_bytes),
            bind=self._heir.bind,
            release=binding.release,
            suspect=suspect,
            lag=Lag(loop),
            guards=Guards(reactor, wall, random_bytes),
        )
        super().__init__(
            reactor,
            services,
            log,
            settings.trusted_proxies,
            random=random,
            make_table=make_table,
        )
        self.relieve(settings.overload)

    def relieve(self, settings: Overload) -> None:
        """What is done when this process is too slow."""
        self.shedding.settings = settings

    async def begin(self, directory: str) -> None:
        """
        Gather what workers of an earlier process hold, and begin to keep the time.

        @param directory: the state directory, which this process holds; empty: there is none.
        """
        self._directory = directory
        await self._heir.gather(directory)
        self.start()

    def activate(self, prepared: Prepared) -> None:
        """As of any plane; after the first one this process serves, and those workers drain."""
        super().activate(prepared)
        self._heir.dismiss()

    async def recall(self, ident: str) -> dict[str, Any] | None:
        """What is known of an answer of this process."""
        return self._services.kept.find(ident)

    async def recent(self, sought: Sought, most: int) -> list[dict[str, Any]]:
        """The last answers of this process."""
        return list(islice(self._services.kept.last(sought), most))

    # Another image of the process.

    async def leave_behind(self, let_go: Callable[[], None]) -> None:
        """
        Have a copy of this process go on with what is served; returns in this one only.

        @param let_go: called in the copy: gives up what only one process may hold.
        """
        # The copy is not to find itself.
        await self._heir.close()
        self._log.stop()
        if split(self._directory, let_go):
            self._log.resume()
            leaving = Leaving(self._reactor, self, self._directory, self._lasting, self._log.stop)
            leaving.begin()
            await leaving.never

    def sockets(self) -> list[tuple[tuple[str, int], int, Any]]:
        """What is accepted from: address, a number, socket."""
        return [(key, number, reader.sock) for key, number, reader in self._readers()]

    def drain(self, deadline: float, patience: float) -> Deferred[None]:
        """Let go of every socket: another process accepts from them; finish what runs."""
        for _, _, reader in self._readers():
            reader.leave()
        self._acceptors.clear()
        self._further.clear()
        return super().stop(deadline, patience)

    # Sockets.

    def _accepting(self) -> list[Acceptor]:
        return [a for _, _, a in self._readers() if isinstance(a, Acceptor)]

    def _readers(self) -> list[tuple[Address, int, Any]]:
        """What takes in connections and datagrams: address, a number, itself."""
        return [
            (key, number, reader)
            for key, first in self._acceptors.items()
            for number, reader in enumerate((first, *self._further.get(key, ())))
        ]

    def accept_also(self, key: Address, sock: Any) -> bool:
        """Accept from one more socket at an address; false when nothing is served there."""
        acceptor = self._acceptors.get(key)
        if acceptor is not None:
            also = self._accept_from(key, sock, acceptor.cell.id)
            self._further.setdefault(key, []).append(also)
        return acceptor is not None

    def _swap_sockets(self, snapshot: Snapshot, prepared: Prepared) -> None:
        super()._swap_sockets(snapshot, prepared)
        for key, acceptor in self._acceptors.items():
            for each in self._further.get(key, ()):
                each.cell, each.slot = acceptor.cell, acceptor.slot
            for sock in self._heir.further(key):
                self.accept_also(key, sock)

    def _stop_accepting(self, key: Address) -> None:
        for acceptor in self._further.pop(key, ()):
            acceptor.stop()
        super()._stop_accepting(key)

    def stop(self, deadline: float, patience: float = 0.0) -> Deferred[None]:
        """As of any plane; those workers end too."""
        left = Deferred.fromCoroutine(self._heir.stop(deadline))
        return super().stop(deadline, patience).addCallback(lambda _: left)

    def hasten(self, deadline: float) -> None:
        """As of any plane; those workers too."""
        super().hasten(deadline)
        self._heir.hasten(deadline)
