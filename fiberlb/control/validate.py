"""Everything that can be said of a configuration without a network."""

from __future__ import annotations

from collections.abc import Callable

from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.snapshot import Snapshot


def with_default(configuration: Configuration) -> Configuration:
    """The configuration with the load balancer C{default}, unless it has one of that name."""
    raise NotImplementedError


def examined(configuration: Configuration, previous: Configuration | None = None) -> Configuration:
    """
    The configuration, default load balancer added, references resolved, checked.

    Certificates and keys are read and compared; those that C{previous} has
    unchanged are not read again.

    @raise ConfigurationError: with every problem, at (collection, id, field, ...).
    """
    raise NotImplementedError


def validated(
    configuration: Configuration,
    previous: Snapshot | None = None,
    *,
    limits: Limits,
    clock: Callable[[], float],
    report: Callable[[str, str], None],
) -> Snapshot:
    """
    L{examined}, then compiled at once: what C{fiberlb check}, the start and a reload share.

    Who must not hold the reactor calls L{examined} and iterates over
    L{fiberlb.snapshot.compile} instead.

    @raise ConfigurationError: with every problem, at (collection, id, field, ...).
    """
    raise NotImplementedError
