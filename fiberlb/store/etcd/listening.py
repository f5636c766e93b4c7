"""All watches of one process: told in turn after what it wrote itself, and looked after."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.store.etcd.documents import Keyspace
from fiberlb.store.etcd.gateway import Gateway, Refusal, Silent
from fiberlb.store.etcd.large import Large
from fiberlb.store.etcd.watching import Watch, newest
from fiberlb.store.interface import OnRevision

#: Seconds between two looks at the members that streams come from.
LOOK = 5.0
#: Seconds that a stream may be behind the member that it comes from.
BEHIND = 2.0


class Listening:
    """
    The watches.

    @param clock: tells the news.
    """

    _log = Logger()

    def __init__(self, gateway: Gateway, keys: Keyspace, large: Large, clock: IReactorTime) -> None:
        self._gateway = gateway
        self._keys = keys
        self._large = large
        self._clock = clock
        self._holds = 0
        self._deaf: set[Watch] = set()
        self.watches: list[Watch] = []
        self._looking = LoopingCall(self._look)
        self._looking.clock = gateway.reactor

    def watch(self, from_rev: int, on_revision: OnRevision, on_reset: Callable[[], None]) -> Watch:
        """Begin another one."""
        made = Watch(
            self._gateway,
            self._keys,
            self._large,
            self._clock,
            lambda: self._holds > 0,
            self._heard,
            from_rev,
            on_revision,
            on_reset,
        )
        self.watches = [watch for watch in self.watches if watch.active]
        self._deaf.intersection_update(self.watches)
        self.watches.append(made)
        if not self._looking.running:
            self._looking.start(LOOK, now=False).addErrback(
                lambda why: self._log.failure("Looking after watches broke", why)
            )
        return made

    def hold(self) -> None:
        """Tell nothing for now: whoever writes is to hear of it first."""
        self._holds += 1

    def go_on(self) -> None:
        """The opposite of L{hold}."""
        self._holds -= 1
        if not self._holds:
            for watch in tuple(self.watches):
                watch.wake()

    def stop(self) -> None:
        """End them all."""
        if self._looking.running:
            self._looking.stop()
        for watch in self.watches:
            watch.stop()

    def _heard(self, watch: Watch, why: str) -> None:
        """Say it of the first watch that hears nothing, and when all hear again."""
        if why and not self._deaf:
            self._log.warn("The etcd is not heard: {why}", why=why)
        if not why and self._deaf == {watch}:
            self._log.info("The etcd is heard again")
        if why:
            self._deaf.add(watch)
        else:
            self._deaf.discard(watch)

    async def _look(self) -> None:
        """Ask every member that a stream comes from what it has."""
        used = {watch.endpoint for watch in self.watches if watch.active}
        for endpoint in used - {None}:
            if endpoint is not None:
                Deferred.fromCoroutine(self._look_at(endpoint)).addErrback(
                    lambda why: self._log.failure("Looking after a watch broke", why)
                )

    async def _look_at(self, endpoint: int) -> None:
        try:
            at = await newest(self._gateway, self._keys, endpoint)
        except Refusal:
            return
        except Silent:
            at = -1
        else:
            await self._gateway.pause(BEHIND)
        for watch in tuple(self.watches):
            if watch.active and watch.endpoint == endpoint and (at < 0 or watch.seen < at):
                watch.reopen()
