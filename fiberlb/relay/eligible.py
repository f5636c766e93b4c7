"""Which members of a pool may be chosen now, and how much of the traffic each one gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fiberlb.model.pool import Member

if TYPE_CHECKING:
    from fiberlb.relay.member_state import MemberState

Pair = tuple[Member, "MemberState"]
#: What a weight of 1 is while a member of the pool starts slowly: the grain of its rise.
GRAIN = 100
#: A member that starts slowly begins with this part of its weight.
LEAST = 0.1


def standing(pairs: Iterable[Pair]) -> list[Pair]:
    """Those that take something, of the first priority that has any; backups after all others."""
    up = [pair for pair in pairs if pair[1].up and not pair[1].mode and pair[1].weight]
    if not up:
        return up
    # Most pools have neither backups nor priorities.
    first = min((pair[0].backup, pair[0].priority) for pair in up)
    return [pair for pair in up if (pair[0].backup, pair[0].priority) == first]


def configured(pairs: Sequence[Pair]) -> list[tuple[str, int, MemberState]]:
    """Those that keys are shared out over: of the first priority there is, up or not."""
    found = [pair for pair in pairs if pair[1].weight]
    if not found:
        return []
    first = min((pair[0].backup, pair[0].priority) for pair in found)
    return [(m.id, s.weight, s) for m, s in found if (m.backup, m.priority) == first]


def weighted(
    pairs: Sequence[Pair], slow_start: float, now: float
) -> tuple[list[tuple[str, int, MemberState]], bool]:
    """
    Members with the weights they have now.

    @param slow_start: seconds in which a member's weight rises from a tenth to all of it.
    @return: and whether the weights of later will be others.
    """
    rising = slow_start and any(state.since + slow_start > now for _, state in pairs)
    if not rising:
        return [(member.id, state.weight, state) for member, state in pairs], False
    found = []
    for member, state in pairs:
        part = min(1.0, max(LEAST, (now - state.since) / slow_start))
        found.append((member.id, max(1, round(state.weight * GRAIN * part)), state))
    return found, True
