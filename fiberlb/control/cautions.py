"""What of a configuration is allowed, and cannot be what was meant, or has not come about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fiberlb.acme.issued import Issued
from fiberlb.errors import Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import Listener


def cautions(configuration: Configuration, trusted: Sequence[str]) -> Iterator[Problem]:
    """
    Each at C{(collection, id, field)}.

    @param trusted: the C{trusted_proxies} of the process.
    """
    if trusted:
        return
    for ident, listener in configuration.all(Listener).items():
        if listener.accept_proxy_protocol and listener.enabled:
            message = "trusted_proxies is empty: every connection is reset"
            yield Problem((Listener.COLLECTION, ident, "accept_proxy_protocol"), message)


def not_issued(configuration: Configuration, issued: Issued) -> Iterator[str]:
    """A sentence for each certificate that orders itself, and could not."""
    for made in configuration.all(Certificate).values():
        record = issued.records.get(made.id)
        if made.acme is not None and made.enabled and record and record.last_error:
            yield f"certificate {made.name} was not issued: {record.last_error}"


def sentences(configuration: Configuration, trusted: Sequence[str]) -> Iterator[str]:
    """The same for people who see no file."""
    listeners = configuration.all(Listener)
    for problem in cautions(configuration, trusted):
        listener = listeners[str(problem.path[1])]
        yield f"listener {listener.name or listener.id}: {problem.path[2]}: {problem.message}"
