"""What a change of many objects did, or would do: each of them, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.conditions import quoted
from fiberlb.api.rest.reply import LONG, Reply, encoded
from fiberlb.api.rest.resource import reason_of
from fiberlb.api.rest.warned import warnings
from fiberlb.control.created import FIELDS, as_text, shown, spaced
from fiberlb.control.differences import differences, names
from fiberlb.control.operations import Origin, Outcome
from fiberlb.control.past import Version
from fiberlb.control.service import ControlService
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Owner, Resource


def origin_of(request: IRequest, source: str = "rest", owner: Owner = Owner.API) -> Origin:
    """Who asks for a write, and why."""
    return Origin(identity_of(request).name, source, reason_of(request), owner)


def minimal(request: IRequest) -> bool:
    """Whether a client does not want to be told what changed (RFC 7240, section 4.2)."""
    words = (request.getHeader("prefer") or "").lower().split(",")
    return any(word.partition(";")[0].replace(" ", "") == "return=minimal" for word in words)


async def reply(
    control: ControlService,
    outcome: Outcome,
    dry: bool,
    more: dict[str, Any] | None = None,
    brief: bool = False,
) -> Reply:
    """
    The answer of such a change.

    @param more: what else is told.
    @param brief: the objects that changed are not, as of L{minimal}.
    """

    def work() -> bytes:
        if not brief and len(outcome.versions) >= LONG:
            return _long(control, outcome, dry, more or {})
        return encoded({**document(control, outcome, dry, brief), **(more or {})})

    text = await control.beside(work, len(outcome.versions))
    # After a dry run, for the If-Match of the write that does what was shown.
    headers = {"ETag": quoted(control.state.tags.whole)}
    if brief:
        headers["Preference-Applied"] = "return=minimal"
    return Reply(headers=headers, body=text)


def _long(control: ControlService, outcome: Outcome, dry: bool, more: dict[str, Any]) -> bytes:
    """The same text as of L{document}, without making that first: there may be very much."""
    body = document(control, outcome, dry, True)
    known = [*everything(control.configuration), *everything(outcome.configuration)]
    body["names"] = names(outcome.versions, known)
    pieces = {key: spaced(value) for key, value in {**body, **more}.items()}
    pieces["changes"] = f"[{', '.join(changes_text(outcome.versions, known))}]"
    text = ", ".join([f"{spaced(key)}: {value}" for key, value in pieces.items()])
    return f"{{{text}}}\n".encode("utf-8", "backslashreplace")


def document(
    control: ControlService, outcome: Outcome, dry: bool, brief: bool = False
) -> dict[str, Any]:
    """What is told of it."""
    configuration = outcome.configuration
    versions = () if brief else outcome.versions
    known = [*everything(control.configuration), *everything(configuration)] if versions else []
    return {
        "dry_run": dry,
        "revision": outcome.revision,
        "changes": changes(versions, known),
        "names": names(versions, known),
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


def changes_text(versions: Iterable[Version], known: Sequence[Resource]) -> Iterator[str]:
    """The JSON of each of L{changes}."""
    several = list(versions)
    parents = {made.id: made for made in known}
    parents.update({version.record.made.id: version.record.made for version in several})
    for version in several:
        after = version.after
        if version.before is not None or after is None:
            yield spaced(_change(version, parents))
            continue
        made = after.made
        parent = None if made.PARENT is None else parents.get(getattr(made, made.PARENT[0]))
        within = "null" if parent is None else as_text(parent.name or parent.id)
        yield (
            f'{{"op": "create", "collection": "{made.COLLECTION}", "id": {as_text(made.id)}'
            f', "name": {as_text(made.name)}, "within": {within}'
            f', "managed_by": "{after.meta.managed_by._value_}"'
            f', "fields": {FIELDS[type(made)](made)}}}'
        )


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
        "fields": [shown(one) for one in differences(version)],
    }


def everything(configuration: Configuration) -> list[Resource]:
    """All objects of both layers."""
    return [made for several in configuration.objects.values() for made in several.values()]
