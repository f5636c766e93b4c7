"""
References to certificates, as Octavia's clients write them.

There is no Barbican: a reference is C{fiberlb://certificates/ID}, a bare id, or any URL that ends
in one. Answers have it as it was sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from fiberlb.api.octavia.attributes import UUID
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault
from fiberlb.model.certificate import Certificate

PREFIX = "fiberlb://certificates/"
#: Where what was sent is noted: certificate id -> reference.
NOTE = "references"


def certificate(edit: Edit, reference: str) -> str:
    """
    The id of the certificate that a reference names.

    @raise Fault: 400, there is none.
    """
    word = reference.rstrip("/").rpartition("/")[2]
    if UUID.fullmatch(word):
        ident = str(uuid.UUID(word))
        if ident in edit.view.configuration.all(Certificate):
            return ident
    raise Fault(400, f"Could not retrieve certificate: ['{reference}']")


def noted(edit: Edit, before: Mapping[str, Any], several: Iterable[str]) -> dict[str, str]:
    """
    What to note of references beside those that are noted.

    @param before: the notes of their object.
    @raise Fault: 400, one of them names nothing.
    """
    found = dict(before.get(NOTE, {}))
    found.update({certificate(edit, reference): reference for reference in several})
    return found


def shown(notes: Mapping[str, Any], ident: str | None) -> str | None:
    """The reference to a certificate, as it was sent."""
    return None if ident is None else str(notes.get(NOTE, {}).get(ident, PREFIX + ident))
