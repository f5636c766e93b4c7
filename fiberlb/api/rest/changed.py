"""What a change of many objects did, or would do: each of them, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.conditions import quoted
from fiberlb.api.rest.reply import Reply, encoded
from fiberlb.api.rest.resource import reason_of
from fiberlb.api.rest.warned import warnings
from fiberlb.control.differences import differences, names
from fiberlb.control.operations import Origin, Outcome
from fiberlb.control.past import Version
from fiberlb.control.service import ControlService
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Owner, Resource


def origin_of(request: IRequest, source: str = "rest", owner: Owner = Owner.API) -> Origin:
    """Who asks for a write, and why."""
    return Origin(identity_of(request).name, source, reason_of(request), owner)


async def reply(
    control: ControlService, outcome: Outcome, dry: bool, more: dict[str, Any] | None = None
) -> Reply:
    """
    The answer of such a change.

    @param more: what else is told.
    """

    def work() -> tuple[dict[str, Any], bytes]:
        body = {**document(control, outcome, dry), **(more or {})}
        return body, encoded(body, len(outcome.versions))

    body, text = await control.beside(work, len(outcome.versions))
    # After a dry run, for the If-Match of the write that does what was shown.
    headers = {"ETag": quoted(control.state.tags.whole)}
    return Reply(document=body, headers=headers, body=text)


def document(control: ControlService, outcome: Outcome, dry: bool) -> dict[str, Any]:
    """What is told of it."""
    configuration = outcome.configuration
    known = [*everything(control.configuration), *everything(configuration)]
    return {
        "dry_run": dry,
        "revision": outcome.revision,
        "changes": changes(outcome.versions, known),
        "names": names(outcome.versions, known),
        "warnings": warnings(control, outcome),
    }


def changes(versions: Iterable[Version], known: Sequence[Resource]) -> list[dict[str, Any]]:
    """
    Each object that changed, with the fields that did.

    @param known: objects that there are beside those.
    """
    several = list(versions)
    parents = {made.id: made for made in known}
    parents.update({version.record.made.id: version.record.made for version in several})
    return [_change(version, parents) for version in several]


def _change(version: Version, parents: dict[str, Resource]) -> dict[str, Any]:
    made = version.record.made
    parent = None if made.PARENT is None else parents.get(getattr(made, made.PARENT[0]))
    return {
        "op": version.op,
        "collection": made.COLLECTION,
        "id": made.id,
        "name": made.name,
        "within": None if parent is None else parent.name or parent.id,
        "managed_by": version.record.meta.managed_by.value,
        "fields": [
            {"field": one.field, "before": one.before, "after": one.after, "secret": one.secret}
            for one in differences(version)
        ],
    }


def everything(configuration: Configuration) -> list[Resource]:
    """All objects of both layers."""
    return [made for several in configuration.objects.values() for made in several.values()]
