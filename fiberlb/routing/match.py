"""
The policies of a listener, compiled into one function of a request.

Everything that can fail fails here, when the configuration changes; a request
pays for the tests alone. The same compiled policies serve L{Routes.decide}
and L{Routes.trace}, so that an explanation cannot differ from what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import TypeVar

import attrs

from fiberlb.model.l7 import RuleType
from fiberlb.model.listener import EncodedSlash, Listener
from fiberlb.routing.actions import AMBIGUOUS_PATH, BAD_REQUEST, READY, Decision, default_decision
from fiberlb.routing.conditions import AnyRule
from fiberlb.routing.index import Index
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.path import folded, respelled
from fiberlb.routing.patterns import Budget, Clock, Report
from fiberlb.routing.policies import CompiledPolicy, Given, Known, compile_policies
from fiberlb.routing.request import Request

T = TypeVar("T")
Decide = Callable[[Request], Decision]
#: Methods by which the readiness path is asked.
_ASKING = frozenset({b"GET", b"HEAD"})
#: Fewer policies than this are evaluated one after the other: that is faster than any index.
LEAST_INDEXED = 5
#: Policies laid out in one step of compiling.
_SLICE = 500


class Routes:
    """
    A listener's policies.

    @ivar decide: what becomes of a request.
    @ivar only: the one decision that every request gets, whatever it is; C{None}
        when it depends on the request, which then has to be built.
    @ivar indexed: policies are looked up, not tried one after the other.
    @ivar served: ready for requests; else the first one that is asked about pays for the index.
    @ivar fields: names of the header fields that they look at, in lower case.
    """

    __slots__ = ("_budget", "_policies", "decide", "fields", "indexed", "only", "served")

    def __init__(
        self,
        policies: Sequence[CompiledPolicy],
        decide: Decide,
        only: Decision | None,
        budget: Budget,
        indexed: bool,
        fields: Collection[str],
        served: bool,
    ) -> None:
        self._policies = policies
        self._budget = budget
        self.decide = decide
        self.only = only
        self.indexed = indexed
        self.fields = fields
        self.served = served

    @property
    def policies(self) -> Sequence[CompiledPolicy]:
        """Those that can match, in their order."""
        return self._policies

    @property
    def complexity(self) -> Mapping[str, str]:
        """
        Rule id -> one of L{fiberlb.routing.conditions.COMPLEXITIES}, of the rules that are
        evaluated.
        """
        return {rule.id: rule.complexity for policy in self._policies for rule in policy.rules}

    def again(self, budget: Budget) -> Generator[None, None, tuple[Budget, Known]]:
        """
        What can be used again, by id, where the budget is for the same; yields between steps.

        @return: also the budget to go on with.
        """
        known: dict[str, CompiledPolicy] = {}
        if not self._budget.agrees(budget):
            return budget, known
        for number, policy in enumerate(self._policies):
            known[policy.id] = policy
            if number % _SLICE == 0:
                yield
        return self._budget, known

    def renew(self) -> None:
        """Give whoever asks rules one by one the time of another request."""
        self._budget.renew()

    def trace(self, request: Request) -> list[tuple[str, str, str]]:
        """
        How a request is decided, in the path's first reading.

        @return: policy id, rule id, and C{matched}, C{not} or C{undecided}, in the
            order of evaluation, up to the policy that decides.
        """
        self._budget.renew()
        steps: list[tuple[str, str, str]] = []
        for policy in self._policies:
            outcomes = [(rule.id, rule.outcome(request)) for rule in policy.rules]
            steps += [(policy.id, rule, outcome) for rule, outcome in outcomes]
            found = {outcome for _, outcome in outcomes}
            if "not" not in found and (policy.rejects or "undecided" not in found):
                break
        return steps


def compile_routes(
    listener: Listener,
    policies: Sequence[Given],
    *,
    clock: Clock,
    report: Report,
    engine: Engine = installed,
    least_indexed: int = LEAST_INDEXED,
    before: Routes | None = None,
    served: bool = True,
) -> Routes:
    """
    Compile a listener's policies.

    @param policies: with their rules, in order of creation; disabled ones are
        checked and left out.
    @param clock: monotonic seconds, read afresh at each call.
    @param report: called with a rule's id and a text for every match that stays
        undecided.
    @param engine: gives RE2, or C{None} to do without.
    @param least_indexed: so many policies are looked up in an index.
    @param before: policies that are in these and say the same are not compiled again.
    @param served: they are for traffic; else an index is made when somebody asks for the first
        time, for most of what is compiled nobody does. What can fail fails all the same.

    @raise ConfigurationError: with every L{Problem} at C{(collection, id, field)}.
    """
    steps = compile_in_steps(
        listener,
        policies,
        clock=clock,
        report=report,
        engine=engine,
        least_indexed=least_indexed,
        before=before,
        served=served,
    )
    return _done(steps)


def _done(steps: Generator[None, None, T]) -> T:
    """What they come to, in one go."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: T = end.value
            return made


def compile_in_steps(
    listener: Listener,
    policies: Sequence[Given],
    *,
    clock: Clock,
    report: Report,
    engine: Engine = installed,
    least_indexed: int = LEAST_INDEXED,
    before: Routes | None = None,
    served: bool = True,
) -> Generator[None, None, Routes]:
    """L{compile_routes}, yielding every few milliseconds, since there may be thousands."""
    budget = Budget(clock, report, engine)
    known: Known = {}
    if before is not None:
        budget, known = yield from before.again(budget)
    compiled = yield from compile_policies(listener.l7policy_order, policies, budget, known)
    # https_redirect is for everything; its policies wait for the day it is turned off.
    evaluated = [] if listener.https_redirect else compiled
    seen = yield from _looked_through(evaluated)
    default = default_decision(listener)
    indexed: Decide | None = None
    if len(evaluated) < least_indexed:
        decide = in_order(evaluated, default)
    elif served:
        indexed = yield from Index(evaluated, default, budget).build()
        decide = indexed or in_order(evaluated, default)
    else:
        decide = _when_asked(evaluated, default, budget)
    if default.needs_host or seen.needs_host:
        decide = _with_host(decide)
    decide = _with_readings(decide, listener.encoded_slash)
    if seen.searches:
        decide = _with_budget(decide, budget)
    if listener.readiness_path is not None:
        decide = _with_readiness(decide, listener.readiness_path)
    constant = not evaluated and not default.needs_host and listener.readiness_path is None
    only = default if constant and listener.encoded_slash is not EncodedSlash.REJECT else None
    return Routes(evaluated, decide, only, budget, indexed is not None, seen.fields, served)


@attrs.define
class _Seen:
    """
    What the policies of a listener have among them.

    @ivar searches: rules that are no mere comparison of literals.
    @ivar fields: names of the header fields that rules look at, in lower case.
    """

    needs_host: bool = False
    searches: bool = False
    fields: set[str] = attrs.field(factory=set)

    def add(self, rule: AnyRule) -> None:
        """Look at a rule, and at those within."""
        for leaf in rule.leaves():
            if leaf.searches:
                self.searches = True
            if leaf.aspect[0] is RuleType.HEADER:
                self.fields.add(leaf.key.lower())


def _looked_through(policies: Sequence[CompiledPolicy]) -> Generator[None, None, _Seen]:
    seen = _Seen()
    for number, policy in enumerate(policies):
        if policy.needs_host:
            seen.needs_host = True
        if not policy.plain:
            for rule in policy.rules:
                seen.add(rule)
        if number % _SLICE == 0:
            yield
    return seen


def in_order(policies: Sequence[CompiledPolicy], default: Decision) -> Decide:
    """The first policy that matches, every one before it evaluated."""
    rows = tuple(
        (*wanted[0], wanted[1:], policy.decision)
        for policy in policies
        for wanted in [policy.wanted(policy.rules)]
    )

    def decide(request: Request) -> Decision:
        for test, wanted, others, decision in rows:
            if test(request) is wanted:
                for other, wanted in others:
                    if other(request) is not wanted:
                        break
                else:
                    return decision
        return default

    return decide


def _when_asked(policies: Sequence[CompiledPolicy], default: Decision, budget: Budget) -> Decide:
    """What serves traffic, made for the first who asks."""
    made: list[Decide] = []

    def decide(request: Request) -> Decision:
        if not made:
            indexed = _done(Index(policies, default, budget).build())
            made.append(indexed or in_order(policies, default))
        return made[0](request)

    return decide


def _with_readiness(decide: Decide, path: str) -> Decide:
    """Whoever asks whether this process serves is answered before anything else is looked at."""
    wanted = folded(respelled(path.encode()))

    def with_readiness(request: Request) -> Decision:
        if request.path == wanted and request.method in _ASKING:
            return READY
        return decide(request)

    return with_readiness


def _with_host(decide: Decide) -> Decide:
    """A redirect to the request's own host is an error of a request that names none."""

    def with_host(request: Request) -> Decision:
        decision = decide(request)
        return BAD_REQUEST if decision.needs_host and not request.host else decision

    return with_host


def _with_readings(decide: Decide, encoded_slash: EncodedSlash) -> Decide:
    """Paths that origins may read in two ways, or that must not pass."""

    def unusual(request: Request) -> Decision:
        second = request.other
        if not second:
            return BAD_REQUEST
        if encoded_slash is EncodedSlash.REJECT:
            return AMBIGUOUS_PATH
        decision = decide(request)
        if encoded_slash is EncodedSlash.KEEP:
            return decision
        first, request.path = request.path, second
        try:
            other = decide(request)
        finally:
            request.path = first
        return decision if decision.same_action(other) else AMBIGUOUS_PATH

    def with_readings(request: Request) -> Decision:
        return decide(request) if request.other is None else unusual(request)

    return with_readings


def _with_budget(decide: Decide, budget: Budget) -> Decide:
    """Both readings of a path share what one request may take."""

    def with_budget(request: Request) -> Decision:
        budget.renew()
        return decide(request)

    return with_budget
