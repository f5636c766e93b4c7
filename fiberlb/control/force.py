"""What is in force on this node: the state, and how the next one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

import attrs

from fiberlb.control.document import FileLayer
from fiberlb.control.expecting import TestsFailed, failures
from fiberlb.control.layer import StoreLayer
from fiberlb.control.mentions import elsewhere, users_of
from fiberlb.control.publish import Publisher
from fiberlb.control.state import State
from fiberlb.control.tags import FileDigests
from fiberlb.control.union import clashes, default_settled, union, with_monitor_ids
from fiberlb.control.validate import examined
from fiberlb.errors import AddressInUse, ConfigurationError, Problem
from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER, Configuration, resolve
from fiberlb.model.convert import overlaid
from fiberlb.model.expectation import RequestTest
from fiberlb.model.resource import Owner, Resource
from fiberlb.snapshot import Snapshot


class Everything:
    """A container of whatever is looked for."""

    def __contains__(self, item: object) -> bool:
        return True


class Force:
    """
    Keeps the state in force.

    @param now: the time, RFC 3339 in UTC.

    @ivar latest: the store layer as far as it is known; newer than the state's
        while it cannot be put in force here.
    @ivar problem: why not; empty while all is well.
    @ivar observers: called when another state is taken.
    """

    def __init__(self, publisher: Publisher, now: Callable[[], str]) -> None:
        self.publisher = publisher
        self.latest = StoreLayer()
        self.problem = ""
        self.observers: list[Callable[[], None]] = []
        self._now = now
        self._state: State | None = None

    @property
    def state(self) -> State:
        """What is in force."""
        assert self._state is not None, "not started"
        return self._state

    @property
    def started(self) -> bool:
        """Whether anything is in force yet."""
        return self._state is not None

    @property
    def size(self) -> int:
        """How many objects are in force."""
        return self._state.configuration.size if self._state is not None else 0

    def base(self) -> State:
        """What a write starts from: the latest of the store, in force or not."""
        if self.latest is self.state.layer:
            return self.state
        configuration, _ = resolve(union(self.state.file, self.latest))
        return attrs.evolve(self.state, layer=self.latest, configuration=configuration)

    def with_file(self, file: FileLayer) -> State:
        """
        The state with another file layer.

        @raise ConfigurationError: it does not go with itself or with the store;
            what is in the file has its positions.
        """
        file = with_monitor_ids(file)
        if self._state is not None:
            still_needed = list(_needed(self._state, file))
            if still_needed:
                raise ConfigurationError(still_needed)
        generation = self._state.generation + 1 if self._state else 1
        return self._united(
            file, generation, self._now(), FileDigests(file, generation == 1), self.latest
        )

    def with_layer(self, layer: StoreLayer) -> State:
        """
        The state with another store layer.

        @raise ConfigurationError: it does not go with the file of this node.
        """
        state = self.state
        return self._united(state.file, state.generation, state.since, state.digests, layer)

    def _united(
        self, file: FileLayer, generation: int, since: str, digests: FileDigests, layer: StoreLayer
    ) -> State:
        both = union(file, layer)
        state = State(file, generation, since, digests, layer, both)
        problems = list(clashes(file, layer))
        try:
            before = self._state.configuration if self._state else None
            resolved = examined(both, before)
        except ConfigurationError as why:
            problems += why.problems
        if problems:
            raise ConfigurationError(self.told(problems, state))
        return attrs.evolve(state, configuration=default_settled(resolved, file, since))

    @staticmethod
    def told(problems: Iterable[Problem], state: State) -> list[Problem]:
        """Problems at (collection, id, ...) in the words of the file, or naming the object."""
        named = [
            problem
            if tuple(map(str, problem.path[:2])) in state.file.places
            else elsewhere(problem, state.configuration, state)
            for problem in problems
        ]
        return state.file.located(named)

    def limits(self, state: State) -> Limits:
        """The process's limits, below those of a listener."""
        return overlaid(Limits(), state.file.settings.limits)

    @staticmethod
    def examine(state: State, tests: Sequence[RequestTest] = ()) -> Callable[[Snapshot], None]:
        """
        What runs the tests of a state's file, if they are to be enforced, and others.

        @param tests: these, whose problems are told by their numbers.
        @return: raises L{TestsFailed}.
        """

        def examined(compiled: Snapshot) -> None:
            settings = state.file.settings
            found = failures(compiled, settings) if settings.enforce_tests else []
            if found:
                raise TestsFailed(state.file.located(found))
            found = failures(compiled, attrs.evolve(settings, tests=tuple(tests))) if tests else []
            if found:
                raise TestsFailed(found)

        return examined

    def unchanged(self, tests: Sequence[RequestTest]) -> None:
        """
        Run tests on what is in force.

        @raise TestsFailed: with what they have against it.
        """
        snapshot = self.publisher.snapshot
        if tests and snapshot is not None:
            self.examine(self.state, tests)(snapshot)

    async def enter(
        self, state: State, tolerated: Container[str] | None, tested: bool = True
    ) -> None:
        """
        Put a state in force.

        @param tolerated: as of L{Publisher.prepare}.
        @param tested: the file's tests have to pass, if they are to be enforced.

        @raise ConfigurationError: nothing has changed.
        @raise AddressInUse: nothing has changed.
        """
        try:
            examine = self.examine(state) if tested else lambda compiled: None
            ready = await self.publisher.prepare(
                state.configuration, self.limits(state), tolerated, examine
            )
        except TestsFailed:
            raise
        except ConfigurationError as why:
            raise ConfigurationError(self.told(why.problems, state)) from None
        self.adopt(state)
        await self.publisher.activate(ready)

    def adopt(self, state: State) -> None:
        """Note what is in force from now on."""
        if self._state is not None:
            self.publisher.scrap(self.size, self._state)
        self._state = state
        self.latest = state.layer
        self.problem = ""
        for changed in self.observers:
            changed()

    def moved(self, layer: StoreLayer) -> None:
        """Note where the store is; the objects are the same."""
        if self.latest is self.state.layer:
            self._state = attrs.evolve(self.state, layer=layer)
        self.latest = layer

    async def follow(self, layer: StoreLayer) -> None:
        """
        Put in force what others have stored, as far as this node can.

        Addresses that cannot be bound here are left to be tried again. What
        does not go with this node's file stays out, and L{problem} says why.
        """
        self.latest = layer
        try:
            size = sum(map(len, layer.records.values()))
            state = await self.publisher.beside(size, lambda: self.with_layer(layer))
            await self.enter(state, Everything(), tested=False)
        except (ConfigurationError, AddressInUse) as why:
            self.problem = f"revision {layer.revision} of the store cannot be served: {why}"


def _needed(state: State, file: FileLayer) -> Iterable[Problem]:
    """What a file no longer has although objects of the store refer to it."""
    removed: dict[str, Resource] = {}
    for collection, objects in state.file.configuration.objects.items():
        left = file.configuration.objects.get(collection, {})
        removed.update({i: made for i, made in objects.items() if i not in left})
    removed.pop(DEFAULT_LOAD_BALANCER.id, None)  # there is always one
    if not removed:
        return
    users = users_of(state.configuration, removed)
    for ident, made in removed.items():
        several = [*users.get(ident, ()), *_children(state.configuration, ident)]
        names = [
            f"{user.name or user.id!r} of {user.COLLECTION}"
            for user in several
            if state.configuration.owner(user.id) is not Owner.FILE
        ]
        if names:
            message = (
                f"{made.name!r} of {made.COLLECTION} cannot be taken out of the file:"
                f" stored objects need it: {', '.join(names)}"
            )
            yield Problem((), message, code="in_use")


def _children(configuration: Configuration, ident: str) -> list[Resource]:
    return [
        made
        for objects in configuration.objects.values()
        for made in objects.values()
        if made.PARENT is not None and getattr(made, made.PARENT[0]) == ident
    ]
