"""A store layer of another time, put in place of the one that there is."""

from __future__ import annotations

import attrs

from fiberlb.control.draft import Draft
from fiberlb.control.layer import Records
from fiberlb.model.configuration import COLLECTIONS


@attrs.frozen
class Target:
    """
    The objects that there are to be.

    @ivar base: the revision that they were worked out at.
    """

    records: Records
    base: int


class Outdated(Exception):
    """The store has moved on since the target was worked out: work it out again."""


def restore(draft: Draft, target: Target) -> None:
    """
    Have exactly these objects in the store; those of the file stay what they are.

    @raise Outdated: somebody has changed something meanwhile, which must not be lost unseen.
    @raise fiberlb.control.refusals.OwnedByFile: an object, or a list it is to join, belongs to
        the file by now.
    @raise fiberlb.control.refusals.InUse: what is to go contains an object of the file.
    """
    layer, records = draft.state.layer, target.records
    if layer.revision != target.base:
        raise Outdated()
    for collection in COLLECTIONS:
        for ident in layer.records[collection]:
            made = draft.objects(collection).get(ident)
            if made is not None and ident not in records[collection]:
                draft.remove(made)
    # What went with a parent comes back here; an object that is as it was is no change.
    for collection in COLLECTIONS:
        for record in records[collection].values():
            draft.restore(record)
