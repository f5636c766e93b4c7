"""A control service on a stage: a store in memory, a plane and checks that note what is asked."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer
from fiberlb.control.member_names import GATHERING, NoNames
from fiberlb.control.operations import Op, Operation, Origin, Outcome
from fiberlb.control.publish import Surroundings
from fiberlb.control.service import ControlService
from fiberlb.errors import AddressInUse, ConfigurationError, Problem
from fiberlb.health.probing import Probe
from fiberlb.model.configuration import Configuration
from fiberlb.model.operational import Operations
from fiberlb.names.name import NameState
from fiberlb.observe.kept import Sought
from fiberlb.relay.states import Load, Processes
from fiberlb.snapshot import Snapshot
from fiberlb.store.interface import Store
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sealed import Keyring
from tests.control.loading import load

T = TypeVar("T")

#: 2027-01-15T08:00:00Z.
NOW = 1800000000.0
ORIGIN = Origin("ann", "test", "because")


@attrs.frozen
class State:
    """An address of a listener."""

    listener_id: str
    host: str
    port: int
    state: str
    reason: str = ""


@attrs.frozen
class Health:
    """What is known of a member."""

    health: str = "up"
    reason: str = ""
    since: float | None = NOW
    last_check: float | None = None
    transitions: int = 1


class StagePrepared:
    """A preparation of the plane."""

    def __init__(self, plane: StagePlane, snapshot: Snapshot, failed: Mapping[str, State]) -> None:
        self.plane = plane
        self.snapshot = snapshot
        self.failed = failed

    async def activate(self) -> None:
        """It serves."""
        self.plane.note(f"activate {self.snapshot.revision}")
        self.plane.snapshot = self.snapshot
        self.plane.failed = dict(self.failed)
        if self.plane.activation is not None:
            await self.plane.activation

    async def discard(self) -> None:
        """It never will."""
        self.plane.note(f"discard {self.snapshot.revision}")


class StagePlane:
    """
    A data plane without sockets.

    @ivar events: what was asked, in order.
    @ivar busy: ports that others have.
    @ivar refuses: what to say against every snapshot.
    @ivar waits: a preparation ends when this fires.
    @ivar activation: an activation ends when this fires.
    @ivar operations: what is in force beside the configuration.
    @ivar answers: what is known of answers, by their ids.
    @ivar figures: of every member.
    @ivar crew: workers that there should be, and that serve.
    """

    def __init__(self) -> None:
        self.events: list[str] = []
        self.busy: set[int] = set()
        self.failed: dict[str, State] = {}
        self.refuses: list[Problem] = []
        self.waits: Deferred[None] | None = None
        self.activation: Deferred[None] | None = None
        self.snapshot: Snapshot | None = None
        self.crew = (0, 0)
        self.operations = Operations()
        self.answers: dict[str, dict[str, Any]] = {}
        self.sought = Sought()
        self.figures = {"sessions": 2, "in_flight": 1}

    def note(self, event: str) -> None:
        """Remember it."""
        self.events.append(event)

    async def recall(self, ident: str) -> dict[str, Any] | None:
        """What was put into C{answers}."""
        return self.answers.get(ident)

    async def recent(self, sought: Sought, most: int) -> list[dict[str, Any]]:
        """What was put into C{answers}, the last one first; what was sought is remembered."""
        self.sought = sought
        return list(reversed(self.answers.values()))[:most]

    async def operate(self, operations: Operations) -> None:
        """Remember it."""
        self.operations = operations

    async def foresee(self, configuration: Configuration | None) -> None:
        """Remember it."""
        self.note(f"foresee {configuration.revision if configuration else None}")

    async def prepare(self, snapshot: Snapshot, tolerated: Container[str] = ()) -> StagePrepared:
        """Refuse what it was told to, else be ready."""
        self.note(f"prepare {snapshot.revision}")
        if self.waits is not None:
            await self.waits
        if self.refuses:
            raise ConfigurationError(self.refuses)
        failed = {}
        for ident, plan in snapshot.listeners.items():
            for host, port in plan.addresses:
                if port in self.busy and ident not in tolerated:
                    raise AddressInUse(ident, host, port, f"port {port} of {host} is taken")
                if port in self.busy:
                    failed[ident] = State(ident, host, port, "error", "taken")
        return StagePrepared(self, snapshot, failed)

    def listeners(self) -> Sequence[State]:
        """What listens where."""
        listeners = self.snapshot.listeners if self.snapshot else {}
        return [
            self.failed.get(ident, State(ident, *plan.addresses[0], "listening"))
            for ident, plan in listeners.items()
        ]

    def member_figures(self, member_id: str) -> Mapping[str, int]:
        """The same for all."""
        return self.figures

    def pool_figures(self, pool_id: str) -> Mapping[str, int]:
        """The same for all."""
        return {"queued": 4}

    def listener_figures(self, listener_id: str) -> Mapping[str, int]:
        """The same for all."""
        return {"connections": 3, "accepted": 5, "requests": 7, "answers_2xx": 6, "sent": 11}

    def reasons(self) -> Mapping[str, int]:
        """Always one."""
        return {"no_route": 1}

    def processes(self) -> Processes:
        """One worker, if the test has any."""
        return Processes({"worker": [os.getpid()]} if self.crew[0] else {}, 1.5, 2, 4)

    def load(self) -> Load:
        """One of the workers ends connections."""
        return Load(1, 0, 3, 0.25)

    def workers(self) -> tuple[int, int]:
        """As many as the test says."""
        return self.crew

    async def restart(self) -> None:
        """All of them serve."""
        self.note("restart")
        self.crew = (self.crew[0], self.crew[0])


class StageHealth:
    """Health checks that were told what to say."""

    def __init__(self, plane: StagePlane) -> None:
        self.plane = plane
        self.known: dict[str, Health] = {}
        self.ejected: dict[str, int] = {}
        self.panics: list[str] = []
        self.probes: dict[str, Probe] = {}

    def apply(self, snapshot: Snapshot) -> None:
        """Note it among the plane's events."""
        self.plane.note(f"health {snapshot.revision}")

    def hold(self, members: frozenset[str], restrained: frozenset[str] = frozenset()) -> None:
        """Remember it."""
        self.held = members
        self.restrained = restrained

    def ejections(self) -> Mapping[str, int]:
        """What it was told."""
        return self.ejected

    def panicking(self) -> Sequence[str]:
        """What it was told."""
        return self.panics

    def status(self, member_id: str) -> Health:
        """What it was told."""
        return self.known.get(member_id, Health())

    async def probe(self, member_id: str) -> Probe | None:
        """What it was told."""
        return self.probes.get(member_id)


class StageNames(NoNames):
    """
    Names that are at what the test says.

    @ivar zone: name -> addresses; a text is why there are none.
    @ivar wanted: names that are asked for.
    @ivar waits: what a change waits for before it has its first answers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.zone: dict[str, tuple[str, ...] | str] = {}
        self.wanted: set[str] = set()
        self.waits: Deferred[None] | None = None

    def want(self, names: Collection[str]) -> None:
        """These, too."""
        self.wanted |= set(names)

    def keep(self, names: Collection[str]) -> None:
        """These and no others."""
        self.wanted = set(names)

    def first(self, names: Collection[str], patience: float) -> Deferred[None]:
        """At once, unless the test says otherwise."""
        return self.waits or succeed(None)

    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """Of those that are asked for."""
        found: dict[str, tuple[str, ...]] = {}
        for name, state in self.states().items():
            found[name] = state.addresses[:1]
            found[f"dns:{name}"] = state.addresses
        return found

    def state(self, name: str) -> NameState:
        """As the zone says."""
        said = self.zone.get(name, ())
        if isinstance(said, str):
            return NameState(error=said)
        return NameState(said, said[0] if said else "", 60.0, NOW if said else None)

    def states(self) -> Mapping[str, NameState]:
        """Of those that are asked for."""
        return {name: self.state(name) for name in sorted(self.wanted)}

    def problems(self) -> Iterator[str]:
        """The reasons."""
        return (f"{name}: {s.error}" for name, s in self.states().items() if s.error)


class Ids:
    """UUIDs that count."""

    def __init__(self, node: int) -> None:
        self._numbers = itertools.count(1)
        self._node = node

    def __call__(self) -> str:
        return f"00000000-0000-4000-8{self._node:03x}-{next(self._numbers):012x}"


def keyring(number: int = 1) -> Keyring:
    """A keyring; another one for another number."""
    return Keyring([bytes([number]) * 32], lambda size: b"r" * size)


class Stage:
    """
    One node, started.

    @param text: of its configuration file.
    @param store: shared with other nodes; C{None}: its own.
    """

    def __init__(
        self,
        case: SynchronousTestCase,
        text: str = "",
        store: Store | None = None,
        clock: Clock | None = None,
        node: int = 0,
        start: bool = True,
    ) -> None:
        self.case = case
        self.clock = clock or Clock()
        self.store: Any = store or MemoryStore(self.clock)
        self.plane = StagePlane()
        self.health = StageHealth(self.plane)
        self.names = StageNames()
        self.wall = NOW
        self.control = ControlService(
            self.store, self.plane, self.health, keyring(), self.surroundings(Ids(node))
        )
        if start:
            self.start(text)

    def surroundings(self, make_id: Callable[[], str]) -> Surroundings:
        """What the service is given."""
        return Surroundings(
            reactor=self.clock,
            wall=lambda: self.wall,
            monotonic=self.clock.seconds,
            make_id=make_id,
            report=lambda rule, text: None,
            node="n1",
            history=40,
            names=self.names,
        )

    def file(self, text: str) -> FileLayer:
        """The layer of a configuration file."""
        return load(self.case, text)

    def start(self, text: str = "") -> None:
        """Begin with a configuration file."""
        self.result(self.control.start(self.file(text)))
        self.plane.events.clear()

    def move(self, **zone: tuple[str, ...] | str) -> None:
        """Names of C{.test} are at other addresses, which is noticed."""
        self.names.zone.update({f"{name}.test": said for name, said in zone.items()})
        self.names.changed()
        self.clock.advance(GATHERING)

    def reload(self, text: str) -> None:
        """Another configuration file."""
        self.result(self.control.reload(self.file(text)))

    def result(self, waiting: Deferred[T]) -> T:
        """What has come."""
        return self.case.successResultOf(waiting)

    def write(self, *operations: Operation, dry_run: bool = False) -> Outcome:
        """Do operations, which must succeed."""
        return self.result(self.control.write(operations, ORIGIN, dry_run))

    def create(self, collection: str, body: Any, parent: str = "") -> str:
        """A new object; its id."""
        made = self.write(Operation(op=Op.CREATE, collection=collection, parent=parent, body=body))
        return made.applied[0].id

    def refused(self, cls: type[Exception], *operations: Operation) -> Any:
        """Do operations, which must be refused so."""
        failure = self.case.failureResultOf(self.control.write(operations, ORIGIN), cls)
        return failure.value

    def problems(self, *operations: Operation) -> list[tuple[str, str]]:
        """Why the bodies of operations are refused: pointers and messages."""
        why = self.refused(ConfigurationError, *operations)
        return [(problem.pointer, problem.message) for problem in why.problems]

    def find(self, collection: str, name: str) -> Any:
        """The object of that name in force."""
        objects = self.control.configuration.objects[collection].values()
        return next(made for made in objects if made.name == name)

    def tag(self, collection: str, name: str) -> str:
        """The entity tag of the object of that name."""
        return self.control.state.tags.of(collection, self.find(collection, name).id)


def create(collection: str, body: Any, parent: str = "", **more: Any) -> Operation:
    """A POST."""
    return Operation(op=Op.CREATE, collection=collection, parent=parent, body=body, **more)


def replace(collection: str, word: str, body: Any, parent: str = "", **more: Any) -> Operation:
    """A PUT."""
    return Operation(
        op=Op.REPLACE, collection=collection, word=word, parent=parent, body=body, **more
    )


def patch(collection: str, word: str, body: Any, parent: str = "", **more: Any) -> Operation:
    """A PATCH."""
    return Operation(
        op=Op.PATCH, collection=collection, word=word, parent=parent, body=body, **more
    )


def delete(collection: str, word: str, parent: str = "", **more: Any) -> Operation:
    """A DELETE."""
    return Operation(op=Op.DELETE, collection=collection, word=word, parent=parent, **more)


def replace_all(collection: str, parent: str, body: Any, **more: Any) -> Operation:
    """A PUT of a list."""
    return Operation(op=Op.REPLACE_ALL, collection=collection, parent=parent, body=body, **more)
