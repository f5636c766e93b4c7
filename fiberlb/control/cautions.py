"""What of a configuration is allowed, and cannot be what was meant, or has not come about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fiberlb.acme.issued import Issued
from fiberlb.errors import Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.l7 import L7Policy, PolicyAction
from fiberlb.model.listener import Listener
from fiberlb.model.rate_limit import ADDRESS

#: What objects of a collection are called.
_CALLED = {Listener.COLLECTION: "listener", L7Policy.COLLECTION: "policy"}


def cautions(configuration: Configuration, trusted: Sequence[str]) -> Iterator[Problem]:
    """
    Each at C{(collection, id, field)}.

    @param trusted: the C{trusted_proxies} of the process.
    """
    yield from _uncounted(configuration)
    if trusted:
        return
    for ident, listener in configuration.all(Listener).items():
        if listener.accept_proxy_protocol and listener.enabled:
            message = "trusted_proxies is empty: every connection is reset"
            yield Problem((Listener.COLLECTION, ident, "accept_proxy_protocol"), message)


def _uncounted(configuration: Configuration) -> Iterator[Problem]:
    """Limits of policies that do not do what they say."""
    listeners = configuration.all(Listener)
    for ident, policy in configuration.all(L7Policy).items():
        limit, path = policy.rate_limit, (L7Policy.COLLECTION, ident, "rate_limit")
        if limit is None or limit.rate is None or not policy.enabled:
            continue
        if policy.action is PolicyAction.REJECT:
            yield Problem(path, "does nothing: the policy refuses all that it takes anyway")
        elif limit.key != ADDRESS and not listeners[policy.listener_id].speaks_http:
            message = "the listener reads no requests: connections are counted by client_address"
            yield Problem((*path, "key"), message)


def not_issued(configuration: Configuration, issued: Issued) -> Iterator[str]:
    """A sentence for each certificate that orders itself, and could not."""
    for made in configuration.all(Certificate).values():
        record = issued.records.get(made.id)
        if made.acme is not None and made.enabled and record and record.last_error:
            yield f"certificate {made.name} was not issued: {record.last_error}"


def sentences(configuration: Configuration, trusted: Sequence[str]) -> Iterator[str]:
    """The same for people who see no file."""
    for problem in cautions(configuration, trusted):
        collection, ident, *field = problem.path
        found = configuration.objects[str(collection)][str(ident)]
        where = ".".join(map(str, field))
        yield f"{_CALLED[str(collection)]} {found.name or found.id}: {where}: {problem.message}"
