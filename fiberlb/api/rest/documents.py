"""Objects as the native API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fiberlb.api.rest.member_states import operational
from fiberlb.api.rest.tables import HOME
from fiberlb.control.certificates import CertificateFacts, public_text
from fiberlb.control.commits import time_text
from fiberlb.control.plane import MemberHealth
from fiberlb.control.service import ControlService
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.convert import secret_fields, unstructure
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Owner, Resource

_META = ("managed_by", "created_at", "updated_at", "revision")


def document(
    control: ControlService, configuration: Configuration, made: Resource, nested: bool = False
) -> dict[str, Any]:
    """
    An object with all that it contains; what is secret is left out.

    @param nested: what is observed is left out, as within the document of its parent.
    """
    facts = control.facts(made, configuration)
    fields = _fields(made)
    done: dict[str, Any] = {"id": made.id, "name": made.name}
    done.update({name: facts.pop(name) for name in _META})
    done.update(fields)
    done.update(facts)
    for key, collection in getattr(type(made), "CHILDREN", {}).items():
        done[key] = [
            document(control, configuration, child, True)
            for child in children(configuration, collection, made.id)
        ]
    if isinstance(made, Certificate) and made.acme is not None:
        done["certificate"] = control.certificates.chain(made)
        done["acme"] = {**done["acme"], **control.order(made)}
    return done if nested else observed(control, configuration, made, done)


async def shown(
    control: ControlService, configuration: Configuration, several: Sequence[Resource]
) -> list[dict[str, Any]]:
    """The documents of objects, made without holding the reactor up where they hold much."""
    documents = await control.beside(
        lambda: [document(control, configuration, made, True) for made in several]
    )
    # What is observed changes, so it is looked at here.
    return [
        observed(control, configuration, m, done)
        for m, done in zip(several, documents, strict=True)
    ]


def observed(
    control: ControlService, configuration: Configuration, made: Resource, done: dict[str, Any]
) -> dict[str, Any]:
    """The document of an object with what is seen of it now."""
    if isinstance(made, Member):
        done["status"] = member_status(control, made.id)
        done["operational"] = operational(control, made.id)
    elif isinstance(made, Certificate):
        done["ocsp"] = control.stapling(made)
        done["warnings"] = control.certificate_warnings(made)
        done["used_by"] = [
            {"collection": user.COLLECTION, "id": user.id, "name": user.name}
            for user in control.certificates.used_by(made, configuration)
        ]
    elif isinstance(made, Listener):
        done["status"] = listener_status(control, made.id)
    elif isinstance(made, Pool):
        done["status"] = {"queued": control.pool_figures(made.id).get("queued", 0)}
    return done


def _fields(made: Resource) -> dict[str, Any]:
    hidden = {"id", "name", *secret_fields(type(made))}
    fields = {n: value for n, value in unstructure(made).items() if n not in hidden}
    if isinstance(made, Certificate):
        fields["certificate"] = public_text(made.certificate) or None
    return fields


def children(configuration: Configuration, collection: str, parent: str) -> list[Any]:
    """What an object contains; policies in the order of their positions, the rest of creation."""
    if collection == L7Policy.COLLECTION:
        return list(configuration.policies(parent))
    return list(configuration.children(COLLECTIONS[collection], parent))


def member_status(control: ControlService, ident: str) -> dict[str, Any]:
    """What is observed of a member; with C{resolution}, if it is given by name."""
    done = _seen(control.member_health(ident), control.member_figures(ident))
    found = control.members.resolution(ident)
    if found is not None:
        done["resolution"] = {
            "name": found.name,
            "addresses": [
                {"id": part.id, "address": part.address, **_seen(*control.members.seen(part.id))}
                for part in found.parts
            ],
            "ttl": found.state.ttl,
            "answered_at": _time(found.state.answered),
            "error": found.state.error,
        }
    return done


def _seen(health: MemberHealth, figures: Mapping[str, int]) -> dict[str, Any]:
    return {
        "health": health.health,
        "reason": health.reason,
        "since": _time(health.since),
        "last_check": _time(health.last_check),
        "transitions": health.transitions,
        "sessions": figures.get("sessions", 0),
        "in_flight": figures.get("in_flight", 0),
    }


def listener_status(control: ControlService, ident: str) -> dict[str, Any]:
    """What is observed of a listener."""
    figures = control.listener_figures(ident)
    states = [one for one in control.listeners() if one.listener_id == ident]
    reasons = [one.reason for one in states if one.state == "error"]
    state = "error" if reasons else states[0].state if states else "disabled"
    counted = ("connections", "accepted", "requests")
    found = {name: figures.get(name, 0) for name in counted}
    return {"state": state, "reason": "; ".join(reasons), **found}


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else time_text(seconds)


def monitor_document(
    control: ControlService, configuration: Configuration, pool: Pool
) -> dict[str, Any]:
    """A pool's health monitor as an object of its own; its times are the pool's."""
    assert pool.health_monitor is not None
    monitor = unstructure(pool.health_monitor)
    facts = control.facts(pool, configuration)
    head = {"id": monitor.pop("id"), "name": monitor.pop("name")}
    return {**head, **{name: facts[name] for name in _META}, **monitor}


def location(configuration: Configuration, collection: str, ident: str) -> str:
    """The address of an object."""
    table = HOME[collection]
    if table.parent is None:
        return f"/v1/{table.path}/{quote(ident)}"
    made = configuration.objects[collection][ident]
    assert made.PARENT is not None
    return f"/v1/{table.parent}/{quote(getattr(made, made.PARENT[0]))}/{table.path}/{quote(ident)}"


def stored(configuration: Configuration, certificates: CertificateFacts) -> dict[str, Any]:
    """
    The store layer as one document, in the form of the configuration file.

    What belongs to an object of the file stands at the top, with its parent's id.
    Keys stand as marks that tell which key is stored.
    """
    done: dict[str, Any] = {}
    for collection, cls in COLLECTIONS.items():
        found = [
            _stored(certificates, configuration, made, top=True)
            for made in configuration.all(cls).values()
            if is_root(configuration, made)
        ]
        if found or cls.PARENT is None:
            done[collection] = found
    return done


def is_root(configuration: Configuration, made: Resource) -> bool:
    """Whether an object stands at the top of the store layer's document."""
    if configuration.owner(made.id) is Owner.FILE:
        return False
    if made.PARENT is None:
        return True
    return configuration.owner(getattr(made, made.PARENT[0])) is Owner.FILE


def _stored(
    certificates: CertificateFacts, configuration: Configuration, made: Resource, top: bool = False
) -> dict[str, Any]:
    done = {"id": made.id, "name": made.name, **_fields(made)}
    if made.PARENT is not None and not top:
        del done[made.PARENT[0]]
    if isinstance(made, Certificate) and made.private_key is not None:
        done["private_key"] = certificates.mark(made)
    for key, collection in getattr(type(made), "CHILDREN", {}).items():
        done[key] = [
            _stored(certificates, configuration, child)
            for child in children(configuration, collection, made.id)
            if configuration.owner(child.id) is not Owner.FILE
        ]
    return done


def listener_name(configuration: Configuration, ident: str) -> str:
    """A listener's name; its id if there is no such listener any more."""
    listener = configuration.all(Listener).get(ident)
    return listener.name if listener is not None else ident
