"""The orders that run here, each from its first record to what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import Logger

from fiberlb.acme.challenge import Shown
from fiberlb.acme.client import AcmeError, Client, web_client
from fiberlb.acme.documents import Account
from fiberlb.acme.issued import Issue, Issued, Record
from fiberlb.acme.jws import AccountKey
from fiberlb.acme.order import Order
from fiberlb.acme.schedule import kinds, pause, wanted
from fiberlb.acme.shelf import Shelf
from fiberlb.model.acme import AcmeSettings
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.store.interface import Conflict, Election, NotLeading, StoreError

_log = Logger()
#: Orders at the same time.
MOST_ORDERS = 4
#: How often, and how many seconds apart, the end of an order is tried to be stored.
SAVES, SAVE_PAUSE = 12, 5.0


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


@attrs.define
class _Running:
    """
    One order.

    @ivar digest: of what it is for.
    @ivar given_up: it is not wanted any more.
    @ivar gone: the certificate is not configured any more.
    """

    certificate: Certificate
    settings: AcmeSettings
    configuration: Configuration
    election: Election
    digest: str
    done: Deferred[None]
    given_up: bool = False
    gone: bool = False
    finishing: bool = False


class Orders:
    """
    Runs orders, at most L{MOST_ORDERS} at a time.

    @param enforce: puts in force what was issued.
    @param ended: called when one has ended, whichever way.
    """

    def __init__(
        self,
        around: Surroundings,
        shelf: Shelf,
        issued: Issued,
        shown: Shown,
        enforce: Callable[[], Awaitable[None]],
        ended: Callable[[], None],
    ) -> None:
        self._around = around
        self._shelf = shelf
        self._issued = issued
        self._shown = shown
        self._enforce = enforce
        self._ended = ended
        self._clients: dict[tuple[str, str | None, str], Client] = {}
        self._running: dict[str, _Running] = {}
        self._stopping = False

    def runs(self, ident: str) -> bool:
        """Whether a certificate is being ordered here."""
        return ident in self._running

    def running(self) -> dict[str, str]:
        """What is being ordered: ids of certificates, and digests of what for."""
        return {ident: each.digest for ident, each in self._running.items()}

    def start(
        self,
        made: Certificate,
        settings: AcmeSettings,
        configuration: Configuration,
        election: Election,
    ) -> None:
        """Begin an order, unless there are enough, or one proves a name of it already."""
        assert made.acme is not None
        domains = set(made.acme.domains)
        others = [r.certificate.acme for r in self._running.values()]
        busy = any(domains.intersection(each.domains) for each in others if each is not None)
        if busy or len(self._running) >= MOST_ORDERS or made.id in self._running:
            return
        digest = wanted(made.acme.domains, settings)
        running = _Running(made, settings, configuration, election, digest, Deferred())
        self._running[made.id] = running
        self._issued.running.add(made.id)
        running.done = Deferred.fromCoroutine(self._run(running))
        running.done.addErrback(lambda why: why.trap(CancelledError))
        running.done.addErrback(lambda why: _log.failure("an order broke", failure=why))

    def give_up(self, ident: str, gone: bool = False) -> None:
        """
        End an order that is not wanted any more.

        @param gone: neither is the certificate.
        """
        running = self._running.get(ident)
        if running is not None and not running.given_up:
            running.gone = gone
            running.given_up = True
            # What has been issued is put in force and written down, whoever wants it.
            if not running.finishing:
                running.done.cancel()

    async def stop(self) -> None:
        """Give up all of them; returns when that is written down."""
        self._stopping = True
        every = [each.done for each in self._running.values()]
        for ident in list(self._running):
            self.give_up(ident)
        await DeferredList(every, consumeErrors=True)

    # One order.

    async def _run(self, running: _Running) -> None:
        ident = running.certificate.id
        record = self._issued.records.get(ident, Record())
        if record.wanted != running.digest:
            record = attrs.evolve(record, failures=0, last_error="", next_try=0.0)
        begun = attrs.evolve(record, wanted=running.digest, unfinished=record.unfinished + 1)
        ended: Record = attrs.evolve(begun, unfinished=0)
        try:
            await self._shelf.save(running.election, ident, begun)
            issue = await self._ordered(running, record.failures)
            ended = Record(issue=issue, wanted=running.digest)
        except (Conflict, NotLeading):
            # Another node leads: it is its turn.
            ended = record
        except AcmeError as why:
            if not running.given_up:
                ended = self._failed(running, ended, str(why), why.retry_after)
        except StoreError as why:
            ended = self._failed(running, ended, f"the store cannot be used: {why}", 0.0)
        except CancelledError:
            raise
        except Exception as why:
            _log.failure("the order of certificate {name} broke", name=running.certificate.name)
            ended = self._failed(running, ended, f"internal: {type(why).__name__}", 0.0)
        finally:
            await self._finish(running, ended)

    async def _ordered(self, running: _Running, failures: int) -> Issue:
        """
        Do what an order is about.

        @raise AcmeError: it did not come to a certificate.
        """
        made, settings = running.certificate, running.settings
        assert made.acme is not None
        chosen = kinds(running.configuration, settings, failures)
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
        client = await self.client(settings)
        clock = self._around.reactor
        order = Order(client, self._shown, clock, chosen, settings.directory)
        try:
            return await order.run(made.acme.domains)
        except AcmeError as why:
            if why.kind in ("accountDoesNotExist", "unauthorized", "malformed"):
                # Perhaps the authority has forgotten us: the account is asked for next time.
                client.account = ""
            raise

    async def client(self, settings: AcmeSettings) -> Client:
        """The client of an account, which is registered."""
        key = (settings.directory, settings.email, settings.ca)
        client = self._clients.get(key)
        clock = self._around.reactor
        if client is None:
            account = await self._shelf.account(settings.directory, settings.email)
            web = web_client(clock, settings.ca)
            private = AccountKey.read(account.key)
            client = Client(web, clock, settings.directory, private, account.url)
            client = self._clients.setdefault(key, client)
        if not client.account:
            await client.register(settings.email)
            account = Account(client.key.pem(), client.account)
            await self._shelf.registered(settings.directory, settings.email, account)
        return client

    # Its end.

    def _failed(self, running: _Running, record: Record, why: str, retry_after: float) -> Record:
        failures = record.failures + 1
        wait = pause(failures, retry_after, self._around.random)
        _log.error(
            "Certificate {name} was not issued: {why}; next attempt in {wait} s",
            name=running.certificate.name,
            why=why,
            wait=round(wait),
        )
        at = self._around.wall() + wait
        return attrs.evolve(record, failures=failures, last_error=why, next_try=at)

    async def _finish(self, running: _Running, record: Record) -> None:
        """Put in force what was issued, and write down how it ended."""
        ident, name = running.certificate.id, running.certificate.name
        running.finishing = True
        before = self._issued.records.get(ident, Record()).issue
        self._issued.records[ident] = record
        self._issued.running.discard(ident)
        try:
            if record.issue is not None and record.issue is not before and not self._stopping:
                await self._enforce()
                _log.info("Certificate {name} was issued and is in force", name=name)
        except Exception:
            _log.failure("what was issued for {name} is not in force", name=name)
        if running.gone:
            self._issued.records.pop(ident, None)
        else:
            await self._saved(running, record)
            if running.gone:
                self._issued.records.pop(ident, None)
        # Until here it counts as running: the leadership is needed to write.
        self._running.pop(ident, None)
        self._ended()

    async def _saved(self, running: _Running, record: Record) -> None:
        """Write a record; what was issued is worth several attempts."""
        ident, name = running.certificate.id, running.certificate.name
        for attempt in range(SAVES):
            if attempt:
                await deferLater(self._around.reactor, SAVE_PAUSE)
            try:
                await self._shelf.save(running.election, ident, record)
                return
            except (Conflict, NotLeading) as why:
                _log.warn("Certificate {name}: not stored: {why}", name=name, why=str(why))
                return
            except StoreError as why:
                _log.error("Certificate {name}: not stored: {why}", name=name, why=str(why))
                if self._stopping:
                    return
