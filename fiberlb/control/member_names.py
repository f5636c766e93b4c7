"""Members by name, as control sees them: what they are now, and when to put that in force."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from fiberlb.control.plane import HealthView, MemberHealth
from fiberlb.model.pool import Member

#: Seconds in which a change waits for the first answers about names that it brings.
PATIENCE = 1.0
#: Seconds in which answers gather before they are put in force.
GATHERING = 0.05
#: Seconds until addresses that could not be put in force are tried again.
RETRY = 5.0
Work = Callable[[], Coroutine[Deferred[Any], Any, None]]
_log = Logger()


class NameState(Protocol):
    """What is known of one name: L{fiberlb.names.name.NameState} by shape."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """By the last good answer."""

    @property
    def ttl(self) -> float | None:
        """Seconds that it said; C{None}: it did not come from a server."""

    @property
    def answered(self) -> float | None:
        """When it came, wall-clock seconds."""

    @property
    def error(self) -> str:
        """Why the last question brought nothing; empty: it did."""


class Names(Protocol):
    """Who resolves names: L{fiberlb.names.service.NameService} by shape."""

    changed: Callable[[], None]

    def want(self, names: Collection[str]) -> None:
        """Ask for these, too."""

    def keep(self, names: Collection[str]) -> None:
        """Ask for these and no others."""

    def first(self, names: Collection[str], patience: float) -> Deferred[None]:
        """Fires when each was asked for once, or after C{patience} seconds."""

    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """As L{fiberlb.resolved.Answers}."""

    def state(self, name: str) -> NameState:
        """What is known of one name."""

    def states(self) -> Mapping[str, NameState]:
        """What is known of each that is asked for."""

    def problems(self) -> Iterator[str]:
        """What is wrong, each a sentence."""


@attrs.frozen
class _Unasked:
    addresses: tuple[str, ...] = ()
    ttl: float | None = None
    answered: float | None = None
    error: str = ""


class NoNames:
    """Resolves nothing."""

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None

    def want(self, names: Collection[str]) -> None:
        """Nobody is asked."""

    def keep(self, names: Collection[str]) -> None:
        """Nobody is asked."""

    def first(self, names: Collection[str], patience: float) -> Deferred[None]:
        """There is nothing to wait for."""
        return succeed(None)

    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """None."""
        return {}

    def state(self, name: str) -> NameState:
        """Nothing is known."""
        return _Unasked()

    def states(self) -> Mapping[str, NameState]:
        """None."""
        return {}

    def problems(self) -> Iterator[str]:
        """None."""
        return iter(())


@attrs.frozen
class Together:
    """The health of a member that is several, in the terms of one (L{MemberHealth})."""

    health: str
    reason: str = ""
    since: float | None = None
    last_check: float | None = None
    transitions: int = 0


def health_of(view: HealthView, parts: Sequence[Member], why_none: str) -> MemberHealth:
    """
    The health of a member, over all of its addresses.

    @param why_none: why it has none; then it is C{unknown}.
    """
    if not parts:
        return Together("unknown", why_none or "not resolved yet")
    several = [view.status(part.id) for part in parts]
    if len(several) == 1:
        return several[0]
    words = [each.health for each in several]
    worst = ("up", "unmonitored", "probing", "down")
    health = next((word for word in worst if word in words), words[0])
    good = sum(word in ("up", "unmonitored") for word in words)
    reasons = dict.fromkeys(e.reason for e in several if e.health == "down" and e.reason)
    return Together(
        health,
        "; ".join([f"{good} of {len(words)} addresses up", *list(reasons)[:3]]),
        max((each.since for each in several if each.since is not None), default=None),
        max((each.last_check for each in several if each.last_check is not None), default=None),
        sum(each.transitions for each in several),
    )


def sum_of(several: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Figures of a member, over all of its addresses."""
    if len(several) == 1:
        return several[0]
    done: dict[str, int] = {}
    for figures in several:
        for name, number in figures.items():
            done[name] = done.get(name, 0) + number
    return done


class Gathering:
    """
    Puts new addresses in force, those that come together in one go.

    @param clock: has C{IReactorTime}.
    @param in_turn: has something done in turn with everything else.
    @param enter: does it; tried again if it fails.
    """

    def __init__(
        self, clock: Any, names: Names, in_turn: Callable[[Work], Deferred[None]], enter: Work
    ) -> None:
        self._clock = clock
        self._in_turn = in_turn
        self._enter = enter
        self._timer: Any = None
        self._stopped = False
        names.changed = self._changed

    def _changed(self, wait: float = GATHERING) -> None:
        if not self._stopped and (self._timer is None or not self._timer.active()):
            self._timer = self._clock.callLater(wait, self._begin)

    def _begin(self) -> None:
        self._in_turn(self._enter).addErrback(self._failed)

    def _failed(self, why: Failure) -> None:
        _log.failure("new addresses of names are not in force", why)
        self._changed(RETRY)

    def stop(self) -> None:
        """Put nothing in force any more."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
