"""
Keeping certificates: who is due is ordered, what was issued goes into force, failures wait.

One node orders where several share a store: the one that leads. It stands for
that only while something is due, so nothing is written while nothing is to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger

from fiberlb.acme.challenge import Shown
from fiberlb.acme.client import AcmeError, Client, web_client
from fiberlb.acme.documents import Account
from fiberlb.acme.issued import Issue, Issued, Record
from fiberlb.acme.jws import AccountKey
from fiberlb.acme.order import Order
from fiberlb.acme.schedule import due, kinds, pause, unfinished_pause, wanted
from fiberlb.acme.shelf import Shelf
from fiberlb.model.acme import AcmeSettings
from fiberlb.model.certificate import Certificate
from fiberlb.model.challenges import Challenges
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Owner
from fiberlb.model.settings import Settings
from fiberlb.store.interface import (
    Conflict,
    Election,
    NotLeading,
    Store,
    StoreError,
    UnknownOutcome,
)
from fiberlb.store.sealed import Keyring

_log = Logger()
#: Seconds between a change of the configuration and the look at it, so that it is in force.
SETTLING = 1.0
#: Seconds between two looks at the most: clocks are set, machines sleep.
LONGEST_SLEEP = 3600.0
#: Seconds that the leadership lasts when its holder falls silent.
LEASE = 15.0
#: Orders at the same time.
MOST_ORDERS = 4
#: How often, and how many seconds apart, what was issued is tried to be stored.
SAVES, SAVE_PAUSE = 12, 5.0


class Control(Protocol):
    """What is asked of the control service."""

    @property
    def configuration(self) -> Configuration:
        """In force."""

    def observe(self, changed: Callable[[], None]) -> None:
        """Call this whenever another configuration is in force."""

    def refresh_material(self) -> Deferred[None]:
        """Put in force again, with what was issued meanwhile."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """
    What the service is given.

    @ivar reactor: clock and network.
    @ivar wall: seconds since the epoch.
    @ivar random: numbers from 0 to 1.
    @ivar node: who leads; unlike the others.
    """

    reactor: Any
    wall: Callable[[], float]
    random: Callable[[], float]
    node: str


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


class _Running:
    """One order that runs here."""

    def __init__(self, certificate: Certificate, digest: str) -> None:
        self.certificate = certificate
        self.digest = digest
        self.done: Deferred[None] = Deferred()
        self.given_up = False

    def give_up(self) -> None:
        """It is not wanted any more."""
        self.given_up = True
        self.done.cancel()


class Keeping:
    """
    The service.

    @param settings: of the process; the attribute may be replaced.
    @param put_up: has every process answer challenges; see L{Shown}.
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
        self._shown = Shown(put_up)
        self._shelf = Shelf(store, keyring, issued, self._elsewhere)
        self._control: Control | None = None
        self._clients: dict[tuple[str, str | None, str], Client] = {}
        self._running: dict[str, _Running] = {}
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
        running = list(self._running.values())
        for each in running:
            each.give_up()
        await DeferredList([each.done for each in running], consumeErrors=True)
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
        for ident, running in list(self._running.items()):
            made = certificates.get(ident)
            if made is None or self._digest(made) != running.digest:
                running.give_up()
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
        if self._control is not None:
            await self._control.refresh_material()
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
            if ident in self._running or made.acme is None:
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
        elif not self._running:
            self._do(self._resign(), "the leadership is not handed back")
        self._later(max(soonest - now, 0.05))

    # Leading.

    def _stand(self) -> None:
        if self._election is None:
            election = self._store.lead("acme", self._around.node, LEASE)
            self._election = election
            election.observe(self._led_changed)

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
            if self._control is not None:
                await self._control.refresh_material()
        self._led = election is self._election and election is not None and election.leading
        self._later(0.0)

    async def _resign(self) -> None:
        election, self._election, self._led = self._election, None, False
        if election is not None:
            await election.resign()

    # Orders.

    def _start(self, waiting: list[Certificate]) -> None:
        for made in waiting:
            assert made.acme is not None
            busy = {d for r in self._running.values() for d in r.certificate.acme.domains}  # type: ignore[union-attr]
            # A name is proved for one order at a time.
            if len(self._running) >= MOST_ORDERS or busy & set(made.acme.domains):
                continue
            running = _Running(made, self._digest(made))
            self._running[made.id] = running
            self._issued.running.add(made.id)
            running.done = Deferred.fromCoroutine(self._run(made, running))
            running.done.addErrback(lambda why: why.trap(CancelledError))
            running.done.addErrback(lambda why: _log.failure("an order broke", failure=why))

    async def _run(self, made: Certificate, running: _Running) -> None:
        assert made.acme is not None and self._election is not None
        ident, election = made.id, self._election
        record = self._issued.records.get(ident, Record())
        if record.wanted != running.digest:
            record = attrs.evolve(record, failures=0, last_error="", next_try=0.0)
        begun = attrs.evolve(record, wanted=running.digest, unfinished=record.unfinished + 1)
        ended: Record = attrs.evolve(begun, unfinished=0)
        try:
            await self._shelf.save(election, ident, begun)
            issue = await self._ordered(made, record.failures)
            ended = Record(issue=issue, wanted=running.digest)
        except AcmeError as why:
            if not running.given_up:
                ended = self._failed(made, ended, str(why), why.retry_after)
        except StoreError as why:
            ended = self._failed(made, ended, f"the store cannot be used: {why}", 0.0)
        except CancelledError:
            raise
        except Exception as why:
            _log.failure("the order of certificate {name} broke", name=made.name)
            ended = self._failed(made, ended, f"internal: {type(why).__name__}", 0.0)
        finally:
            await self._finished(election, made, ended)

    async def _ordered(self, made: Certificate, failures: int) -> Issue:
        """
        One order.

        @raise AcmeError: it did not come to a certificate.
        """
        assert made.acme is not None and self._control is not None
        settings = made.acme.within(self.settings)
        chosen = kinds(self._control.configuration, settings, failures)
        if not chosen:
            raise AcmeError(
                "no listener can answer a challenge: one for http on port 80 is needed,"
                " or one for https on port 443"
            )
        _log.info(
            "Certificate {name}: ordering it for {domains} by {kind}",
            name=made.name,
            domains=", ".join(made.acme.domains),
            kind=chosen[0].value,
        )
        client = await self._client(settings)
        clock = self._around.reactor
        order = Order(client, self._shown, clock, chosen, settings.directory)
        try:
            return await order.run(made.acme.domains)
        except AcmeError as why:
            if why.kind in ("accountDoesNotExist", "unauthorized", "malformed"):
                # Perhaps the authority has forgotten us: the account is asked for next time.
                client.account = ""
            raise

    async def _client(self, settings: AcmeSettings) -> Client:
        """The client of an account, which is registered."""
        key = (settings.directory, settings.email, settings.ca)
        client = self._clients.get(key)
        if client is None:
            account = await self._shelf.account(settings.directory, settings.email)
            web = web_client(self._around.reactor, settings.ca)
            private = AccountKey.read(account.key)
            clock = self._around.reactor
            client = Client(web, clock, settings.directory, private, account.url)
            client = self._clients.setdefault(key, client)
        if not client.account:
            await client.register(settings.email)
            account = Account(client.key.pem(), client.account)
            await self._shelf.registered(settings.directory, settings.email, account)
        return client

    def _failed(self, made: Certificate, record: Record, why: str, retry_after: float) -> Record:
        failures = record.failures + 1
        wait = pause(failures, retry_after, self._around.random)
        _log.error(
            "Certificate {name} was not issued: {why}; next attempt in {wait} s",
            name=made.name,
            why=why,
            wait=round(wait),
        )
        at = self._around.wall() + wait
        return attrs.evolve(record, failures=failures, last_error=why, next_try=at)

    async def _finished(self, election: Election, made: Certificate, record: Record) -> None:
        """Write down how an order ended, and put in force what was issued."""
        ident = made.id
        self._issued.records[ident] = record
        self._issued.running.discard(ident)
        try:
            if record.issue is not None and not record.last_error and self._control is not None:
                await self._control.refresh_material()
                _log.info("Certificate {name} was issued and is in force", name=made.name)
        except Exception:
            _log.failure("what was issued for {name} is not in force", name=made.name)
        await self._saved(election, made, record)
        # Until here it counts as running: the leadership is needed to write.
        self._running.pop(ident, None)
        self._later(0.0)

    async def _saved(self, election: Election, made: Certificate, record: Record) -> None:
        """Write a record; what was issued is worth several attempts."""
        for _ in range(SAVES):
            try:
                await self._shelf.save(election, made.id, record)
                return
            except (Conflict, NotLeading) as why:
                _log.warn("Certificate {name}: {why}", name=made.name, why=str(why))
                return
            except (UnknownOutcome, StoreError) as why:
                _log.error(
                    "Certificate {name}: how its order ended is not stored: {why}",
                    name=made.name,
                    why=str(why),
                )
                if self._control is None:
                    return
                await self._pause(SAVE_PAUSE)

    async def _pause(self, seconds: float) -> None:
        wait: Deferred[None] = Deferred()
        self._around.reactor.callLater(seconds, wait.callback, None)
        await wait

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
