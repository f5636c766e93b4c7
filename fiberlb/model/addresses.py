"""Kinds of values that are addresses and networks."""

from __future__ import annotations

import ipaddress
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading

#: Why an address with an interface is refused: it would mean another one on every machine.
SCOPED = "link-local addresses with an interface (%eth0): known, not supported by this version"


@attrs.frozen
class Address:
    """An IPv4 or IPv6 address without brackets, in its shortest form."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        try:
            return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
        except ValueError:
            return loading.refuse(path, f"{value!r} is not an IP address")

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class Network:
    """An address range in CIDR form; an address alone is a range of one. The model holds text."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        try:
            return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
        except ValueError as why:
            return loading.refuse(path, f"{value!r} is not a network: {why}")

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}
