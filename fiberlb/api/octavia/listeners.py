"""Listeners (spec page C{octavia-api}, section 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes, listener_tls, timeouts, vips
from fiberlb.api.octavia.attributes import Attribute, flag, listed, number, uuid
from fiberlb.api.octavia.common import document, fields, ids
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, bad_value, invalid, missing, provider_cannot
from fiberlb.api.octavia.fits import adapt
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.statuses import of_listener
from fiberlb.api.octavia.view import View
from fiberlb.model.listener import CLIENT_FIELDS, Listener, ListenerProtocol
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Pool

#: Octavia's protocols -> ours; SCTP is not served.
PROTOCOLS = {
    "TCP": "tcp",
    "HTTP": "http",
    "HTTPS": "https",
    "TERMINATED_HTTPS": "terminated_https",
    "UDP": "udp",
    "PROMETHEUS": "prometheus",
}
_SHOWN = {ours: theirs for theirs, ours in PROTOCOLS.items()}
#: Fields that a listener inserts, in Octavia's spelling.
INSERTED = (
    "X-Forwarded-For",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-IP",
    "X-Client-IP",
    "X-Real-IP",
)
_HTTP = ("HTTP", "TERMINATED_HTTPS")
#: Who sees the figures of a PROMETHEUS listener that lets nobody else in by name.
LOCAL = ("127.0.0.0/8", "::1/128")

ATTRIBUTES: Mapping[str, Attribute] = {
    **attributes.common(),
    "protocol": Attribute(attributes.protocol(*PROTOCOLS), required=True, put=False),
    "protocol_port": Attribute(number(1, 65535), required=True, put=False),
    "loadbalancer_id": Attribute(uuid, required=True, put=False),
    "connection_limit": Attribute(number(-1, 10_000_000), -1),
    "default_pool_id": Attribute(uuid),
    "default_pool": Attribute(attributes.mapping, put=False),
    "l7policies": Attribute(listed, put=False),
    "insert_headers": Attribute(attributes.mapping, {}),
    "allowed_cidrs": Attribute(attributes.several(attributes.network)),
    "hsts_max_age": Attribute(number(0, 2_147_483_647)),
    "hsts_include_subdomains": Attribute(flag, False),
    "hsts_preload": Attribute(flag, False),
    **timeouts.ATTRIBUTES,
    **listener_tls.ATTRIBUTES,
}


def every(view: View, parent: str) -> list[Listener]:
    """All of them."""
    return list(view.configuration.all(Listener).values())


def protocol_of(made: Listener) -> str:
    """The protocol of a listener by Octavia's name."""
    if made.terminates:
        return "TERMINATED_HTTPS"
    return _SHOWN[made.protocol.value]


def show(view: View, made: Listener) -> dict[str, Any]:
    """One of them."""
    protocol = protocol_of(made)
    balancer = made.loadbalancer_id
    done = document(view, made, view.project(balancer), of_listener(view, made))
    policies = view.configuration.policies(made.id)
    return {
        **done,
        "protocol": protocol,
        "protocol_port": made.port,
        "loadbalancers": [{"id": balancer}],
        "connection_limit": made.connection_limit,
        "default_pool_id": made.default_pool_id,
        "l7policies": ids(policies),
        "insert_headers": {n: str(told).lower() for n, told in made.insert_headers},
        "allowed_cidrs": _shown_cidrs(protocol, made),
        **timeouts.shown(made, view.notes(made.id)),
        **listener_tls.shown(view, made, protocol),
    }


def _shown_cidrs(protocol: str, made: Listener) -> list[str] | None:
    unsaid = protocol == "PROMETHEUS" and made.allowed_cidrs == LOCAL
    return None if unsaid else list(made.allowed_cidrs) or None


def create(edit: Edit, given: Mapping[str, Any], parent: str) -> str:
    """A new one."""
    balancer = parent or given["loadbalancer_id"]
    if not parent and balancer not in edit.view.configuration.all(LoadBalancer):
        raise missing("Load Balancer", balancer)
    protocol = given["protocol"]
    _check_free(edit, balancer, protocol, given["protocol_port"])
    ours = PROTOCOLS[protocol]
    if ours not in {one.value for one in ListenerProtocol}:
        raise provider_cannot(f"protocol {protocol}")
    body = {
        **fields(given),
        "loadbalancer_id": balancer,
        "protocol": ours,
        "port": given["protocol_port"],
        "l7policy_order": "octavia",
        **timeouts.fields(protocol, {**timeouts.DEFAULTS, **given}),
        **_settable(edit, protocol, balancer, given),
    }
    tls, notes = listener_tls.created(edit, protocol, given)
    notes = {**notes, **timeouts.noted(protocol, given)}
    if tls is not None:
        body["tls_config"] = tls
    if given.get("default_pool_id") is not None:
        body["default_pool_id"] = _default(edit, balancer, protocol, given["default_pool_id"])
    return edit.create("listeners", body, notes)


def _settable(edit: Edit, protocol: str, balancer: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that may be changed later too, timeouts and TLS apart."""
    done: dict[str, Any] = {}
    if "connection_limit" in given:
        limit = given["connection_limit"]
        if limit == 0:
            raise bad_value("connection_limit", 0, "A listener that takes nobody: disable it.")
        done["connection_limit"] = limit
    if "insert_headers" in given:
        done["insert_headers"] = _inserted(protocol, given["insert_headers"])
    if "allowed_cidrs" in given:
        done["allowed_cidrs"] = list(given["allowed_cidrs"] or [])
        _check_versions(edit, balancer, done["allowed_cidrs"])
    if protocol == "PROMETHEUS" and not done.get("allowed_cidrs", (None,)):
        # Octavia shows the figures to everybody then; here nobody but this machine sees them.
        done["allowed_cidrs"] = list(LOCAL)
    if any(given.get(name) for name in ("hsts_max_age", "hsts_include_subdomains", "hsts_preload")):
        done.update(_hsts(protocol, given))
    return done


def _check_versions(edit: Edit, balancer: str, cidrs: list[str]) -> None:
    """A network whose addresses can never come is a mistake; one made in this edit has any."""
    known = edit.view.configuration.all(LoadBalancer).get(balancer)
    if known is None:
        return
    versions = {4 if "." in address else 6 for address in vips.every(edit.view, known)}
    for cidr in cidrs:
        if (6 if ":" in cidr else 4) not in versions:
            raise invalid(f"CIDR {cidr} IP version incompatible with all VIPs.")


def _hsts(protocol: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if protocol != "TERMINATED_HTTPS":
        raise invalid("HSTS is for TERMINATED_HTTPS listeners only.")
    if given.get("hsts_max_age") is None:
        raise invalid("HSTS configuration options need hsts_max_age.")
    return {
        "hsts": {
            "max_age": f"{given['hsts_max_age']}s",
            "include_subdomains": bool(given.get("hsts_include_subdomains")),
            "preload": bool(given.get("hsts_preload")),
        }
    }


def _inserted(protocol: str, asked: Mapping[str, Any]) -> dict[str, bool]:
    if asked and protocol not in _HTTP:
        raise invalid(f"insert_headers is not supported for protocol {protocol}.")
    known = (*INSERTED, *(CLIENT_FIELDS if protocol == "TERMINATED_HTTPS" else ()))
    for name, value in asked.items():
        if name not in known:
            raise bad_value("insert_headers", name, "Not a header that can be inserted.")
        if str(value).lower() not in ("true", "false"):
            raise bad_value("insert_headers", value, f"{name} is true or false.")
    return {name: str(value).lower() == "true" for name, value in asked.items()}


def _check_free(edit: Edit, balancer: str, protocol: str, port: int) -> None:
    datagrams = protocol == "UDP"
    for other in edit.view.listeners(balancer):
        if other.port == port and other.datagrams is datagrams:
            raise Fault(
                409,
                "Another Listener on this Load Balancer is already using protocol"
                f" {protocol_of(other)} and protocol_port {port}",
            )


def _default(edit: Edit, balancer: str, protocol: str, ident: str) -> str:
    """The pool that a listener sends to, made to fit if it can be."""
    pool = edit.view.configuration.all(Pool).get(ident)
    if pool is None or edit.view.balancer_of_pool(ident) not in ("", balancer):
        raise missing("Pool", ident)
    adapt(edit, pool, protocol)
    return ident


def update(edit: Edit, made: Listener, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there."""
    protocol = protocol_of(made)
    body = {**fields(given), **_settable(edit, protocol, made.loadbalancer_id, given)}
    if "default_pool_id" in given:
        ident = given["default_pool_id"]
        balancer = made.loadbalancer_id
        body["default_pool_id"] = (
            None if ident is None else _default(edit, balancer, protocol, ident)
        )
    overlay = timeouts.fields(protocol, given)
    if overlay:
        body.update(overlay)
    tls, notes = listener_tls.updated(edit, made, protocol, given)
    if tls:
        body["tls_config"] = tls
    if "insert_headers" in body:
        # A merge patch keeps what it does not name.
        body["insert_headers"] = {
            **dict.fromkeys(n for n, _ in made.insert_headers),
            **body["insert_headers"],
        }
    edit.patch("listeners", made.id, body, {**notes, **timeouts.noted(protocol, given)})


def delete(edit: Edit, made: Listener, cascade: bool) -> None:
    """One of them, with its policies."""
    edit.delete("listeners", made.id)


KIND = Kind("listeners", "listener", "Listener", ATTRIBUTES, every, show, create, update, delete)
