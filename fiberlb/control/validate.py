"""Everything that can be said of a configuration without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from fiberlb import snapshot
from fiberlb.acme.issued import Issued
from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.bounds import Limits
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER, Configuration, resolve
from fiberlb.model.consistency import check
from fiberlb.model.exposed import exposed
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.resource import Meta, Owner
from fiberlb.routing import match
from fiberlb.tls.authorities import examine
from fiberlb.tls.chain import servable
from fiberlb.tls.ciphers import suites
from fiberlb.tls.contexts import TlsSlot
from fiberlb.tls.material import Material
from fiberlb.tls.member_contexts import MemberContexts


def with_default(configuration: Configuration) -> Configuration:
    """The configuration with the load balancer C{default}, unless it has one of that name."""
    default = DEFAULT_LOAD_BALANCER
    there = configuration.all(LoadBalancer)
    if default.id in there or any(made.name == default.name for made in there.values()):
        return configuration
    objects = {**configuration.objects, default.COLLECTION: {**there, default.id: default}}
    meta = {**configuration.meta, default.id: Meta(Owner.FILE, "", "", 0)}
    return attrs.evolve(configuration, objects=objects, meta=meta)


def examined(configuration: Configuration, previous: Configuration | None = None) -> Configuration:
    """
    The configuration, default load balancer added, references resolved, checked.

    Certificates and keys are read and compared; those that C{previous} has
    unchanged are not read again.

    @raise ConfigurationError: with every problem, at (collection, id, field, ...).
    """
    resolved, problems = _examined(configuration, previous)
    if problems:
        raise ConfigurationError(problems)
    return resolved


def validated(
    configuration: Configuration,
    previous: snapshot.Snapshot | None = None,
    *,
    limits: Limits,
    clock: Callable[[], float],
    report: Callable[[str, str], None],
) -> snapshot.Snapshot:
    """
    L{examined}, then compiled at once: what C{fiberlb check} and the start share.

    Who must not hold the reactor calls L{examined} and iterates over
    L{fiberlb.snapshot.compile} instead.

    @param limits: the process's, below those of a listener.
    @param clock: monotonic seconds, for the budget of patterns.
    @param report: told of undecided rules while they serve.

    @raise ConfigurationError: with every problem, at (collection, id, field, ...).
    """
    resolved, problems = _examined(configuration, previous.configuration if previous else None)
    if problems:
        # What compiling would refuse is told at once too, though there is nothing to compile.
        problems += _unroutable(resolved, clock, report)
        raise ConfigurationError(dict.fromkeys(problems))
    resolved = Issued().dressed(resolved)
    made = snapshot.compile_now(
        resolved, previous, limits=limits, clock=clock, report=report, served=False
    )
    problems = list(_unservable(made, previous))
    if problems:
        raise ConfigurationError(dict.fromkeys(problems))
    return made


def _examined(
    configuration: Configuration, previous: Configuration | None
) -> tuple[Configuration, list[Problem]]:
    resolved, problems = resolve(with_default(configuration))
    problems += (*check(resolved), *exposed(resolved))
    known = previous.all(Certificate) if previous else {}
    problems += unreadable(resolved.all(Certificate).values(), known)
    problems += _unknown_suites(resolved.all(Listener).values())
    return resolved, problems


def unreadable(
    certificates: Iterable[Certificate], known: Mapping[str, Certificate]
) -> Iterator[Problem]:
    """
    What is wrong with certificates in themselves, at (collection, id, field).

    @param known: by id; those that are the same are not read again.
    """
    for certificate in certificates:
        if known.get(certificate.id) == certificate or certificate.acme is not None:
            continue
        try:
            read = examine(certificate)
            if isinstance(read, Material):
                servable(read)
        except ConfigurationError as why:
            yield from _below(("certificates", certificate.id), why)


def _unknown_suites(listeners: Iterable[Listener]) -> Iterator[Problem]:
    for listener in listeners:
        if listener.tls_config is None or not listener.tls_config.cipher_suites:
            continue
        at = ("listeners", listener.id, "tls_config", "cipher_suites")
        try:
            suites(listener.tls_config.cipher_suites, at)
        except ConfigurationError as why:
            yield from why.problems


def _unroutable(
    resolved: Configuration, clock: Callable[[], float], report: Callable[[str, str], None]
) -> Iterator[Problem]:
    """What is wrong with policies and rules in themselves."""
    for listener in resolved.all(Listener).values():
        policies = [
            (policy, resolved.children(L7Rule, policy.id))
            for policy in resolved.children(L7Policy, listener.id)
        ]
        try:
            match.compile_routes(listener, policies, clock=clock, report=report)
        except ConfigurationError as why:
            yield from why.problems


def _unservable(made: snapshot.Snapshot, previous: snapshot.Snapshot | None) -> Iterator[Problem]:
    """What OpenSSL refuses of the listeners and pools that are new or changed."""
    for ident, plan in made.listeners.items():
        before = previous.listeners.get(ident) if previous else None
        if plan.tls is None or (before is not None and before.tls == plan.tls):
            continue
        try:
            TlsSlot(ident).prepare(plan.tls)
        except ConfigurationError as why:
            yield from why.problems
    known = previous.pools if previous else {}
    changed = {i: p for i, p in made.pools.items() if i not in known or known[i].tls != p.tls}
    try:
        MemberContexts().prepare(changed)
    except ConfigurationError as why:
        yield from why.problems


def _below(path: Path, why: ConfigurationError) -> list[Problem]:
    return [attrs.evolve(problem, path=(*path, *problem.path)) for problem in why.problems]
