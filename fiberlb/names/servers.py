"""The servers that are asked for names, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fiberlb.model.pool import split_address
from fiberlb.model.resolver import ResolverSettings
from fiberlb.names.asking import Server, ask
from fiberlb.names.files import RESOLV, Watched, servers
from fiberlb.names.found import Family, Found, NoAnswer


class Servers:
    """
    Asks the servers of the settings, in their order, until one answers.

    @param reactor: has C{IReactorFDSet}, C{IReactorTCP} and C{IReactorTime}.
    @param random_bytes: from the system.
    @param system: the file that names the servers of the machine.
    """

    def __init__(
        self, reactor: Any, random_bytes: Callable[[int], bytes], system: str = RESOLV
    ) -> None:
        self._reactor = reactor
        self._random_bytes = random_bytes
        self._system = Watched(system, servers)

    def _number(self) -> int:
        return int.from_bytes(self._random_bytes(2), "big")

    def of(self, settings: ResolverSettings) -> tuple[Server, ...]:
        """Those of the settings, as address and port; of the machine if they name none."""
        named = [split_address(each) for each in settings.servers]
        return tuple((f[0], int(f[1])) for f in named if f) or self._system.said()

    async def ask(self, settings: ResolverSettings, name: str, family: Family) -> Found:
        """
        The addresses of a name, of one family.

        That there is no such name is an answer, too: the next server is not asked.

        @raise NoAnswer: by all of them; each with its reason.
        """
        reasons = []
        for server in self.of(settings):
            try:
                return await ask(self._reactor, self._number, server, name, family)
            except NoAnswer as why:
                reasons.append(f"{server[0]} port {server[1]}: {why.reason}")
        raise NoAnswer("; ".join(reasons))
