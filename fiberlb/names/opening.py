"""The names of a node, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.files import Hosts
from fiberlb.names.servers import Servers
from fiberlb.names.service import NameService


def open_names(
    reactor: Any,
    wall: Callable[[], float],
    random_bytes: Callable[[int], bytes],
    settings: ResolverSettings,
) -> NameService:
    """
    Names that are resolved with the files and the servers of this machine.

    @param reactor: has C{IReactorFDSet}, C{IReactorTCP} and C{IReactorTime}.
    """
    servers = Servers(reactor, random_bytes)
    return NameService(reactor, wall, settings, servers, Hosts(), Logger("fiberlb.names"))
