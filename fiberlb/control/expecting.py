"""The tests of a configuration file, run against what it compiles to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fiberlb.control.asking import Answered, answered
from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.asked import Asked
from fiberlb.model.expectation import Expectation, RequestTest
from fiberlb.model.l7 import L7Policy
from fiberlb.model.settings import Settings
from fiberlb.snapshot import ListenerPlan, Snapshot

#: Of the problems.
CODE = "test_failed"


class TestsFailed(ConfigurationError):
    """Requests would not go where the file's tests expect them; nothing has changed."""


def failures(snapshot: Snapshot, settings: Settings) -> list[Problem]:
    """
    What the tests of a file have against a configuration.

    @return: a L{Problem} at C{("tests", number, "expect", field)} for each expectation that is
        not met.
    """
    found: list[Problem] = []
    for number, test in enumerate(settings.tests):
        at: Path = ("tests", str(number))
        name = test.name or f"number {number + 1}"
        plan = _listener(snapshot, test)
        if isinstance(plan, str):
            found.append(Problem((*at, "request"), f"test {name!r}: {plan}", code=CODE))
            continue
        answer = answered(plan, test.request, settings.trusted_proxies, explained=False)
        for field, message in _differences(snapshot, test.expect, answer):
            told = f"test {name!r}: {message}; the request {_outcome(snapshot, answer)}"
            found.append(Problem((*at, "expect", field), told, code=CODE))
    return found


def _listener(snapshot: Snapshot, test: RequestTest) -> ListenerPlan | str:
    """The listener that a test is about; a text says why there is none."""
    plans = list(snapshot.listeners.values())
    if test.listener is not None:
        named = [p for p in plans if test.listener in (p.listener.id, p.listener.name)]
        return named[0] if len(named) == 1 else f"no listener {test.listener!r} serves"
    found = _by_url(plans, test.request)
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(plan.listener.name) for plan in found or plans)
    several = "several listeners would get it" if found else "no listener would get it"
    return f"{several}: name one with listener ({names or 'there are none'})"


def _by_url(plans: Iterable[ListenerPlan], asked: Asked) -> list[ListenerPlan]:
    """Listeners of the URL's protocol; where one of them has its port, those that have it."""
    fitting = [
        plan
        for plan in plans
        if not plan.listener.datagrams
        and (not asked.scheme or (asked.scheme != "http") is _secure(plan))
    ]
    same = [plan for plan in fitting if plan.listener.port == asked.port]
    return same if same and asked.port is not None else fitting


def _secure(plan: ListenerPlan) -> bool:
    return plan.tls is not None or plan.listener.passes_tls


def _differences(
    snapshot: Snapshot, expect: Expectation, answer: Answered
) -> Iterator[tuple[str, str]]:
    """The fields of an expectation that are not met, and how."""
    decision = answer.decision
    policy, pool = _policy(snapshot, answer), _pool(snapshot, answer)
    if expect.policy is not None and expect.policy not in policy:
        yield (
            "policy",
            f"expects {_said('policy', expect.policy)}, not {_said('policy', policy[0])}",
        )
    if expect.pool is not None and expect.pool not in pool:
        yield "pool", f"expects {_said('pool', expect.pool)}, not {_said('pool', pool[0])}"
    if expect.redirect is not None and expect.redirect != answer.location:
        yield "redirect", f"expects a redirect to {expect.redirect!r}"
    if expect.status is not None and expect.status != (decision.status or None):
        yield "status", f"expects the status {expect.status}"


def _said(kind: str, name: str) -> str:
    return f"{kind} {name!r}" if name else f"no {kind}"


def _policy(snapshot: Snapshot, answer: Answered) -> Sequence[str]:
    """Name and id of the policy that takes a request; empty texts: none does."""
    found = snapshot.configuration.all(L7Policy).get(answer.decision.policy_id or "")
    return ("",) if found is None else (found.name, found.id)


def _pool(snapshot: Snapshot, answer: Answered) -> Sequence[str]:
    plan = snapshot.pools.get(answer.decision.pool_id or "")
    return ("",) if plan is None else (plan.pool.name, plan.pool.id)


def _outcome(snapshot: Snapshot, answer: Answered) -> str:
    """What becomes of a request, in words."""
    if answer.detail:
        return f"is refused: {answer.detail}"
    policy, pool = _policy(snapshot, answer)[0], _pool(snapshot, answer)[0]
    who = f" by policy {policy!r}" if policy else " by no policy"
    if pool:
        return f"goes to pool {pool!r}{who}"
    if answer.location:
        return f"is redirected to {answer.location} ({answer.decision.status}){who}"
    return f"is answered {answer.decision.status} {answer.decision.reason or ''}".rstrip() + who
