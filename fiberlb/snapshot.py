"""
What one revision of the configuration means, compiled for those who serve it.

A snapshot is immutable. Running state (balancers, idle connections, health)
lives elsewhere, by the ids of members and pools, so that it outlives snapshots.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

import attrs

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.addresses import UDP, named
from fiberlb.model.bounds import Limits, Timeouts
from fiberlb.model.configuration import Configuration, addresses
from fiberlb.model.convert import overlaid
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Pool, ResolvedMember
from fiberlb.pool_plans import MemberTlsPlan, PoolPlan, pool_plan
from fiberlb.routing.match import Routes, compile_in_steps
from fiberlb.routing.patterns import Clock, Report
from fiberlb.tls_plans import ClientPlan, TlsPlan, tls_objects, tls_plan
from fiberlb.treatment.treatment import faults

__all__ = [
    "ClientPlan",
    "ListenerPlan",
    "MemberTlsPlan",
    "PoolPlan",
    "Snapshot",
    "TlsPlan",
    "compile",
    "compile_now",
]


@attrs.frozen
class ListenerPlan:
    """
    One listener that is to listen.

    @ivar addresses: IP address and port of every socket; with a named one the port is 0.
        Those of datagrams begin with C{udp:}.
    @ivar freebind: bind addresses that the host does not have yet.
    @ivar routes: for a listener that speaks HTTP; of one that does not, only its default is used.
    @ivar timeouts: in force on this listener, before pools and policies override them.
    @ivar limits: in force on this listener.
    @ivar tls: C{None} on a listener without TLS.
    """

    listener: Listener
    addresses: tuple[tuple[str, int], ...]
    freebind: bool
    routes: Routes
    timeouts: Timeouts
    limits: Limits
    tls: TlsPlan | None


@attrs.frozen
class Snapshot:
    """
    One revision, compiled.

    @ivar listeners: by id, the enabled ones of enabled load balancers.
    @ivar figures: of these the ones that show the figures of the node, which are no traffic; by
        id, and not among C{listeners}.
    @ivar pools: by id, all of them; of a disabled one C{pool.enabled} is false.
    @ivar parts: id of a member by name -> itself at the addresses of the name, as many as it has.
    @ivar answers: what members have for an address, and the addresses that it has; both empty
        until names are resolved (L{fiberlb.resolved}).
    """

    revision: int
    configuration: Configuration = attrs.field(repr=False)
    listeners: Mapping[str, ListenerPlan]
    pools: Mapping[str, PoolPlan]
    parts: Mapping[str, tuple[ResolvedMember, ...]] = attrs.field(factory=dict, repr=False)
    answers: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    figures: Mapping[str, ListenerPlan] = attrs.field(factory=dict)

    def plan(self, ident: str) -> ListenerPlan | None:
        """A listener that is to listen, whatever it serves."""
        return self.listeners.get(ident) or self.figures.get(ident)

    def wanted(self) -> dict[tuple[str, int], str]:
        """What is to be listened at, and for which listener: its id."""
        return {key: ident for ident, plan in self.listeners.items() for key in plan.addresses}


def compile(
    configuration: Configuration,
    previous: Snapshot | None,
    *,
    limits: Limits,
    clock: Clock,
    report: Report,
    served: bool = True,
) -> Iterator[Snapshot | None]:
    """
    Compile a configuration in small steps.

    @param configuration: resolved and checked (L{fiberlb.model.configuration}).
    @param previous: what was in force; its plans are used again, the same
        objects, for whatever did not change.
    @param limits: of the process; a listener's own override them.
    @param clock: monotonic seconds, read afresh at each call.
    @param report: called with a rule's id and a text for every match of a regular
        expression that stays undecided.
    @param served: requests are decided by it in this process; else the little that nothing but a
        request needs is made when one is asked about (L{fiberlb.routing.match.compile_routes}).

    @return: yields C{None} after each step, at most a few milliseconds of work,
        so that traffic can be served between; the snapshot comes last.

    @raise ConfigurationError: at the last step, with every L{Problem} at
        C{(collection, id, field)}; disabled objects are checked too.
    """
    if previous is not None:
        configuration.share(previous.configuration)
    for cls in (L7Policy, L7Rule):
        yield from configuration.indexed(cls)
    work = _Compilation(configuration, previous, limits, clock, report, served)
    pools: dict[str, PoolPlan] = {}
    for pool in configuration.all(Pool).values():
        pools[pool.id] = work.pool(pool)
        yield None
    listeners: dict[str, ListenerPlan] = {}
    figures: dict[str, ListenerPlan] = {}
    for listener in configuration.all(Listener).values():
        plan = yield from work.listener(listener)
        if plan is not None:
            (figures if listener.shows_figures else listeners)[listener.id] = plan
        yield None
    if work.problems:
        raise ConfigurationError(work.problems)
    yield Snapshot(configuration.revision, configuration, listeners, pools, figures=figures)


def compile_now(
    configuration: Configuration,
    previous: Snapshot | None = None,
    *,
    limits: Limits,
    clock: Clock,
    report: Report,
    served: bool = True,
) -> Snapshot:
    """
    L{compile} in one go, for starts and tests.

    @raise ConfigurationError: as there.
    """
    made: Snapshot | None = None
    steps = compile(
        configuration, previous, limits=limits, clock=clock, report=report, served=served
    )
    for step in steps:
        made = step
    assert made is not None
    return made


#: A policy with its rules, as listeners are compiled from.
_Policy = tuple[L7Policy, Sequence[L7Rule]]
#: Policies that are collected, or looked through, in one step.
_SLICE = 1000


def _policies(
    configuration: Configuration, listener: Listener
) -> Generator[None, None, list[_Policy]]:
    found: list[_Policy] = []
    rules_of = configuration.by_parent(L7Rule).get
    policies = configuration.children(L7Policy, listener.id)
    for start in range(0, len(policies), _SLICE):
        found += [(one, rules_of(one.id, ())) for one in policies[start : start + _SLICE]]
        yield
    return found


def _frame(configuration: Configuration, listener: Listener) -> tuple[object, ...]:
    """What a listener's plan is made of, apart from its policies."""
    balancer = configuration.all(LoadBalancer)[listener.loadbalancer_id]
    return listener, balancer, *tls_objects(configuration, listener)


class _Compilation:
    """
    One run of L{compile}.

    @ivar problems: what was wrong so far.
    """

    def __init__(
        self,
        configuration: Configuration,
        previous: Snapshot | None,
        limits: Limits,
        clock: Clock,
        report: Report,
        served: bool,
    ) -> None:
        self.problems: list[Problem] = []
        self._configuration = configuration
        self._previous = previous
        self._limits = limits
        self._clock = clock
        self._report = report
        self._served = served

    def pool(self, pool: Pool) -> PoolPlan:
        """The plan of one pool, the previous one if it says the same."""
        plan = pool_plan(self._configuration, pool, self.problems)
        self.problems += faults(pool)
        before = self._previous.pools.get(pool.id) if self._previous else None
        return before if before == plan and before is not None else plan

    def listener(self, listener: Listener) -> Generator[None, None, ListenerPlan | None]:
        """The plan of one listener; C{None} if it is not to listen, or is wrong."""
        limits = overlaid(self._limits, listener.limits)
        before = self._previous.plan(listener.id) if self._previous else None
        usable = before is None or before.routes.served or not self._served
        if self._previous is not None and usable:
            unchanged = yield from self._unchanged(listener, self._previous.configuration)
            if unchanged:
                if before is None or before.limits == limits:
                    return before
                return attrs.evolve(before, limits=limits)
        policies = yield from _policies(self._configuration, listener)
        self.problems += faults(listener)
        for start in range(0, len(policies), _SLICE):
            self.problems += faults(*[policy for policy, _ in policies[start : start + _SLICE]])
            yield
        try:
            routes = yield from compile_in_steps(
                listener,
                policies,
                clock=self._clock,
                report=self._report,
                before=before.routes if before is not None else None,
                served=self._served,
            )
        except ConfigurationError as why:
            self.problems += why.problems
            return None
        return self._plan(listener, routes, limits)

    def _unchanged(self, listener: Listener, known: Configuration) -> Generator[None, None, bool]:
        """Whether a listener is made of what it was made of before."""
        now = self._configuration
        before = known.all(Listener).get(listener.id)
        if before is None or _frame(known, before) != _frame(now, listener):
            return False
        if all(now.by_parent(cls) is known.by_parent(cls) for cls in (L7Policy, L7Rule)):
            return True
        policies = yield from _policies(now, listener)
        compared = yield from _policies(known, before)
        if len(compared) != len(policies):
            return False
        for old, new in zip(compared, policies, strict=True):
            if old != new:
                return False
            yield
        return True

    def _plan(self, listener: Listener, routes: Routes, limits: Limits) -> ListenerPlan | None:
        balancer = self._configuration.all(LoadBalancer)[listener.loadbalancer_id]
        tls = tls_plan(self._configuration, listener, self.problems)
        if not listener.enabled or not balancer.enabled:
            return None
        own = addresses(self._configuration, listener)
        if listener.datagrams:
            own = tuple(UDP + address for address in own)
        return ListenerPlan(
            listener=listener,
            addresses=tuple((a, 0 if named(a) else listener.port or 0) for a in own),
            freebind=balancer.freebind,
            routes=routes,
            timeouts=overlaid(Timeouts(), listener.timeouts),
            limits=limits,
            tls=tls,
        )
