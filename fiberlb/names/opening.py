"""The names of a node, put together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.files import Hosts
from fiberlb.names.kept import FILE, Kept
from fiberlb.names.servers import Servers
from fiberlb.names.service import NameService


def open_names(
    reactor: Any,
    wall: Callable[[], float],
    random_bytes: Callable[[int], bytes],
    settings: ResolverSettings,
    directory: str | None,
) -> NameService:
    """
    Names that are resolved with the files and the servers of this machine.

    @param reactor: has C{IReactorFDSet}, C{IReactorTCP} and C{IReactorTime}.
    @param directory: where the last good answers are kept; C{None}: nowhere.
    """
    servers = Servers(reactor, random_bytes)
    kept = Kept(None if directory is None else os.path.join(directory, FILE))
    log = Logger("fiberlb.names")
    return NameService(reactor, wall, settings, servers, Hosts(), kept, log)
