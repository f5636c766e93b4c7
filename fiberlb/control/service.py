"""
The control service: the one place where configuration changes.

A write is validated, compiled, prepared, stored, activated and then answered;
whatever fails before it is stored leaves nothing behind (product page,
decisions 8, 9 and 16). Writes, reloads and the commits of other nodes come one
after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.acme.issued import Issued
from fiberlb.control.bodies import facts
from fiberlb.control.cautions import sentences
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.commits import time_text
from fiberlb.control.confirming import Confirming
from fiberlb.control.document import FileLayer
from fiberlb.control.following import Following
from fiberlb.control.force import Force
from fiberlb.control.keys import Keys
from fiberlb.control.member_names import Gathering
from fiberlb.control.members_seen import MembersSeen
from fiberlb.control.operating import Operating
from fiberlb.control.operations import Operation, Origin, Outcome
from fiberlb.control.plane import HealthView, MemberHealth, Plane
from fiberlb.control.publish import Publisher, Surroundings
from fiberlb.control.refusals import Stopping
from fiberlb.control.revisions import Revisions
from fiberlb.control.serving import Serving
from fiberlb.control.shelf import Shelf
from fiberlb.control.shield import shielded
from fiberlb.control.slicing import in_slices
from fiberlb.control.state import State
from fiberlb.control.troubles import of_certificates, of_members, of_store
from fiberlb.control.writing import Rider, Writing
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Resource
from fiberlb.ocsp.book import Staples
from fiberlb.snapshot import Snapshot
from fiberlb.store.interface import Standing, Store
from fiberlb.store.sealed import Keyring
from fiberlb.turns import Turns

T = TypeVar("T")


class ControlService(Serving):
    """
    Holds the configuration in force on this node, and changes it.

    @param store: shared with other nodes, or this node's own.
    @param plane: what serves.
    @param health: what checks the members.
    @param keyring: seals private keys at rest.
    @param issued: what certificates that order themselves have got; C{None}: none does.
    @param staples: what responders say of certificates; C{None}: none is asked.

    @ivar health: what is known of the members.
    @ivar certificates: what may be told of certificates.
    @ivar staples: what responders say of them.
    @ivar operating: what is in force beside the configuration.
    @ivar shelf: what the API keeps beside it; C{reactor}: keeps the time of surfaces.
    @ivar confirming: a change that is rolled back unless it is confirmed.
    @ivar history: what each revision did, and going back to one.
    @ivar keys: the keys that encrypt private keys at rest.
    @ivar reloads: of the file, by what came of them.
    """

    _log = Logger()

    def __init__(
        self,
        store: Store,
        plane: Plane,
        health: HealthView,
        keyring: Keyring,
        surroundings: Surroundings,
        issued: Issued | None = None,
        staples: Staples | None = None,
    ) -> None:
        issued = issued or Issued()
        self.staples = staples or Staples()
        self._issued = issued
        self._store, self.shelf = store, Shelf(store)
        self.make_id, self.reactor = surroundings.make_id, surroundings.reactor
        super().__init__(plane)
        self.health = health
        self._surroundings = surroundings
        self._lock = Turns()
        self._stopping = False
        self._when_stopping: list[Callable[[], None]] = []
        self.certificates = CertificateFacts(issued)
        self._file_problems: dict[str, tuple[str, ...]] = {}
        self._cautions: tuple[State | None, tuple[str, ...]] = (None, ())
        self.reloads = {"ok": 0, "failed": 0}
        self.operating = Operating(
            store,
            keyring,
            plane,
            health,
            surroundings,
            lambda: self.configuration if self._force.started else None,
            self.member_figures,
        )
        beforehand = self.operating.beforehand
        publisher = Publisher(plane, health, surroundings, self._dressed, beforehand)
        self._force = Force(publisher, self.now)
        self._force.observers.append(self.operating.settle)
        self._following = Following(store, keyring, self._force, self._in_turn)
        self._writing = Writing(
            store,
            keyring,
            self._force,
            self._following,
            self.certificates,
            self.operating.states,
            surroundings,
        )
        names = surroundings.names
        self.members = MembersSeen(names, health, plane, publisher, lambda: self.configuration)
        following = Gathering(surroundings.reactor, names, self._in_turn, publisher.follow_names)
        self.when_stopping(following.stop)
        self.history = Revisions(store, keyring, self._force, surroundings, self.write)
        self.confirming = Confirming(store, surroundings, self.history)
        self.keys = Keys(store, keyring, self._force, self._following, surroundings, self._one)

    def _dressed(self, configuration: Configuration) -> Configuration:
        read = self.certificates.read
        return self.staples.dressed(self._issued.dressed(configuration), read)

    def wall(self) -> float:
        """The time, seconds since the epoch."""
        return self._surroundings.wall()

    def _one(self, work: Callable[[], Coroutine[Deferred[Any], Any, Any]]) -> Deferred[Any]:
        return shielded(self._locked(work))

    def now(self) -> str:
        """The time, RFC 3339 in UTC."""
        return time_text(self.wall())

    # -- the life of the service

    def start(self, file: FileLayer) -> Deferred[None]:
        """
        Read the store, put both layers in force, follow the store from then on.

        Addresses of the file's listeners must be bound; those of stored ones
        are tried again later.

        @raise ConfigurationError: with every problem, those of the file with positions.
        @raise AddressInUse: by an address of a listener of the file.
        @raise StoreAway: the store cannot be read.
        """
        return shielded(self._locked(lambda: self._start(file)))

    async def _start(self, file: FileLayer) -> None:
        self._force.latest = await self._following.load()
        await self.operating.load()
        state = await self._with_file(file)
        await self._force.enter(state, frozenset(state.layer.records["listeners"]))
        self._following.watch()
        await self.confirming.start()
        await self.keys.start()

    def reload(self, file: FileLayer) -> Deferred[None]:
        """
        Have another file layer in place of the one in force.

        @raise ConfigurationError: nothing has changed; among others when the
            file lacks an object that a stored one refers to.
        @raise AddressInUse: nothing has changed.
        """
        return shielded(self._locked(lambda: self._reload(file)))

    async def _reload(self, file: FileLayer) -> None:
        await self._force.enter(await self._with_file(file), None)

    def scrap(self, file: FileLayer) -> None:
        """Have a file layer freed little by little that nobody needs any more."""
        self._force.publisher.scrap(file.configuration.size, file)

    def _with_file(self, file: FileLayer) -> Deferred[State]:
        size = self._force.size + file.configuration.size
        return self._surroundings.beside(size, lambda: self._force.with_file(file))

    def observe(self, changed: Callable[[], None]) -> None:
        """Call this whenever another configuration is about to be in force."""
        self._force.observers.append(changed)

    def refresh_material(self) -> Deferred[None]:
        """Have what was issued since in force, at the next handshake."""
        return shielded(self._locked(lambda: self._force.enter(self._force.state, None)))

    def renew(self, expected: FileLayer, file: FileLayer) -> Deferred[bool]:
        """
        As L{reload}, if the file layer in force is still the expected one; else nothing is done.

        @return: whether it was.
        @raise ConfigurationError: nothing has changed.
        @raise AddressInUse: nothing has changed.
        """

        async def unless_reloaded() -> bool:
            if self.state.file is not expected:
                return False
            await self._reload(file)
            return True

        return shielded(self._locked(unless_reloaded))

    async def stop(self) -> None:
        """Take no more changes; returns when the one that runs has ended. The store stays open."""
        self._stopping = True
        for ended in self._when_stopping:
            ended()
        self._following.stop()
        self.operating.stop()
        self.confirming.stop()
        self.keys.stop()
        await self._lock.acquire()
        self._lock.release()

    def when_stopping(self, ended: Callable[[], None]) -> None:
        """Have something called when the service stops, such as what asks it by itself."""
        self._when_stopping.append(ended)

    @property
    def started(self) -> bool:
        """Whether any configuration is in force."""
        return self._force.started

    @property
    def ready(self) -> bool:
        """Whether a configuration serves, and goes on to."""
        return self._force.started and not self._stopping

    # -- writes

    def write(
        self,
        operations: Sequence[Operation],
        origin: Origin,
        dry_run: bool = False,
        rider: Rider | None = None,
    ) -> Deferred[Outcome]:
        """
        Do all of the operations in one revision, or none of them.

        It is in force here when this fires. Cancelling stops the waiting only.

        @param dry_run: everything but storing and serving it.
        @param rider: what is stored with it.

        @raise ConfigurationError: paths are those of the operations' bodies; an
            address that cannot be bound is one of the problems.
        @raise Refusal: one of L{fiberlb.control.refusals}.
        """
        return shielded(
            self._locked(lambda: self._writing.write(tuple(operations), origin, dry_run, rider))
        )

    async def _locked(self, work: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> T:
        await self._lock.acquire()
        try:
            if self._stopping:
                raise Stopping()
            return await work()
        finally:
            self._lock.release()

    def _in_turn(self, work: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> Deferred[None]:
        async def unless_stopping() -> None:
            if not self._stopping:
                await work()

        return self._lock.run(lambda: Deferred.fromCoroutine(unless_stopping()))

    # -- reads

    @property
    def state(self) -> State:
        """What is in force, both layers and their union."""
        return self._force.state

    @property
    def configuration(self) -> Configuration:
        """The union in force, references resolved."""
        return self.state.configuration

    @property
    def snapshot(self) -> Snapshot | None:
        """What serves; C{None} before the start."""
        return self._force.publisher.snapshot

    @property
    def revision(self) -> int:
        """The counter of configuration commits in force; 0 before the start."""
        return self.state.revision if self._force.started else 0

    @property
    def file_generation(self) -> int:
        """How often a configuration file was taken, the start included."""
        return self.state.generation if self._force.started else 0

    @property
    def node(self) -> str:
        """The name of this process among others."""
        return self._surroundings.node

    @property
    def standing(self) -> Standing:
        """How it stands with the store."""
        return self._surroundings.standing()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with this node's configuration now, each a sentence."""
        own = (*of_store(self.standing), *((self._force.problem,) if self._force.problem else ()))
        if self.confirming.waiting is not None:
            own = (*own, self.confirming.waiting.sentence)
        if not self._force.started:
            return own
        known = (self.configuration, self.certificates, self._issued, self.staples)
        return (
            *own,
            *self.file_problems,
            *of_certificates(*known, self.wall()),
            *of_members(self._force.publisher.snapshot, self._surroundings.names),
            *self.cautions,
        )

    @property
    def file_problems(self) -> tuple[str, ...]:
        """What is wrong with files that are watched, each a sentence."""
        return tuple(sentence for each in self._file_problems.values() for sentence in each)

    def mind_files(self, what: str, problems: Iterable[str]) -> None:
        """
        Have this be what is wrong with files of one kind.

        @param what: the kind, such as C{certificates}.
        """
        self._file_problems[what] = tuple(problems)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What of the configuration cannot be what was meant, each a sentence."""
        state = self.state
        if self._cautions[0] is not state:
            # Gone through once, for there may be many thousand policies.
            trusted = state.file.settings.trusted_proxies
            self._cautions = (state, tuple(sentences(state.configuration, trusted)))
        return self._cautions[1]

    def facts(self, made: Resource, configuration: Configuration | None = None) -> dict[str, Any]:
        """What is told of an object, of the one in force or another, and cannot be set."""
        return facts(configuration or self.configuration, made, self.certificates)

    def order(self, certificate: Certificate) -> dict[str, Any]:
        """How the order of a certificate goes that orders itself."""
        return self.certificates.order(certificate, self.wall())

    def stapling(self, certificate: Certificate) -> dict[str, Any]:
        """How it stands with the OCSP response of a certificate."""
        return self.staples.state(certificate, self.certificates.read, self.wall())

    def certificate_warnings(self, made: Certificate) -> list[str]:
        """What should be known of a certificate that is no reason to refuse it, such as its end."""
        return self.certificates.warnings(made, self.wall())

    def member_health(self, member_id: str) -> MemberHealth:
        """The health of one member."""
        return self.members.health(member_id)

    def member_figures(self, member_id: str) -> Mapping[str, int]:
        """C{sessions} and C{in_flight} of one member."""
        return self.members.figures(member_id)

    def beside(self, work: Callable[[], T], size: int = 0) -> Deferred[T]:
        """
        Work that goes through all there is, and more: aside, if that is much (L{Surroundings}).

        @param size: of what comes to it, in objects.
        """
        return self._surroundings.beside(self._force.size + size, work)

    def in_slices(self, steps: Iterator[T | None]) -> Deferred[T]:
        """Work in steps, for surfaces whose answers take long (L{in_slices})."""
        return Deferred.fromCoroutine(in_slices(self._surroundings.reactor, steps))
