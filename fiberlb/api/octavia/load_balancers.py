"""Load balancers (spec page C{octavia-api}, section 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes, vips
from fiberlb.api.octavia.attributes import Attribute, listed, uuid
from fiberlb.api.octavia.common import document, fields, ids
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import invalid
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.statuses import of_balancer
from fiberlb.api.octavia.view import View
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER
from fiberlb.model.load_balancer import LoadBalancer

ATTRIBUTES: Mapping[str, Attribute] = {
    **attributes.common(),
    "vip_address": Attribute(attributes.address, put=False),
    "vip_subnet_id": Attribute(uuid, put=False),
    "vip_network_id": Attribute(uuid, put=False),
    "vip_port_id": Attribute(uuid, put=False),
    "vip_qos_policy_id": Attribute(uuid),
    "vip_sg_ids": Attribute(attributes.several(uuid)),
    "additional_vips": Attribute(listed, put=False),
    "provider": Attribute(attributes.provider, put=False),
    "flavor_id": Attribute(uuid, put=False),
    "availability_zone": Attribute(attributes.text(255), put=False),
    "listeners": Attribute(listed, put=False),
    "pools": Attribute(listed, put=False),
}


def every(view: View, parent: str) -> list[LoadBalancer]:
    """
    All of them; the one that is there by itself only while something uses it.

    Clients of Octavia made none, and are not told of one that does nothing.
    """
    there = view.configuration.all(LoadBalancer).values()
    implicit = DEFAULT_LOAD_BALANCER.id
    return [one for one in there if one.id != implicit or view.listeners(implicit)]


def show(view: View, made: LoadBalancer) -> dict[str, Any]:
    """One of them."""
    notes = view.notes(made.id)
    done = document(view, made, view.project(made.id), of_balancer(view, made))
    additional = notes.get("additional_vips")
    if additional is None:
        additional = [
            {"subnet_id": None, "ip_address": each, "port_id": None}
            for each in made.additional_vips
        ]
    return {
        **done,
        "vip_address": vips.shown(view, made),
        "vip_subnet_id": notes.get("vip_subnet_id"),
        "vip_network_id": notes.get("vip_network_id"),
        "vip_port_id": notes.get("vip_port_id", made.id),
        "vip_qos_policy_id": notes.get("vip_qos_policy_id"),
        "vip_sg_ids": notes.get("vip_sg_ids", []),
        "vip_vnic_type": "normal",
        "additional_vips": additional,
        "provider": notes.get("provider", "fiberlb"),
        "flavor_id": notes.get("flavor_id"),
        "availability_zone": notes.get("availability_zone"),
        "listeners": ids(view.listeners(made.id)),
        "pools": ids(view.pools(made.id)),
    }


def create(edit: Edit, given: Mapping[str, Any], parent: str) -> str:
    """A new one; what is nested in it is made by L{fiberlb.api.octavia.trees}."""
    body, notes = vips.asked(edit, given)
    notes["project_id"] = edit.project
    notes["provider"] = given.get("provider") or "fiberlb"
    notes["flavor_id"] = given.get("flavor_id")
    notes["availability_zone"] = given.get("availability_zone")
    return edit.create("load_balancers", {**fields(given), **body}, notes)


def update(edit: Edit, made: LoadBalancer, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there."""
    noted = {name: given[name] for name in ("vip_qos_policy_id", "vip_sg_ids") if name in given}
    edit.patch("load_balancers", made.id, fields(given), noted)


def delete(edit: Edit, made: LoadBalancer, cascade: bool) -> None:
    """
    One of them; what it has goes with it if asked for.

    @raise Fault: 400, it has something.
    """
    listeners, pools = edit.view.listeners(made.id), edit.view.pools(made.id)
    if (listeners or pools) and not cascade:
        raise invalid(f"Cannot delete Load Balancer {made.id} - it has children")
    for listener in listeners:
        edit.delete("listeners", listener.id)
    for pool in pools:
        edit.delete("pools", pool.id)
    edit.delete("load_balancers", made.id)


KIND = Kind(
    "loadbalancers",
    "loadbalancer",
    "Load Balancer",
    ATTRIBUTES,
    every,
    show,
    create,
    update,
    delete,
)
