"""A store layer of another time, put in place of the one that there is."""

from __future__ import annotations

from fiberlb.control.draft import Draft
from fiberlb.control.layer import Records
from fiberlb.model.configuration import COLLECTIONS


def restore(draft: Draft, records: Records) -> None:
    """
    Have exactly these objects in the store; those of the file stay what they are.

    @raise fiberlb.control.refusals.OwnedByFile: an object, or a list it is to join, belongs to
        the file by now.
    @raise fiberlb.control.refusals.InUse: what is to go contains an object of the file.
    """
    layer = draft.state.layer
    for collection in COLLECTIONS:
        for ident in layer.records[collection]:
            made = draft.objects(collection).get(ident)
            if made is not None and ident not in records[collection]:
                draft.remove(made)
    # What went with a parent comes back here; an object that is as it was is no change.
    for collection in COLLECTIONS:
        for record in records[collection].values():
            draft.restore(record)
