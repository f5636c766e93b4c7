"""The end of what is left on members that had their time to finish."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fiberlb.relay.member_state import MemberState


def expel(members: Collection[MemberState], connections: Iterable[Any]) -> None:
    """
    End tunnels, relayed connections and requests.

    A request that has no answer yet goes to another member, where it may be sent again.

    @param connections: all of this process.
    """
    if not members:
        return
    for state in members:
        state.end_relays()
        state.drop_idle()
    for item in connections:
        expelled = getattr(item.side, "expelled", None)
        if expelled is not None and item.side.member in members:
            expelled()
