"""
As much of a network service as Octavia's clients look for (spec page C{octavia-api}, section 8).

Subnets are those of the configuration; an id that is asked for and not known is answered as if it
were one, for any may be named when a load balancer is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from fiberlb.api.octavia.attributes import UUID
from fiberlb.api.octavia.faults import Fault
from fiberlb.model.octavia import OctaviaSettings, Subnet

#: Collections -> what one of them is called.
COLLECTIONS = {
    "subnets": "subnet",
    "networks": "network",
    "ports": "port",
    "security-groups": "security_group",
}
_NAMESPACE = uuid.UUID("5f1be51b-0000-5000-8000-6f6374617669")


def listing(
    settings: OctaviaSettings, what: str, query: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The list of one collection, filtered by ids and names."""
    found = _known(settings, what)
    for name in ("id", "name"):
        wanted = query.get(name)
        if wanted:
            matching = [each for each in found if each[name] in wanted]
            if not matching and name == "id":
                matching = [
                    _made_up(settings, what, each) for each in wanted if UUID.fullmatch(each)
                ]
            found = matching
    return {what.replace("-", "_"): found}


def one(settings: OctaviaSettings, what: str, ident: str) -> dict[str, Any]:
    """
    One of a collection.

    @raise Fault: 404, that is no id.
    """
    for each in _known(settings, what):
        if each["id"] == ident:
            return {COLLECTIONS[what]: each}
    if not UUID.fullmatch(ident):
        raise Fault(404, f"{COLLECTIONS[what]} {ident} could not be found.")
    return {COLLECTIONS[what]: _made_up(settings, what, ident)}


def _known(settings: OctaviaSettings, what: str) -> list[dict[str, Any]]:
    if what == "subnets":
        return [_subnet(settings, one) for one in settings.subnets]
    if what == "networks":
        networks = dict.fromkeys(one.network_id for one in settings.subnets)
        return [_network(settings, ident) for ident in networks]
    return []


def _subnet(settings: OctaviaSettings, one: Subnet) -> dict[str, Any]:
    cidr = one.cidr or settings.vip_pool
    return {
        "id": one.id,
        "name": one.name,
        "network_id": one.network_id,
        "cidr": cidr,
        "ip_version": 6 if ":" in cidr else 4,
        "enable_dhcp": True,
        "gateway_ip": None,
    }


def _network(settings: OctaviaSettings, ident: str) -> dict[str, Any]:
    return {
        "id": ident,
        "name": "",
        "status": "ACTIVE",
        "admin_state_up": True,
        "subnets": [one.id for one in settings.subnets if one.network_id == ident],
    }


def _made_up(settings: OctaviaSettings, what: str, ident: str) -> dict[str, Any]:
    if what == "subnets":
        network = str(uuid.uuid5(_NAMESPACE, ident))
        return _subnet(settings, Subnet(id=ident, network_id=network))
    if what == "networks":
        return {**_network(settings, ident), "subnets": []}
    return {"id": ident, "name": "", "status": "ACTIVE"}
