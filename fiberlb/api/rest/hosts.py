"""
Which names the admin API answers to (product page, decision 12).

A page of another site can make a browser resolve its own name to loopback and
send requests here; the name in Host gives it away.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable


def host_name(field: str) -> str | None:
    """
    The name or the address in a Host field: lower case, without port, brackets and final dot.

    @return: C{None} when the field is malformed.
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~-]+))(?::[0-9]{0,5})?", field)
    if found is None:
        return None
    name = (found[1] or found[2]).lower()
    return name[:-1] if name.endswith(".") and found[2] else name


def answers_to(name: str, allowed: Iterable[str]) -> bool:
    """Whether a name, as of L{host_name}, is loopback, an IP literal or allowed."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if name in {(host_name(each) or each.lower()) for each in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
