"""What a data plane tells of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen
class ListenerState:
    """
    What became of one address of a listener.

    @ivar state: C{listening}, C{error} (tried again) or C{closing} (finishes what runs).
    @ivar reason: why, in state C{error}.
    """

    listener_id: str
    host: str
    port: int
    state: str
    reason: str = ""


@attrs.frozen
class Processes:
    """
    The processes beside this one, and what they have used.

    @ivar pids: C{worker}, C{draining} and C{template} -> those that live.
    @ivar spent: seconds of processor time of all workers, also of those that have ended.
    @ivar lost: lines of the access log that could not be written.
    @ivar deaths: workers that have ended although they should serve.
    """

    pids: Mapping[str, Sequence[int]]
    spent: float
    lost: int
    deaths: int
