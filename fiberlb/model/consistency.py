"""
What is wrong between objects that are right by themselves.

Each may be as it is; together they cannot be served: two listeners at one port, a listener of one
protocol and a pool of another, a certificate of a type that is not for this use. Problems
name fields as in L{fiberlb.model.configuration}.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from fiberlb.errors import Path, Problem
from fiberlb.model.addresses import named
from fiberlb.model.certificate import Certificate
from fiberlb.model.certificate_uses import of_listener, of_pool
from fiberlb.model.configuration import Configuration, addresses
from fiberlb.model.l7 import (
    NESTING,
    OF_CONNECTIONS,
    Condition,
    L7Policy,
    L7Rule,
    PolicyAction,
)
from fiberlb.model.listener import ADD_TLS_CONFIG, Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.mirror import misfits
from fiberlb.model.pool import Member, Pool, PoolProtocol
from fiberlb.model.referring import directly, indirectly, references
from fiberlb.model.treated import TREATMENTS

_POOL_FIELDS = [name for name, to in directly(L7Policy) if to == Pool.COLLECTION]
#: Of a policy its listener and the pools that its own fields name; the values that may name more.
_NAMED: attrgetter[tuple[str, ...]] = attrgetter("listener_id", *_POOL_FIELDS)
_FURTHER = attrgetter(*indirectly(L7Policy))
_NOTHING_FURTHER = (None,) * len(indirectly(L7Policy))


def check(configuration: Configuration) -> Iterable[Problem]:
    """What is wrong between objects; call it on a resolved configuration."""
    yield from _check_pools(configuration)
    yield from _check_listeners(configuration)
    yield from _check_policies(configuration)
    for cls in (Listener, Pool, L7Policy):
        yield from misfits(configuration.all(cls).values(), configuration.all(Pool))


def _check_pools(configuration: Configuration) -> Iterable[Problem]:
    for pool in configuration.all(Pool).values():
        if pool.protocol is PoolProtocol.UDP:
            for member in configuration.children(Member, pool.id):
                if named(member.address):
                    message = f"{member.address} takes connections; udp pools need IP addresses"
                    yield Problem(("members", member.id, "address"), message)
                if member.max_connections is not None:
                    message = "does not go with udp pools"
                    yield Problem(("members", member.id, "max_connections"), message)
        if pool.tls_config is not None:
            at = ("pools", pool.id, "tls_config")
            yield from of_pool(configuration.all(Certificate), pool.tls_config, at)


def _check_listeners(configuration: Configuration) -> Iterable[Problem]:
    taken: dict[tuple[str, int, bool], Listener] = {}
    for listener in configuration.all(Listener).values():
        at = ("listeners", listener.id)
        if listener.loadbalancer_id in configuration.all(LoadBalancer):
            for address in addresses(configuration, listener):
                port = 0 if named(address) else listener.port or 0
                key = (address, port, listener.datagrams)
                other = taken.setdefault(key, listener)
                if other is not listener:
                    yield _taken(at, address, port, other)
        yield from _check_named_pools(configuration, listener, listener, set())
        tls = listener.tls_config
        if tls is not None:
            yield from of_listener(configuration.all(Certificate), tls, (*at, "tls_config"))


def _taken(at: Path, address: str, port: int, by: Listener) -> Problem:
    if not port:
        message = f"{address} is taken by listener {by.name!r}"
        return Problem((*at, "address"), message, code="address_in_use")
    message = f"port {port} of {address} is taken by listener {by.name!r}"
    return Problem((*at, "port"), message, code="address_in_use")


def _check_fit(listener: Listener, pool: Pool, path: Path) -> Iterable[Problem]:
    datagrams = pool.protocol is PoolProtocol.UDP
    relayed = datagrams or pool.protocol is PoolProtocol.TCP
    if datagrams is not listener.datagrams:
        needed = "udp" if listener.datagrams else "http or https" if listener.speaks_http else "tcp"
        message = (
            f"pool {pool.name!r} is {pool.protocol.value},"
            f" {listener.protocol.value} listeners need {needed}"
        )
        yield Problem(path, message)
    elif relayed is listener.speaks_http:
        wanted = "http or https" if listener.speaks_http else "tcp"
        hint = ""
        if pool.encrypts:
            hint = (
                ": bytes are relayed as they come; with protocol http the listener could encrypt"
                " requests to this pool, with a tcp pool clients speak TLS to the members"
            )
        message = (
            f"pool {pool.name!r} is {pool.protocol.value},"
            f" {listener.protocol.value} listeners need {wanted}{hint}"
        )
        if listener.passes_tls:
            message = (
                f"pool {pool.name!r} is {pool.protocol.value}, and needs HTTP; {ADD_TLS_CONFIG}"
            )
        yield Problem(path, message)


def _check_named_pools(
    configuration: Configuration,
    listener: Listener,
    made: Listener | L7Policy,
    fitting: set[tuple[str, str]],
) -> Iterable[Problem]:
    """
    The pools that a listener, or one of its policies, sends what comes to.

    @param fitting: the ids of listeners and pools that are known to go together.
    """
    at = (made.COLLECTION, made.id)
    pools = configuration.all(Pool)
    split: set[str] = set()
    for to, ident, path in references(made):
        pool = pools.get(ident) if to == Pool.COLLECTION else None
        if pool is None:
            continue
        if (listener.id, ident) not in fitting:
            unfit = list(_check_fit(listener, pool, (*at, *path)))
            yield from unfit
            if not unfit:
                fitting.add((listener.id, ident))
        if path[0] not in ("default_pools", "redirect_pools"):
            continue
        # One of several; by its name and by its id it is the same.
        if ident in split:
            message = f"pool {pool.name!r} is named twice; add the weights up"
            yield Problem((*at, *path), message, code="duplicate")
        split.add(ident)
        kept, own = made.split_persistence, pool.session_persistence
        if kept and own and own.ours and kept.cookie_name == own.name:
            message = f"is the name of the cookie of pool {pool.name!r}, too"
            yield Problem((*at, "split_persistence", "cookie_name"), message)


def _check_policies(configuration: Configuration) -> Iterable[Problem]:
    listeners = configuration.all(Listener)
    fitting: set[tuple[str, str]] = set()
    for policy in _to_look_at(configuration):
        at = ("l7_policies", policy.id)
        listener = listeners.get(policy.listener_id)
        if listener is None:
            continue
        if listener.passes_tls:
            yield from _check_passing(configuration, policy)
        elif not listener.speaks_http:
            message = f"listener {listener.name!r} is {listener.protocol.value}, policies need http"
            yield Problem((*at, "listener_id"), message)
            continue
        yield from _check_named_pools(configuration, listener, policy, fitting)


def _to_look_at(configuration: Configuration) -> Iterable[L7Policy]:
    """
    The policies that something may be wrong with.

    Nearly all of many name nothing but a pool, and so do others of their listener.
    """
    listeners, pools = configuration.all(Listener), configuration.all(Pool)
    in_order: dict[tuple[str, ...], bool] = {}

    def fits(listener: Listener | None, idents: tuple[str, ...]) -> bool:
        if listener is None:
            return True
        known = [pools[ident] for ident in idents if ident in pools]
        fit = not any(any(_check_fit(listener, pool, ())) for pool in known)
        return fit and listener.speaks_http and not listener.passes_tls

    for policy in configuration.all(L7Policy).values():
        named = _NAMED(policy)
        if named not in in_order:
            in_order[named] = fits(listeners.get(named[0]), named[1:])
        if not in_order[named] or _FURTHER(policy) != _NOTHING_FURTHER:
            yield policy


def _check_passing(configuration: Configuration, policy: L7Policy) -> Iterable[Problem]:
    """A policy of a listener that passes TLS through: no more than connections tell."""
    at = ("l7_policies", policy.id)
    for key in TREATMENTS:
        if getattr(policy, key) is not None:
            yield Problem((*at, key), f"needs HTTP; {ADD_TLS_CONFIG}")
    if policy.action not in (PolicyAction.REDIRECT_TO_POOL, PolicyAction.REJECT, None):
        message = f"{policy.action.value} needs HTTP; {ADD_TLS_CONFIG}"
        yield Problem((*at, "action"), message)
    elif policy.action is PolicyAction.REJECT and policy.redirect_http_status_code is not None:
        message = f"a status needs HTTP; {ADD_TLS_CONFIG}"
        yield Problem((*at, "redirect_http_status_code"), message)
    if policy.split_persistence is not None:
        message = f"is a cookie, and needs HTTP; {ADD_TLS_CONFIG}"
        yield Problem((*at, "split_persistence"), message)
    for rule in configuration.children(L7Rule, policy.id):
        yield from _check_of_connections(rule, ("l7_rules", rule.id))


def _check_of_connections(rule: Condition, at: Path) -> Iterable[Problem]:
    if rule.rule_type in NESTING:
        for index, one in enumerate(rule.rules):
            yield from _check_of_connections(one, (*at, "rules", index))
    elif rule.rule_type not in OF_CONNECTIONS:
        message = f"{rule.rule_type.value} rules need HTTP; {ADD_TLS_CONFIG}"
        yield Problem((*at, "rule_type"), message)
