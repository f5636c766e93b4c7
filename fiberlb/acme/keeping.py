"""
Keeping certificates: who is due is ordered, what was issued goes into force, failures wait.

One node orders where several share a store: the one that leads. It stands for
that only while something is due, so nothing is written while nothing is to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.acme.challenge import Shown
from fiberlb.acme.issued import Issued, Record
from fiberlb.acme.orders import Orders, Surroundings
from fiberlb.acme.schedule import due, unfinished_pause, wanted
from fiberlb.acme.shelf import Shelf
from fiberlb.model.acme import AcmeSettings
from fiberlb.model.certificate import Certificate
from fiberlb.model.challenges import Challenges
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Owner
from fiberlb.model.settings import Settings
from fiberlb.store.interface import Election, Store, StoreError
from fiberlb.store.sealed import Keyring

_log = Logger()
#: Seconds between a change of the configuration and the look at it, so that it is in force.
SETTLING = 1.0
#: Seconds between two looks at the most: clocks are set, machines sleep.
LONGEST_SLEEP = 3600.0
#: Seconds that the leadership lasts when its holder falls silent.
LEASE = 15.0


class Control(Protocol):
    """What is asked of the control service."""

    @property
    def configuration(self) -> Configuration:
        """In force."""

    def observe(self, changed: Callable[[], None]) -> None:
        """Call this whenever another configuration is in force."""

    def refresh_material(self) -> Deferred[None]:
        """Put in force again, with what was issued meanwhile."""


def keep(
    world: Any,
    settings: Settings,
    store: Store,
    keyring: Keyring,
    issued: Issued,
    put_up: Callable[[Challenges], Awaitable[None]],
) -> Keeping:
    """
    The service of a node.

    @param world: L{fiberlb.node.World} by shape.
    """
    node = f"{settings.node.name or world.host_name}/{world.make_id()}"
    around = Surroundings(reactor=world.reactor, wall=world.wall, random=world.random, node=node)
    return Keeping(around, store, keyring, issued, settings.acme, put_up)


class Keeping:
    """
    The service.

    @param settings: of the process; the attribute may be replaced.
    @param put_up: has every process answer challenges; see L{Shown}.

    @ivar orders: those that run here.
    """

    def __init__(
        self,
        around: Surroundings,
        store: Store,
        keyring: Keyring,
        issued: Issued,
        settings: AcmeSettings,
        put_up: Callable[[Challenges], Awaitable[None]],
    ) -> None:
        self.settings = settings
        self._around = around
        self._store = store
        self._issued = issued
        self._shelf = Shelf(store, keyring, issued, self._elsewhere)
        self._control: Control | None = None
        self.orders = Orders(around, self._shelf, issued, Shown(put_up), self._enforce, self._ended)
        self._known: frozenset[str] = frozenset()
        self._election: Election | None = None
        self._led = False
        self._timer: Any = None
        self._at = 0

    async def load(self) -> None:
        """
        Read what was issued; before the first configuration is put in force.

        @raise fiberlb.store.interface.StoreError: the store cannot be read.
        """
        self._at = await self._shelf.load()

    def begin(self, control: Control) -> None:
        """A configuration serves: look after its certificates from now on."""
        self._control = control
        self._shelf.follow(self._at)
        control.observe(self._changed)
        self._known = self._stored()
        self._settle_unfinished()
        self._drop_ended()
        self._later(0.0)

    async def stop(self) -> None:
        """Give up what runs, and the leadership."""
        self._control = None
        self._shelf.stop()
        self._sleep_no_more()
        await self.orders.stop()
        await self._resign()

    # When.

    def _settle_unfinished(self) -> None:
        """Orders that an earlier process was ended in are not begun again over and over."""
        now = self._around.wall()
        for ident, record in self._issued.records.items():
            if record.unfinished:
                wait = now + unfinished_pause(record.unfinished)
                self._issued.records[ident] = attrs.evolve(
                    record, next_try=max(record.next_try, wait)
                )

    def _drop_ended(self) -> None:
        """Records of certificates that nobody configures and nobody could use."""
        now = self._around.wall()
        known = self._all()
        for ident, record in list(self._issued.records.items()):
            over = record.issue is None or record.issue.not_after < now
            if ident not in known and over:
                self._forget(ident)

    def _changed(self) -> None:
        """Another configuration: orders for what is no longer wanted end."""
        certificates = self._certificates()
        for ident, digest in self.orders.running().items():
            made = certificates.get(ident)
            if made is None or self._digest(made) != digest:
                self.orders.give_up(ident, ident not in self._all())
        stored = self._stored()
        for ident in self._known - stored - self._all().keys():
            self._forget(ident)
        self._known = stored
        self._later(SETTLING)

    def _elsewhere(self) -> None:
        """Another node has ordered something, or the store has to be read again."""
        self._do(self._taken_over(), "what another node has ordered is not in force")

    async def _taken_over(self) -> None:
        self._shelf.follow(await self._shelf.load())
        await self._enforce()
        self._later(0.0)

    def _all(self) -> Mapping[str, Certificate]:
        if self._control is None:
            return {}
        found = self._control.configuration.all(Certificate)
        return {ident: made for ident, made in found.items() if made.acme is not None}

    def _certificates(self) -> Mapping[str, Certificate]:
        return {ident: made for ident, made in self._all().items() if made.enabled}

    def _stored(self) -> frozenset[str]:
        """Those of the store; one that leaves a file may come back to it."""
        if self._control is None:
            return self._known
        owner = self._control.configuration.owner
        return frozenset(ident for ident in self._all() if owner(ident) is not Owner.FILE)

    def _digest(self, made: Certificate) -> str:
        assert made.acme is not None
        return wanted(made.acme.domains, made.acme.within(self.settings))

    def _later(self, delay: float) -> None:
        self._sleep_no_more()
        if self._control is not None:
            self._timer = self._around.reactor.callLater(delay, self._look)

    def _sleep_no_more(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look(self) -> None:
        """Who is due: order; nobody is: sleep until somebody will be."""
        now = self._around.wall()
        waiting = []
        soonest = now + LONGEST_SLEEP
        for ident, made in self._certificates().items():
            if made.acme is None or self.orders.runs(ident):
                continue
            record = self._issued.records.get(ident, Record())
            at = due(record, made.acme.domains, made.acme.within(self.settings))
            if at <= now:
                waiting.append(made)
            else:
                soonest = min(soonest, at)
        if waiting:
            self._stand()
            # Changes of the leadership, and ends of orders, look again.
            if self._led:
                self._start(waiting)
        elif not self.orders.running():
            self._do(self._resign(), "the leadership is not handed back")
        self._later(max(soonest - now, 0.05))

    # Leading.

    def _stand(self) -> None:
        if self._election is None:
            election = self._store.lead("acme", self._around.node, LEASE)
            self._election = election
            election.observe(self._led_changed)
            if election.leading:
                # A store in memory has told before anybody listened.
                self._led_changed(True)

    def _led_changed(self, leading: bool) -> None:
        self._led = False
        if leading:
            self._do(self._lead(), "the records cannot be read")

    async def _lead(self) -> None:
        """What the last leader wrote counts, heard of or not."""
        election = self._election
        before = dict(self._issued.records)
        await self._shelf.load()
        if before != self._issued.records:
            # What this process must not begin again at once is known to it alone.
            for ident, record in before.items():
                stored = self._issued.records.get(ident)
                if stored is not None and stored.unfinished and record.unfinished:
                    self._issued.records[ident] = attrs.evolve(stored, next_try=record.next_try)
            await self._enforce()
        self._led = election is self._election and election is not None and election.leading
        self._later(0.0)

    async def _resign(self) -> None:
        election, self._election, self._led = self._election, None, False
        if election is not None:
            await election.resign()

    # Orders.

    def _start(self, waiting: list[Certificate]) -> None:
        assert self._election is not None and self._control is not None
        for made in waiting:
            assert made.acme is not None
            settings = made.acme.within(self.settings)
            self.orders.start(made, settings, self._control.configuration, self._election)

    async def _enforce(self) -> None:
        if self._control is not None:
            await self._control.refresh_material()

    def _ended(self) -> None:
        self._later(0.0)

    def _forget(self, ident: str) -> None:
        """A certificate of the store is gone: so is its key. A file may name it again."""
        if ident in self._issued.records:
            self._do(self._shelf.forget(ident), "the record of a certificate is not deleted")

    def _do(self, work: Any, failed: str) -> None:
        def told(why: Any) -> None:
            if why.check(StoreError):
                _log.error("{what}: {why}", what=failed, why=str(why.value))
            else:
                _log.failure(failed, failure=why)

        Deferred.fromCoroutine(work).addErrback(told)
