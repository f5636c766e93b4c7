"""What the documents of all resources have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fiberlb.api.octavia.statuses import ACTIVE
from fiberlb.api.octavia.view import View
from fiberlb.model.resource import Resource


def document(view: View, made: Resource, project: str, operating: str) -> dict[str, Any]:
    """
    The attributes that every resource answers.

    @param project: that it belongs to.
    @param operating: its operating status.
    """
    meta = view.configuration.meta[made.id]
    return {
        "id": made.id,
        "name": made.name,
        "description": made.description,
        "admin_state_up": made.enabled,
        "provisioning_status": ACTIVE,
        "operating_status": operating,
        "project_id": project,
        "tenant_id": project,
        "created_at": moment(meta.created_at),
        "updated_at": moment(meta.updated_at),
        "tags": list(made.tags),
    }


def without(done: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A document without what its resource does not have."""
    return {name: value for name, value in done.items() if name not in names}


def moment(text: str) -> str | None:
    """A time of ours as Octavia writes them: UTC, which is not said."""
    return text.removesuffix("Z") or None


def ids(several: Iterable[Resource]) -> list[dict[str, str]]:
    """References to objects."""
    return [{"id": made.id} for made in several]


#: Attributes that are fields of every object here -> the fields.
_FIELDS = {"name": "name", "description": "description", "admin_state_up": "enabled"}


def fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that every object has, of what was sent; tags that are null stay."""
    done = {to: given[name] for name, to in _FIELDS.items() if name in given}
    if given.get("tags") is not None:
        done["tags"] = list(dict.fromkeys(given["tags"]))
    return done


def moved(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What was sent, by the names of fields here."""
    return {to: given[name] for name, to in names.items() if name in given}
