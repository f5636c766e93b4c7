"""Members (spec page C{octavia-api}, section 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes
from fiberlb.api.octavia.attributes import Attribute, flag, number, uuid
from fiberlb.api.octavia.common import document, fields, moved, without
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, bad_value, invalid
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.statuses import of_member
from fiberlb.api.octavia.view import View
from fiberlb.model.addresses import at, plain_ip
from fiberlb.model.pool import Member

ATTRIBUTES: Mapping[str, Attribute] = {
    **attributes.common("description"),
    "address": Attribute(attributes.address_as_sent, required=True, put=False),
    "protocol_port": Attribute(number(1, 65535), required=True, put=False),
    "weight": Attribute(number(0, 256), 1),
    "backup": Attribute(flag, False),
    "subnet_id": Attribute(uuid, put=False),
    "monitor_address": Attribute(attributes.address_as_sent),
    "monitor_port": Attribute(number(1, 65535)),
    "request_sriov": Attribute(flag, False, put=False),
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
    there = place(given)
    if there[0] == _METADATA:
        raise bad_value("address", there[0], "This address is reserved.")
    for other in edit.view.configuration.children(Member, parent):
        if other.place == there:
            raise twice(there)
    body = {**fields(given), **moved(given, _FIELDS), "address": there[0], "pool_id": parent}
    notes = {
        "subnet_id": given.get("subnet_id"),
        "address": given["address"],
        "monitor_address": given.get("monitor_address"),
    }
    return edit.create("members", body, notes)


def _written(sent: str | None, address: str | None) -> str | None:
    """An address as it was sent, if it is still that one."""
    same = sent is not None and plain_ip(sent) == address
    return sent if same else address


def place(given: Mapping[str, Any]) -> tuple[str, int]:
    """Address and port of a member that is asked for; IPv4 within IPv6 is IPv4."""
    return plain_ip(given["address"]), given["protocol_port"]


def twice(there: tuple[str, int]) -> Fault:
    """There is a member at this place."""
    address, port = there
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
        there = place(given)
        current = existing.get(there)
        if there in seen and current is not None:
            raise invalid("Member must be updated only once in the same request.")
        if there in seen:
            raise twice(there)
        seen.add(there)
        given["admin_state_up"] = attributes.up(given, body)
        if current is None:
            create(edit, given, pool)
            continue
        # Of what was left out, the name stays and the rest has its default (measured).
        kept = {"name", "tags"} - set(body)
        update(edit, current, {n: v for n, v in given.items() if n not in kept})
    for there, current in existing.items():
        if there not in seen and not additive:
            edit.delete("members", current.id)


KIND = Kind("members", "member", "Member", ATTRIBUTES, every, show, create, update, delete)
