"""What a worker is sent, read and compiled: what it is to serve, and what it probably will be."""

from __future__ import annotations

import time
from typing import Any

from twisted.logger import Logger

from fiberlb import snapshot
from fiberlb.control.aside import undisturbed
from fiberlb.control.slicing import in_slices
from fiberlb.snapshot import Snapshot
from fiberlb.workers.revisions import Decoder, Revision

#: Seconds of work on a revision between two turns of the reactor; a request takes a few turns.
SLICE = 0.002
#: Octets of a revision for each of its objects, about.
AN_OBJECT = 100
_log = Logger()

_Data = bytes | memoryview


class Reading:
    """
    Reads revisions, one at a time: whoever calls sees to that.

    @ivar foreseen: compiled already, of what will probably be in force next; what is then sent
        is compiled from this, which takes little where it is just that.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._decoder = Decoder()
        self.foreseen: Snapshot | None = None

    async def read(self, data: _Data, before: Snapshot | None) -> tuple[Revision, Snapshot]:
        """
        A revision that is to be served, compiled.

        @param before: what is served.
        """
        previous, self.foreseen = self.foreseen or before, None
        with undisturbed(len(data) // AN_OBJECT):
            return await self._compiled(data, previous)

    async def foresee(self, data: _Data | None, before: Snapshot | None) -> None:
        """
        Be ready for a revision.

        @param data: C{None}: what was foreseen will not come.
        """
        self.foreseen = None
        if data is not None:
            with undisturbed(len(data) // AN_OBJECT):
                _, self.foreseen = await self._compiled(data, before)

    async def _compiled(self, data: _Data, previous: Snapshot | None) -> tuple[Revision, Snapshot]:
        revision = await in_slices(self._reactor, self._decoder.decode(data), SLICE)
        steps = snapshot.compile(
            revision.configuration,
            previous,
            limits=revision.limits,
            clock=time.monotonic,
            report=_undecided,
        )
        return revision, await in_slices(self._reactor, steps, SLICE)


def _undecided(rule: str, text: str) -> None:
    _log.warn("Rule {rule} was not decided: {text}", rule=rule, text=text)
