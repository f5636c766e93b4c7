"""
Words that other load balancers have for keys of ours.

Whoever comes from there writes them first, and they are too far from ours for a likeness to show.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

#: Their words, in lower case without ``-`` and ``_``, and ours, of which the first counts that
#: there is where the word stands.
_OURS: Final[dict[str, tuple[str, ...]]] = {
    "backend": ("default_pool_id", "redirect_pool_id", "pool_id"),
    "backends": ("pools", "members"),
    "balance": ("algorithm",),
    "bind": ("address",),
    "codes": ("expected_codes",),
    "defaultbackend": ("default_pool_id",),
    "delay": ("interval",),
    "domainname": ("host_header",),
    "endpoints": ("members",),
    "entrypoints": ("listeners",),
    "failurethreshold": ("fall",),
    "fastinterval": ("interval_down",),
    "frontends": ("listeners",),
    "healthcheck": ("health_monitor",),
    "healthchecks": ("health_monitor",),
    "healthythreshold": ("rise",),
    "host": ("address", "host_header"),
    "hostname": ("host_header", "address"),
    "httpmethod": ("method",),
    "inter": ("interval",),
    "ip": ("address",),
    "ipaddress": ("address",),
    "lbalgorithm": ("algorithm",),
    "lbpolicy": ("algorithm",),
    "maxconn": ("connection_limit", "max_connections", "member_max_connections"),
    "maxretries": ("rise", "attempts"),
    "maxretriesdown": ("fall",),
    "path": ("url_path",),
    "policies": ("l7_policies",),
    "protocolport": ("port",),
    "routes": ("l7_policies",),
    "routers": ("l7_policies",),
    "rules": ("l7_policies",),
    "servers": ("members",),
    "services": ("pools",),
    "status": ("expected_codes",),
    "sticky": ("session_persistence",),
    "successthreshold": ("rise",),
    "targets": ("members",),
    "tls": ("tls_config",),
    "unhealthythreshold": ("fall",),
    "upstream": ("default_pool_id", "redirect_pool_id", "pool_id"),
    "upstreams": ("pools", "members"),
    "uri": ("url_path",),
}


def our_word(word: str, words: Collection[str]) -> str | None:
    """
    What somebody meant who knows another load balancer.

    @param word: a key that is none of ours.
    @param words: those that there are where it stands.
    @return: one of them, or C{None}.
    """
    plain = word.replace("_", "").replace("-", "").lower()
    return next((ours for ours in _OURS.get(plain, ()) if ours in words), None)
