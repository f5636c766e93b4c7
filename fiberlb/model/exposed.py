"""Listeners that would show the figures of this node to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from fiberlb.errors import Problem
from fiberlb.model.addresses import UNIX, named
from fiberlb.model.configuration import Configuration, addresses
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer


def exposed(configuration: Configuration) -> Iterator[Problem]:
    """
    Listeners of figures that are reached from other machines and do not say who may ask.

    @param configuration: resolved.
    """
    balancers = configuration.all(LoadBalancer)
    for listener in configuration.all(Listener).values():
        if not listener.shows_figures or listener.allowed_cidrs:
            continue
        if not listener.address and listener.loadbalancer_id not in balancers:
            continue
        for address in addresses(configuration, listener):
            if not _local(address):
                message = (
                    f"is needed: {address} is no loopback address, and whoever reaches it"
                    " would see the figures of this node"
                )
                yield Problem(("listeners", listener.id, "allowed_cidrs"), message, code="missing")
                break


def _local(address: str) -> bool:
    """Whether only this machine reaches it; of a socket that was handed over nobody knows."""
    if named(address):
        return address.startswith(UNIX)
    return ip_address(address).is_loopback
