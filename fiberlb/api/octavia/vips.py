"""Addresses of load balancers: what was asked for, what is shown, what is bound."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fiberlb.api.octavia.attributes import Attribute, address, created, uuid
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, invalid
from fiberlb.api.octavia.view import View
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.octavia import Subnet

_ADDITIONAL = {
    "subnet_id": Attribute(uuid, required=True),
    "ip_address": Attribute(address),
    "port_id": Attribute(uuid),
}
_NEEDED = "VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id."


def asked(edit: Edit, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    The address fields of a new load balancer, and what is noted of them.

    @raise Fault: there is nothing to choose an address by, or it cannot be had.
    """
    subnet, network = given.get("vip_subnet_id"), given.get("vip_network_id")
    vip = given.get("vip_address")
    if not (subnet or network or given.get("vip_port_id") or vip):
        raise invalid(_NEEDED)
    view = edit.view
    known = _subnet(view, subnet, network)
    if vip is None:
        vip = _free(view, known.cidr if known is not None and known.cidr else None, ())
    elif known is not None and known.cidr and _outside(vip, known.cidr):
        raise Fault(400, f"Supplied VIP address {vip} is not in the CIDR of the VIP subnet.")
    additional = _additional(view, vip, given.get("additional_vips") or ())
    notes = {
        "vip_address": vip,
        "vip_subnet_id": subnet or (known.id if known is not None else None),
        "vip_network_id": network or (known.network_id if known is not None else None),
        "vip_port_id": given.get("vip_port_id") or edit.make_id(),
        "vip_qos_policy_id": given.get("vip_qos_policy_id"),
        "vip_sg_ids": given.get("vip_sg_ids") or None,
        "additional_vips": additional or None,
    }
    bound, free = view.settings.bound(vip)
    more = [view.settings.bound(each["ip_address"])[0] for each in additional]
    body = {"vip_address": bound, "additional_vips": more, "freebind": free}
    return body, notes


def _additional(view: View, vip: str, several: Sequence[Any]) -> list[dict[str, Any]]:
    """
    Further addresses, one of each subnet.

    @raise Fault: 400 or 409.
    """
    done: list[dict[str, Any]] = []
    for body in several:
        given = created("additional_vips", body, _ADDITIONAL)
        subnet, address = given["subnet_id"], given["ip_address"]
        if any(_bare(each["subnet_id"]) == _bare(subnet) for each in done):
            raise invalid(f"additional_vips name the subnet {subnet} twice.")
        known = _subnet(view, subnet, None)
        used = [vip, *(each["ip_address"] for each in done)]
        if address is None:
            address = _free(view, known.cidr if known is not None else None, used)
        elif known is not None and known.cidr and _outside(address, known.cidr):
            raise Fault(400, f"Supplied VIP address {address} is not in the CIDR of its subnet.")
        if address in used:
            raise invalid(f"additional_vips have the address {address} twice.")
        done.append({"subnet_id": subnet, "ip_address": address, "port_id": given["port_id"]})
    return done


def _subnet(view: View, subnet: str | None, network: str | None) -> Subnet | None:
    every = view.settings.subnets
    found = [one for one in every if subnet and _bare(one.id) == _bare(subnet)]
    found += [
        one for one in every if not subnet and network and _bare(one.network_id) == _bare(network)
    ]
    return found[0] if found else None


def _bare(ident: str) -> str:
    return ident.replace("-", "").lower()


def _outside(vip: str, cidr: str) -> bool:
    return ipaddress.ip_address(vip) not in ipaddress.ip_network(cidr)


def _free(view: View, cidr: str | None, used: Iterable[str]) -> str:
    """
    The first address of a network that no load balancer has.

    @param used: others that are taken.
    @raise Fault: all are taken.
    """
    taken = set(used)
    for one in view.configuration.all(LoadBalancer).values():
        taken.add(shown(view, one))
        taken.update(each["ip_address"] for each in view.notes(one.id).get("additional_vips", ()))
    network = ipaddress.ip_network(cidr or view.settings.vip_pool)
    for host in network.hosts():
        if str(host) not in taken:
            return str(host)
    raise Fault(409, f"IP address allocation failed: {network} has no address left.")


def every(view: View, balancer: LoadBalancer) -> list[str]:
    """All addresses of a load balancer as its clients know them."""
    noted = view.notes(balancer.id).get("additional_vips")
    if noted is None:
        return [shown(view, balancer), *balancer.additional_vips]
    return [shown(view, balancer), *(each["ip_address"] for each in noted)]


def shown(view: View, balancer: LoadBalancer) -> str:
    """The address of a load balancer as its clients know it."""
    noted = view.notes(balancer.id).get("vip_address")
    if noted and view.settings.bound(str(noted))[0] == balancer.vip_address:
        return str(noted)
    return balancer.vip_address
