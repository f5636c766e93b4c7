"""The data plane of a process without workers; it takes over from those that there were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from fiberlb.model.settings import Settings
from fiberlb.relay.binding import Binding
from fiberlb.relay.loop import Loop
from fiberlb.relay.plane import DataPlane
from fiberlb.relay.prepared import Prepared
from fiberlb.relay.services import Services, request_ids
from fiberlb.workers.heir import Heir


class SolePlane(DataPlane):
    """
    All traffic in this process.

    @param log: L{fiberlb.observe.access_log.AccessLog} by shape.
    @param wall: seconds since the epoch.
    @param random: numbers from 0 to 1.
    @param random_bytes: for ids.
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
    ) -> None:
        self._heir = Heir(reactor, binding, settings.shutdown.worker_deadline, self.accept_also)
        services = Services(
            loop,
            lambda stamp: stamp + wall() - loop.now,
            request_ids(random_bytes),
            bind=self._heir.bind,
            further=self._heir.further,
            release=binding.release,
        )
        super().__init__(reactor, services, log, settings.trusted_proxies, random=random)

    async def begin(self, directory: str) -> None:
        """
        Gather what workers of an earlier process hold, and begin to keep the time.

        @param directory: the state directory, which this process holds; empty: there is none.
        """
        await self._heir.gather(directory)
        self.start()

    def activate(self, prepared: Prepared) -> None:
        """As of any plane; after the first one this process serves, and those workers drain."""
        super().activate(prepared)
        self._heir.dismiss()

    def stop(self, deadline: float, patience: float = 0.0) -> Deferred[None]:
        """As of any plane; those workers end too."""
        left = Deferred.fromCoroutine(self._heir.stop(deadline))
        return super().stop(deadline, patience).addCallback(lambda _: left)

    def hasten(self, deadline: float) -> None:
        """As of any plane; those workers too."""
        super().hasten(deadline)
        self._heir.hasten(deadline)
