"""Members (spec page C{octavia-api}, section 2.4)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes
from fiberlb.api.octavia.attributes import NAME, TAGS, UP, Attribute, flag, number, text, uuid
from fiberlb.api.octavia.common import document, fields, moved, without
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, bad_value, invalid
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.statuses import of_member
from fiberlb.api.octavia.view import View
from fiberlb.model.addresses import at
from fiberlb.model.pool import Member

ATTRIBUTES: Mapping[str, Attribute] = {
    "name": NAME,
    "admin_state_up": UP,
    "tags": TAGS,
    "address": Attribute(attributes.address_as_sent, required=True, put=False),
    "protocol_port": Attribute(number(1, 65535), required=True, put=False),
    "weight": Attribute(number(0, 256), 1),
    "backup": Attribute(flag, False),
    "subnet_id": Attribute(uuid, put=False),
    "monitor_address": Attribute(attributes.address_as_sent),
    "monitor_port": Attribute(number(1, 65535)),
    "request_sriov": Attribute(flag, False, put=False),
    "project_id": Attribute(text(36), put=False),
    "tenant_id": Attribute(text(36), put=False),
}
_FIELDS = {
    "address": "address",
    "protocol_port": "port",
    "weight": "weight",
    "backup": "backup",
    "monitor_address": "monitor_address",
    "monitor_port": "monitor_port",
}
#: Where clouds tell their machines what nobody else should hear.
_METADATA = "169.254.169.254"


def every(view: View, parent: str) -> list[Member]:
    """The members of a pool."""
    return view.configuration.children(Member, parent)


def show(view: View, made: Member) -> dict[str, Any]:
    """One of them."""
    project = view.project(view.balancer_of_pool(made.pool_id))
    done = without(document(view, made, project, of_member(view, made)), "description")
    notes = view.notes(made.id)
    # The name that a member without one has here is its place.
    named = made.name != at(*made.place)
    return {
        **done,
        "name": made.name if named else "",
        "address": _written(notes.get("address"), made.address),
        "protocol_port": made.port,
        "weight": made.weight,
        "backup": made.backup,
        "subnet_id": notes.get("subnet_id"),
        "monitor_address": _written(notes.get("monitor_address"), made.monitor_address),
        "monitor_port": made.monitor_port,
        "vnic_type": "normal",
    }


def create(edit: Edit, given: Mapping[str, Any], parent: str) -> str:
    """A new one."""
    sent, port = given["address"], given["protocol_port"]
    address = str(ipaddress.ip_address(sent))
    if address == _METADATA:
        raise bad_value("address", address, "This address is reserved.")
    for other in edit.view.configuration.children(Member, parent):
        if other.place == (address, port):
            raise _twice(address, port)
    body = {**fields(given), **moved(given, _FIELDS), "pool_id": parent}
    notes = {
        "subnet_id": given.get("subnet_id"),
        "address": sent,
        "monitor_address": given.get("monitor_address"),
    }
    return edit.create("members", body, notes)


def _written(sent: str | None, address: str | None) -> str | None:
    """An address as it was sent, if it is still that one."""
    same = sent is not None and str(ipaddress.ip_address(sent)) == address
    return sent if same else address


def _twice(address: str, port: int) -> Fault:
    return Fault(
        409,
        f"Another member on this pool is already using ip {address} on protocol_port {port}",
    )


def update(edit: Edit, made: Member, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there."""
    body = {**fields(given), **moved(given, _FIELDS)}
    body.pop("address", None)
    if body.get("name") == "":
        body["name"] = at(*made.place)
    noted = {name: given[name] for name in ("monitor_address",) if name in given}
    edit.patch("members", made.id, body, noted)


def delete(edit: Edit, made: Member, cascade: bool) -> None:
    """One of them."""
    edit.delete("members", made.id)


def batch(edit: Edit, pool: str, several: list[Any], additive: bool) -> None:
    """
    All members of a pool at once: those at the same place are updated, others come and go.

    @param additive: none goes.
    @raise Fault: 400 or 409; then nothing is done.
    """
    existing = {one.place: one for one in every(edit.view, pool)}
    seen: set[tuple[str, int]] = set()
    for body in several:
        given = attributes.created("member", body, ATTRIBUTES)
        place = (str(ipaddress.ip_address(given["address"])), given["protocol_port"])
        current = existing.get(place)
        if place in seen and current is not None:
            raise invalid("Member must be updated only once in the same request.")
        if place in seen:
            raise _twice(*place)
        seen.add(place)
        given["admin_state_up"] = attributes.up(given, body)
        if current is None:
            create(edit, given, pool)
            continue
        # Of what was left out, the name stays and the rest has its default (measured).
        kept = {"name", "tags"} - set(body)
        update(edit, current, {n: v for n, v in given.items() if n not in kept})
    for place, current in existing.items():
        if place not in seen and not additive:
            edit.delete("members", current.id)


KIND = Kind("members", "member", "Member", ATTRIBUTES, every, show, create, update, delete)
