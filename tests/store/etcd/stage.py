"""Stores over a real etcd, each test below a prefix of its own; the reactor is turned by hand."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Coroutine, Mapping
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.protocols.tls import _get_default_clock

from fiberlb.model.store import EtcdSettings
from fiberlb.store.engine import KEPT, Kept
from fiberlb.store.etcd.documents import octets, text
from fiberlb.store.etcd.store import EtcdStore
from tests.store.stage import Stage, deferred, outcome
from tests.support.etcd import Etcd, one, shared
from tests.support.ports import free_port

T = TypeVar("T")

#: Seconds for anything at all, on a slow machine.
PATIENCE = 90.0
_numbers = itertools.count()


class EtcdStage(Stage):
    """
    Stores over one etcd.

    @ivar reactor: of this stage alone.

    @param etcd: C{None}: the one that is shared.
    @param more: of the settings.
    """

    writers = 20

    def __init__(
        self, kept: Kept = KEPT, etcd: Etcd | None = None, more: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(kept)
        self.own: Etcd | None = None
        if etcd is None and kept != KEPT:
            # Compacting would be felt by all.
            etcd = self.own = one()
        self.etcd = etcd or shared()
        self.prefix = f"/t{os.getpid()}-{next(_numbers)}/"
        self.settings = EtcdSettings(
            **{"endpoints": (self.etcd.url,), "prefix": self.prefix, **(more or {})}
        )
        self.stores: list[EtcdStore] = []
        self.reactor: Any = EPollReactor()
        self.reactor.startRunning(installSignalHandlers=False)

    def store(self) -> EtcdStore:
        """Another store below the same prefix."""
        made = EtcdStore(self.settings, self.reactor, self.clock, lambda: 1e9, lambda: uuid4().hex)
        self.stores.append(made)
        return made

    def turn(self, ready: Callable[[], bool]) -> None:
        """
        Turn the reactor until something is so.

        @raise TimeoutError: it is not.
        """
        end = monotonic() + PATIENCE
        timers: Any = _get_default_clock()
        while not ready():
            if monotonic() > end:
                raise TimeoutError
            self.reactor.iterate(0.01)
            # Twisted's TLS puts small writes off, by the time of a reactor of its own choice.
            timers.runUntilCurrent()

    def wait(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """What it came to."""
        waiting = deferred(work)
        self.turn(lambda: bool(waiting.called) and not waiting.paused)
        return outcome(waiting)

    def idle(self) -> None:
        """Until nobody asks the etcd for anything, and every watch has heard of all there is."""
        quiet = 0
        while quiet < 2:
            due = self._run_due()
            self.turn(lambda: not self._busy())
            self._catch_up()
            quiet = 0 if due or self._run_due() or self._busy() else quiet + 1

    def _busy(self) -> bool:
        return any(store._gateway.busy for store in self.stores)

    def _run_due(self) -> bool:
        due = [c for c in self.clock.getDelayedCalls() if c.getTime() <= self.clock.seconds()]
        self.clock.advance(0)
        return bool(due)

    def _catch_up(self) -> None:
        """Every watch hears of a key that is none of the store's."""
        watches = [w for store in self.stores for w in store._listening.watches]
        if not any(watch.active for watch in watches):
            return
        name = text(f"{self.prefix}entries.idle".encode())
        at = int(self.etcd.ask("kv/put", {"key": name})["header"]["revision"])

        def heard() -> bool:
            self.clock.advance(0)
            return all(not w.active or (w.seen >= at and w.quiet) for w in watches)

        self.turn(heard)

    def reach(self, endpoints: tuple[str, ...]) -> None:
        """Stores made from now on go these ways."""
        self.settings = attrs.evolve(self.settings, endpoints=endpoints)

    def nowhere(self) -> EtcdStore:
        """A store at a place where nobody is."""
        self.reach((f"http://127.0.0.1:{free_port()}",))
        return self.store()

    def left(self) -> list[str]:
        """The keys of large commits that are not over."""
        first, end = f"{self.prefix}staged/", f"{self.prefix}staged0"
        found = []
        for start, stop in ((first, end), (f"{self.prefix}entries.", f"{self.prefix}entries/")):
            request = {"key": text(start.encode()), "range_end": text(stop.encode())}
            found += self.etcd.ask("kv/range", request).get("kvs", [])
        keys = [octets(pair, "key").decode() for pair in found]
        return [key for key in keys if not key.endswith("entries.idle")]

    def forget(self) -> None:
        """Compact what is beyond what is to be kept."""
        at = self.etcd.revision()
        keep = self.kept.revisions
        self.etcd.ask("kv/compaction", {"revision": str(at - keep + 1), "physical": True})

    def end(self) -> None:
        """Close them all."""
        for store in self.stores:
            self.wait(store.close())
        self.reactor.fireSystemEvent("shutdown")
        self.reactor.disconnectAll()
        if self.own is not None:
            self.own.stop()
