"""
Positions of policies: ranks here, numbers with gaps in the model.

A policy that comes between two others takes a number between theirs; where there is none left,
all of the listener's are numbered anew, in the same change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiberlb.api.octavia.edit import Edit
from fiberlb.model.l7 import L7Policy

STEP = 10
#: Noted of a policy: the name that it has because it was given none.
UNNAMED = "unnamed"
_COLLECTION = L7Policy.COLLECTION


def insert(edit: Edit, order: list[str], rank: int | None, body: Mapping[str, Any]) -> str:
    """
    A new policy at a rank, counted from 1; beyond the end, or C{None}: as the last one.

    @param order: the ids of the listener's policies, in their order; the new one is put in.
    """
    at = len(order) if rank is None else min(rank - 1, len(order))
    number = _between(edit, order, at)
    # The model gives it a name where it has none; nobody here has asked for that.
    unnamed = "" if body.get("name") else f"policy-{number}"
    ident = edit.create(_COLLECTION, {**body, "position": number}, {UNNAMED: unnamed})
    order.insert(at, ident)
    edit.positions[ident] = number
    return ident


def move(edit: Edit, order: Sequence[str], ident: str, rank: int) -> None:
    """A policy to another rank among the others."""
    others = [one for one in order if one != ident]
    at = min(rank - 1, len(others))
    if order.index(ident) == at:
        return
    number = _between(edit, others, at)
    edit.patch(_COLLECTION, ident, {"position": number})
    edit.positions[ident] = number


def _between(edit: Edit, order: Sequence[str], at: int) -> int:
    """A number for what comes at a place; others are numbered anew where there is no room."""
    before = _number(edit, order[at - 1]) if at else 0
    if at == len(order):
        return before + STEP
    after = _number(edit, order[at])
    if after - before > 1:
        return (before + after) // 2
    for index, one in enumerate(order):
        number = STEP * (index + 1 + (index >= at))
        edit.patch(_COLLECTION, one, {"position": number})
        edit.positions[one] = number
    return STEP * (at + 1)


def _number(edit: Edit, ident: str) -> int:
    if ident in edit.positions:
        return edit.positions[ident]
    return edit.view.configuration.all(L7Policy)[ident].position or 0
