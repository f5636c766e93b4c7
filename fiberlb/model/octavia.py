"""Settings of the Octavia face: what takes the place of a network service."""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.addresses import Address, Network
from fiberlb.model.convert import Nested
from fiberlb.model.fields import (
    REFUSED,
    Loading,
    OneOf,
    Optional,
    Several,
    Text,
    field,
)
from fiberlb.model.resource import UUID_PATTERN

_PLAIN_UUID = rf"{UUID_PATTERN}|[0-9a-fA-F]{{32}}"


class Binding(Enum):
    """
    What a VIP, which is rarely an address of the host, is bound as.

    C{FREEBIND}: as it is, there or not. C{ANY}: every address of the host.
    """

    FREEBIND = "freebind"
    ANY = "any"


@attrs.frozen
class VipBinding:
    """C{freebind}, C{any}, or C{map}: pairs of a network and the address that stands for it."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, dict):
            return OneOf(Binding).load(value, path, loading)
        if set(value) != {"map"} or not isinstance(value["map"], dict):
            return loading.refuse(path, "must be freebind, any or {map: {CIDR: ADDRESS}}")
        pairs = []
        for network, address in value["map"].items():
            at = (*path, "map", str(network))
            pairs.append(
                (Network().load(network, at, loading), Address().load(address, at, loading))
            )
        return REFUSED if any(REFUSED in pair for pair in pairs) else tuple(pairs)

    def dump(self, value: Any) -> Any:
        return value.value if isinstance(value, Binding) else {"map": dict(value)}

    def schema(self) -> dict[str, Any]:
        pairs = {"type": "object", "additionalProperties": {"type": "string"}}
        mapping = {
            "type": "object",
            "properties": {"map": pairs},
            "required": ["map"],
            "additionalProperties": False,
        }
        return {"anyOf": [OneOf(Binding).schema(), mapping]}


@attrs.frozen(kw_only=True)
class Subnet:
    """
    A subnet that clients may name.

    @ivar cidr: load balancers made in it get addresses of it; C{None}: of C{vip_pool}.
    @ivar network_id: of the network that it is part of.
    """

    id: str = field(Text(36, 32, _PLAIN_UUID, "a UUID"))
    name: str = field(Text(255), "")
    network_id: str = field(Text(36, 32, _PLAIN_UUID, "a UUID"))
    cidr: str | None = field(Optional(Network()), None)


@attrs.frozen(kw_only=True)
class OctaviaSettings:
    """
    How load balancers that Octavia's clients make come to an address.

    @ivar vip_bind: what is bound for a VIP.
    @ivar vip_pool: where addresses come from that the server chooses.
    @ivar subnets: those that are known by name and network; any other id is taken too.
    @ivar project: of what is made where nobody says one.
    @ivar keystone: asked what tokens are for, such as C{http://127.0.0.1:5000/v3}; C{None}: nobody
        needs one.
    @ivar trusted: networks whose C{X-Project-Id}, C{X-User-Id} and C{X-Roles} are believed.
    """

    vip_bind: Any = field(VipBinding(), Binding.FREEBIND)
    vip_pool: str = field(Network(), "127.77.0.0/16")
    subnets: tuple[Subnet, ...] = field(Several(Nested(Subnet), most=1000), ())
    project: str = field(Text(255, 1), "default")
    keystone: str | None = field(Optional(Text(2048, 8, r"https?://[\x21-\x7e]+", "a URL")), None)
    trusted: tuple[str, ...] = field(Several(Network()), ())

    def bound(self, vip: str) -> tuple[str, bool]:
        """
        What to bind for a VIP, and whether it may be an address that the host does not have.

        A map without a network for the VIP leaves it as it is.
        """
        if self.vip_bind is Binding.FREEBIND:
            return vip, True
        address = ipaddress.ip_address(vip)
        if self.vip_bind is Binding.ANY:
            return ("0.0.0.0" if address.version == 4 else "::"), False
        for network, instead in self.vip_bind:
            if address in ipaddress.ip_network(network):
                return instead, False
        return vip, True
