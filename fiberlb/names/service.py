"""
All names that members are given by: asked when their time has come, kept while they are needed.

This runs in the control process only. Whoever serves is told addresses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.model.host_names import DNS
from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.files import Hosts
from fiberlb.names.found import Family, Found, NoAnswer
from fiberlb.names.kept import Kept
from fiberlb.names.name import NameState
from fiberlb.turns import Turns

#: Seconds between two looks at the hosts file.
LOOK: Final = 2.0
#: Names that are asked for at the same time.
AT_ONCE: Final = 20


class Asks(Protocol):
    """L{fiberlb.names.servers.Servers}, by shape."""

    def ask(self, settings: ResolverSettings, name: str, family: Family) -> Awaitable[Found]:
        """The addresses of a name, of one family, or L{NoAnswer}."""


class _Known:
    """
    A name.

    @ivar tried: it was asked for once, whatever came of it.
    """

    def __init__(self, state: NameState) -> None:
        self.state = state
        self.tried = False
        self.timer: Any = None
        self.asking: Deferred[None] | None = None

    def stop(self) -> None:
        """Ask no more."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None
        asking, self.asking = self.asking, None
        if asking is not None:
            asking.cancel()


class NameService:
    """
    Keeps the addresses of names.

    @param clock: has C{IReactorTime}.
    @param wall: wall-clock seconds.
    @param kept: what an earlier process knew.
    @param log: where it is told what changes.
    """

    def __init__(
        self,
        clock: Any,
        wall: Callable[[], float],
        settings: ResolverSettings,
        servers: Asks,
        hosts: Hosts,
        kept: Kept,
        log: Logger,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._settings = settings
        self._servers = servers
        self._hosts = hosts
        self._kept = kept
        self._log = log
        self._known: dict[str, _Known] = {}
        self._waiting: list[tuple[frozenset[str], Deferred[None]]] = []
        self._turns = Turns(AT_ONCE)
        self._look = LoopingCall(self._look_at_hosts)
        self._look.clock = clock
        #: Called when a name has other addresses than before.
        self.changed: Callable[[], None] = lambda: None

    # What is asked.

    def want(self, names: Collection[str]) -> None:
        """Ask for these from now on, too."""
        for name in names:
            if name not in self._known:
                known = self._known[name] = _Known(self._kept.state(name))
                self._begin(name, known)
        if self._known and not self._look.running:
            self._look.start(LOOK, now=False)

    def keep(self, names: Collection[str]) -> None:
        """Ask for these and no others."""
        for name in [name for name in self._known if name not in names]:
            self._known.pop(name).stop()
        self.want(names)
        self._kept.only(names)
        self._tell_waiting()

    def first(self, names: Collection[str], patience: float) -> Deferred[None]:
        """Fires when each of these was asked for once, but after C{patience} seconds anyway."""
        fired: Deferred[None] = Deferred()
        entry = (frozenset(names), fired)
        self._waiting.append(entry)
        self._tell_waiting()
        return fired.addTimeout(patience, self._clock, lambda result, _: None)

    def configure(self, settings: ResolverSettings) -> None:
        """Go by other settings: everything is asked again if they are."""
        if settings != self._settings:
            self._settings = settings
            for name, known in self._known.items():
                known.stop()
                self._begin(name, known)

    def stop(self) -> None:
        """Ask no more; what is known stays."""
        for known in self._known.values():
            known.stop()
        if self._look.running:
            self._look.stop()

    # What is known.

    def state(self, name: str) -> NameState:
        """What is known of a name."""
        known = self._known.get(name)
        return NameState() if known is None else known.state

    def states(self) -> Mapping[str, NameState]:
        """What is known of each that is asked for."""
        return {name: known.state for name, known in self._known.items()}

    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """See L{fiberlb.resolved.Answers}."""
        found: dict[str, tuple[str, ...]] = {}
        for name, known in self._known.items():
            state = known.state
            found[name] = (state.chosen,) if state.chosen else ()
            found[DNS + name] = state.addresses
        return found

    def problems(self) -> Iterator[str]:
        """What is wrong, each a sentence."""
        for name, known in self._known.items():
            if known.state.error:
                yield _problem(name, known.state)

    # Asking.

    def _begin(self, name: str, known: _Known) -> None:
        found = self._hosts.lookup(name)
        if found:
            families = {
                Family.IPV4: tuple(a for a in found if ":" not in a),
                Family.IPV6: tuple(a for a in found if ":" in a),
            }
            self._take(name, known, known.state.at(families, None, self._wall()))
            return
        known.asking = asking = Deferred.fromCoroutine(self._asked(name, known))
        asking.addErrback(self._not_asked, name)

    async def _asked(self, name: str, known: _Known) -> None:
        settings = self._settings
        await self._turns.acquire()
        try:
            both = [Deferred.fromCoroutine(self._learn(settings, name, f)) for f in Family]
            done = await gatherResults(both, consumeErrors=True)
            learned = dict(zip(Family, done, strict=True))
        finally:
            self._turns.release()
        known.asking = None
        state = known.state.after(learned, self._wall())
        wait = settings.bounded(0.0 if state.error or state.ttl is None else state.ttl)
        known.timer = self._clock.callLater(wait, self._begin, name, known)
        self._take(name, known, state)

    async def _learn(
        self, settings: ResolverSettings, name: str, family: Family
    ) -> Found | NoAnswer:
        try:
            return await self._servers.ask(settings, name, family)
        except NoAnswer as why:
            return why

    def _not_asked(self, failure: Any, name: str) -> None:
        known = self._known.get(name)
        if known is None or known.asking is None:
            # It was stopped.
            return
        known.asking = None
        self._log.failure("{name} could not be asked for", failure, name=name)
        wait = self._settings.minimum_ttl
        known.timer = self._clock.callLater(wait, self._begin, name, known)
        known.tried = True
        self._tell_waiting()

    def _look_at_hosts(self) -> None:
        if not self._hosts.refresh():
            return
        for name, known in self._known.items():
            state = known.state
            if self._hosts.lookup(name) or (state.answered is not None and state.ttl is None):
                known.stop()
                self._begin(name, known)

    # Telling.

    def _take(self, name: str, known: _Known, state: NameState) -> None:
        before, known.state, known.tried = known.state, state, True
        if state.error != before.error:
            if state.error:
                self._log.warn("{problem}", problem=_problem(name, state))
            else:
                self._log.info("Name {name} is resolved again", name=name)
        same = (before.addresses, before.chosen) == (state.addresses, state.chosen)
        if not same:
            self._log.info(
                "Name {name} is at {addresses}, was at {before}",
                name=name,
                addresses=_listed(state.addresses),
                before=_listed(before.addresses),
            )
            self._kept.keep(name, state)
        self._tell_waiting()
        if not same:
            self.changed()

    def _tell_waiting(self) -> None:
        for entry in list(self._waiting):
            names, fired = entry
            if fired.called:
                self._waiting.remove(entry)
            elif all(n not in self._known or self._known[n].tried for n in names):
                self._waiting.remove(entry)
                fired.callback(None)


def _listed(addresses: Iterable[str]) -> str:
    return ", ".join(addresses) or "no address"


def _problem(name: str, state: NameState) -> str:
    kept = "the last good answer is kept" if state.addresses else "no address is known yet"
    return f"name {name} is not resolved ({kept}): {state.error}"
