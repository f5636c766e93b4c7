"""Pools (spec page C{octavia-api}, section 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes, persistence, references, tls
from fiberlb.api.octavia.attributes import Attribute, flag, listed, text, uuid, word_of
from fiberlb.api.octavia.common import document, fields, ids
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, invalid, missing, provider_cannot
from fiberlb.api.octavia.fits import FITTING, protocol_of
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.listeners import protocol_of as listener_protocol
from fiberlb.api.octavia.statuses import of_pool
from fiberlb.api.octavia.view import View
from fiberlb.model.listener import Listener, TlsVersion
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool

#: SCTP is not served.
PROTOCOLS = ("TCP", "HTTP", "HTTPS", "PROXY", "PROXYV2", "UDP")
ALGORITHMS = {
    "ROUND_ROBIN": "round_robin",
    "LEAST_CONNECTIONS": "least_connections",
    "SOURCE_IP": "source_ip",
    "SOURCE_IP_PORT": "source_ip_port",
}
#: Algorithms of ours by the nearest one that Octavia has.
_NEAREST = {
    **{ours: theirs for theirs, ours in ALGORITHMS.items()},
    "maglev": "SOURCE_IP_PORT",
    "hash": "SOURCE_IP",
    "random_two": "LEAST_CONNECTIONS",
    "peak_ewma": "LEAST_CONNECTIONS",
    "first_available": "ROUND_ROBIN",
}
_REFERENCE = text(255)
_REFERENCES = ("tls_container_ref", "ca_tls_container_ref", "crl_container_ref")

ATTRIBUTES: Mapping[str, Attribute] = {
    **attributes.common(),
    "protocol": Attribute(attributes.protocol(*PROTOCOLS), required=True, put=False),
    "lb_algorithm": Attribute(word_of(*ALGORITHMS), required=True, nullable=False),
    "loadbalancer_id": Attribute(uuid, put=False),
    "listener_id": Attribute(uuid, put=False),
    "session_persistence": Attribute(attributes.mapping),
    "tls_enabled": Attribute(flag, False),
    **{name: Attribute(_REFERENCE) for name in _REFERENCES},
    **tls.ATTRIBUTES,
    "members": Attribute(listed, put=False),
    "healthmonitor": Attribute(attributes.mapping, put=False),
}


def every(view: View, parent: str) -> list[Pool]:
    """All of them."""
    return list(view.configuration.all(Pool).values())


def show(view: View, made: Pool) -> dict[str, Any]:
    """One of them."""
    balancer = view.balancer_of_pool(made.id)
    done = document(view, made, view.project(balancer), of_pool(view, made))
    monitor = made.health_monitor
    listeners, policies = view.users(made.id)
    using = [one.id for one in listeners] + [one.listener_id for one in policies]
    return {
        **done,
        "protocol": protocol_of(view, made),
        "lb_algorithm": _NEAREST[made.algorithm.value],
        "loadbalancers": [{"id": balancer}] if balancer else [],
        "listeners": [{"id": ident} for ident in dict.fromkeys(using)],
        "members": ids(view.configuration.children(Member, made.id)),
        "healthmonitor_id": None if monitor is None else monitor.id,
        "session_persistence": persistence.shown(made.session_persistence),
        **_tls_shown(view, made),
    }


def _tls_shown(view: View, made: Pool) -> dict[str, Any]:
    notes = view.notes(made.id)
    config = made.tls_config
    if not made.encrypts:
        done = dict.fromkeys([*_REFERENCES, *tls.ATTRIBUTES])
        return {**done, "tls_enabled": False}
    authority = None if config is None else config.ca_certificate_id
    client = None if config is None else config.client_certificate_id
    least = TlsVersion.TLS12 if config is None else config.min_version
    return {
        "tls_enabled": True,
        "tls_container_ref": references.shown(notes, client),
        "ca_tls_container_ref": references.shown(notes, authority),
        "crl_container_ref": None,
        "tls_versions": tls.shown_versions(least, None),
        "tls_ciphers": notes.get("tls_ciphers") or tls.DEFAULT_CIPHERS,
        "alpn_protocols": notes.get("alpn_protocols") or ["http/1.1"],
    }


def create(edit: Edit, given: Mapping[str, Any], parent: str, listener: str = "") -> str:
    """
    A new one.

    @param parent: the load balancer that is made in the same edit; empty: the attributes say which.
    @param listener: the protocol of the listener that is to send to it, where that is known.
    """
    protocol = given["protocol"]
    user: Listener | None = None
    balancer = parent
    if not parent:
        user = _user(edit, given)
        balancer = _balancer(edit, given, user)
    if user is not None:
        listener = listener_protocol(user)
    if listener and protocol not in FITTING[listener]:
        raise invalid(
            f"The pool protocol '{protocol}' is invalid while the listener protocol is"
            f" '{listener}'."
        )
    notes: dict[str, Any] = {"loadbalancer_id": balancer, "protocol": protocol}
    body = {
        **fields(given),
        **_protocol(protocol, listener, bool(given.get("tls_enabled"))),
        "algorithm": ALGORITHMS[given["lb_algorithm"]],
        "session_persistence": persistence.fields(protocol, given.get("session_persistence"), None),
    }
    if given.get("tls_enabled"):
        _check_encrypted(protocol)
        body["tls_config"] = _tls(edit, {}, given, notes)
    else:
        _refuse_tls(given)
    ident = edit.create("pools", body, notes)
    if user is not None:
        edit.patch("listeners", user.id, {"default_pool_id": ident})
    return ident


def _user(edit: Edit, given: Mapping[str, Any]) -> Listener | None:
    """The listener that the pool is made for."""
    ident = given.get("listener_id")
    if ident is None:
        return None
    user = edit.view.configuration.all(Listener).get(ident)
    if user is None:
        raise missing("Listener", ident)
    if user.default_pool_id is not None:
        raise Fault(409, "This listener already has a default pool")
    return user


def _balancer(edit: Edit, given: Mapping[str, Any], user: Listener | None) -> str:
    ident = given.get("loadbalancer_id")
    if user is not None:
        return user.loadbalancer_id
    if ident is None:
        raise invalid("Must provide at least one of: loadbalancer_id, listener_id.")
    if ident not in edit.view.configuration.all(LoadBalancer):
        raise missing("Load Balancer", ident)
    return str(ident)


def _protocol(protocol: str, listener: str, encrypted: bool) -> dict[str, Any]:
    """The protocol here; PROXY pools are relayed unless a listener reads requests."""
    if protocol == "UDP":
        return {"protocol": "udp"}
    requests = listener in ("HTTP", "TERMINATED_HTTPS") or (not listener and protocol == "HTTP")
    ours = ("https" if encrypted else "http") if requests or encrypted else "tcp"
    introduced = {"PROXY": "v1", "PROXYV2": "v2"}.get(protocol)
    return {"protocol": ours, "proxy_protocol": introduced}


def _check_encrypted(protocol: str) -> None:
    """@raise Fault: 501, bytes go to members as they come: requests alone are put into TLS."""
    if protocol not in ("HTTP", "PROXY", "PROXYV2"):
        raise provider_cannot(f"tls_enabled of {protocol} pools")


def _refuse_tls(given: Mapping[str, Any]) -> None:
    for name in (*_REFERENCES, *tls.ATTRIBUTES):
        if given.get(name) is not None:
            raise invalid(f"{name} needs tls_enabled.")


def _tls(
    edit: Edit, before: Mapping[str, Any], given: Mapping[str, Any], notes: dict[str, Any]
) -> dict[str, Any]:
    """The patch of C{tls_config}; what is to be noted of it is added to C{notes}."""
    done: dict[str, Any] = {}
    sent = [given[name] for name in _REFERENCES[:2] if given.get(name)]
    if given.get("crl_container_ref"):
        raise invalid("crl_container_ref: give the certificate of the authority its list (crl)")
    for name, to in (
        ("tls_container_ref", "client_certificate_id"),
        ("ca_tls_container_ref", "ca_certificate_id"),
    ):
        if name in given:
            absent = "system" if to == "ca_certificate_id" else None
            done[to] = references.certificate(edit, given[name]) if given[name] else absent
    if "ca_tls_container_ref" in given:
        # Without an authority nobody is verified, as in Octavia (product page, decision 1).
        done["insecure_skip_verify"] = not given["ca_tls_container_ref"]
    if given.get("tls_versions") is not None:
        done["min_version"] = tls.versions(given["tls_versions"])[0]
    for name in ("tls_ciphers", "alpn_protocols"):
        if name in given:
            notes[name] = given[name]
    if sent:
        notes[references.NOTE] = references.noted(edit, before, sent)
    return done


def update(edit: Edit, made: Pool, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there."""
    protocol = protocol_of(edit.view, made)
    body = fields(given)
    notes: dict[str, Any] = {}
    if "lb_algorithm" in given:
        wanted = given["lb_algorithm"]
        # One that Octavia has no name for is kept by who sends back what was read.
        if wanted != _NEAREST[made.algorithm.value]:
            body["algorithm"] = ALGORITHMS[wanted]
            body["hash_on"] = None
    if "session_persistence" in given:
        asked = given["session_persistence"]
        body["session_persistence"] = persistence.fields(protocol, asked, made.session_persistence)
    body.update(_tls_changed(edit, made, given, notes))
    edit.patch("pools", made.id, body, notes)


def _tls_changed(
    edit: Edit, made: Pool, given: Mapping[str, Any], notes: dict[str, Any]
) -> dict[str, Any]:
    wanted = given.get("tls_enabled", made.encrypts)
    touched = [name for name in (*_REFERENCES, *tls.ATTRIBUTES) if name in given]
    if not wanted:
        _refuse_tls(given)
        return {"protocol": "http", "tls_config": None} if made.encrypts else {}
    if not made.encrypts:
        _check_encrypted(protocol_of(edit.view, made))
    asked = given if made.encrypts else {"ca_tls_container_ref": None, **given}
    if made.encrypts and not touched:
        return {}
    config = _tls(edit, edit.notes(made.id), asked, notes)
    return {"protocol": "https", "tls_config": config}


def delete(edit: Edit, made: Pool, cascade: bool) -> None:
    """
    One of them; listeners that sent to it by default have no default any more.

    @raise Fault: 409, a policy redirects to it.
    """
    listeners, policies = edit.view.users(made.id)
    if policies:
        raise Fault(409, f"Pool {made.id} is in use by L7 policy {policies[0].id}")
    for listener in listeners:
        edit.patch("listeners", listener.id, {"default_pool_id": None})
    edit.delete("pools", made.id)


KIND = Kind("pools", "pool", "Pool", ATTRIBUTES, every, show, create, update, delete)
