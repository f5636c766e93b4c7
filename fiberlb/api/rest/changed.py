"""What a change of many objects did, or would do: each of them, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import repeat
from operator import attrgetter
from typing import Any

from twisted.web.iweb import IRequest

from fiberlb.api.access.identity import identity_of
from fiberlb.api.rest.conditions import quoted
from fiberlb.api.rest.reply import LONG, Reply, encoded
from fiberlb.api.rest.resource import reason_of
from fiberlb.api.rest.warned import warnings
from fiberlb.control.created import FIELDS, as_text, each, mapping, shown, spaced
from fiberlb.control.differences import differences, names
from fiberlb.control.operations import Origin, Outcome
from fiberlb.control.past import Version
from fiberlb.control.records import Record
from fiberlb.control.service import ControlService
from fiberlb.model.configuration import Configuration
from fiberlb.model.resource import Owner, Resource

#: Objects by id.
Known = Mapping[str, Resource]
#: Objects that are written in one go.
_PIECE = 256


def as_bytes(text: str) -> bytes:
    """A text as it is sent."""
    return text.encode("utf-8", "backslashreplace")


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
    """
    The text of L{document}, without making that first: there may be very much.

    After a write what came or went has no C{fields}: they would be most of the answer, and of the
    time that the write takes. A dry run tells them, and so does the history.
    """
    body = document(control, outcome, dry, True)
    known = [*everything(control.configuration), *everything(outcome.configuration)]
    called = names(outcome.versions if dry else _stayed(outcome.versions), known)
    done = BytesIO()
    for key, value in {**body, **more}.items():
        done.write(as_bytes(f"{', ' if done.tell() else '{'}{spaced(key)}: "))
        if key == "changes":
            done.write(b"[")
            done.writelines(changes_text(outcome.versions, known, dry))
            done.write(b"]")
        else:
            done.write(as_bytes(mapping(called) if key == "names" else spaced(value)))
    done.write(b"}\n")
    return done.getvalue()


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


def changes(versions: Iterable[Version], known: Sequence[Known]) -> list[dict[str, Any]]:
    """
    Each object that changed, with the fields that did.

    @param known: objects by id that there are beside those.
    """
    several = list(versions)
    parents = _by_id(several, known)
    return [_change(version, parents) for version in several]


def _stayed(versions: Iterable[Version]) -> list[Version]:
    """The objects that neither came nor went."""
    return [one for one in versions if one.before is not None and one.after is not None]


def changes_text(
    versions: Iterable[Version], known: Sequence[Known], whole: bool = True
) -> Iterator[bytes]:
    """
    The JSON of L{changes}, without the brackets, in pieces.

    @param whole: else what came or went is told without its fields.
    """
    several = list(versions)
    parents = _by_id(several, known)
    for start in range(0, len(several), _PIECE):
        piece = several[start : start + _PIECE]
        came = [_class(version) for version in piece]
        texts = {}
        for cls in set(came) - {None}:
            records = [v.record for v, own in zip(piece, came, strict=True) if own is cls]
            texts[cls] = _created(cls, records, parents, whole)
        told = [
            spaced(_change(version, parents, whole)) if cls is None else next(texts[cls])
            for version, cls in zip(piece, came, strict=True)
        ]
        yield as_bytes(f"{', ' if start else ''}{', '.join(told)}")


def _class(version: Version) -> type[Resource] | None:
    """That of an object that came."""
    return None if version.after is None or version.before is not None else type(version.after.made)


def _created(cls: Any, records: Sequence[Record], parents: Known, whole: bool) -> Iterator[str]:
    """The same of objects of one class that came, each."""
    several = [record.made for record in records]
    if cls.PARENT is None:
        within = ["null"] * len(several)
    else:
        of = list(map(attrgetter(cls.PARENT[0]), several))
        within = each(of, lambda idents: [_called(parents.get(ident)) for ident in idents])
    columns: list[Iterable[str]] = [
        repeat(f'{{"op": "create", "collection": "{cls.COLLECTION}", "id": '),
        [as_text(made.id) for made in several],
        repeat(', "name": '),
        [as_text(made.name) for made in several],
        repeat(', "within": '),
        within,
        repeat(', "managed_by": "'),
        [record.meta.managed_by._value_ for record in records],
        *(
            [repeat('", "fields": '), *FIELDS[cls](several), repeat("}")]
            if whole
            else [repeat('"}')]
        ),
    ]
    return map("".join, zip(*columns, strict=False))


def _called(parent: Resource | None) -> str:
    return "null" if parent is None else as_text(parent.name or parent.id)


def _by_id(versions: Iterable[Version], known: Iterable[Known]) -> dict[str, Resource]:
    """All objects, as they were last."""
    found: dict[str, Resource] = {}
    for several in known:
        found.update(several)
    last = [(version.after or version.before).made for version in versions]  # type: ignore[union-attr]
    found.update({made.id: made for made in last})
    return found


def _change(version: Version, parents: dict[str, Resource], whole: bool = True) -> dict[str, Any]:
    made = version.record.made
    parent = None if made.PARENT is None else parents.get(getattr(made, made.PARENT[0]))
    told: dict[str, Any] = {
        "op": version.op,
        "collection": made.COLLECTION,
        "id": made.id,
        "name": made.name,
        "within": None if parent is None else parent.name or parent.id,
        "managed_by": version.record.meta.managed_by.value,
    }
    if whole or version.op == "update":
        told["fields"] = [shown(one) for one in differences(version)]
    return told


def everything(configuration: Configuration) -> list[Known]:
    """All objects of both layers, by collection."""
    return list(configuration.objects.values())
