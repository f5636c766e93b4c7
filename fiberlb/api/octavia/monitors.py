"""Health monitors (spec page C{octavia-api}, section 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia import attributes
from fiberlb.api.octavia.attributes import Attribute, common, number, text, uuid, word_of
from fiberlb.api.octavia.common import document, fields, moved, without
from fiberlb.api.octavia.edit import Edit
from fiberlb.api.octavia.faults import Fault, bad_value, invalid, missing
from fiberlb.api.octavia.fits import protocol_of
from fiberlb.api.octavia.kind import Kind
from fiberlb.api.octavia.statuses import of_enabled
from fiberlb.api.octavia.view import View
from fiberlb.control.operations import Op
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Pool
from fiberlb.model.quantities import Codes

#: Octavia's types -> ours; SCTP is not done.
TYPES = {
    "HTTP": "http",
    "HTTPS": "https",
    "PING": "ping",
    "TCP": "tcp",
    "TLS-HELLO": "tls_hello",
    "UDP-CONNECT": "udp_connect",
}
_SHOWN = {**{ours: theirs for theirs, ours in TYPES.items()}, "grpc": "HTTP"}
_METHODS = "GET HEAD POST PUT DELETE TRACE OPTIONS CONNECT PATCH".split()
_HTTP = ("HTTP", "HTTPS")
_OF_HTTP = ("http_method", "url_path", "expected_codes", "http_version", "domain_name")
_DATAGRAMS = ("UDP-CONNECT", "TCP", "HTTP")
_SECONDS = number(0, 2_147_483_647)
_CODES = r"(\d{3}(\s*,\s*\d{3})*)|(\d{3}-\d{3})"
_DOMAIN = r"[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_-]+)*\.?"
_PATH = r"/[\x21-\x7e]*"


def _version(name: str, value: Any) -> float:
    # Where numbers lose a zero at their end, 1.0 comes as 1.
    if isinstance(value, bool) or str(value) not in ("1", "1.0", "1.1"):
        raise bad_value(name, value, "Value should be 1.0 or 1.1.")
    return float(value)


ATTRIBUTES: Mapping[str, Attribute] = {
    **common("description"),
    "pool_id": Attribute(uuid, required=True, put=False),
    "type": Attribute(attributes.protocol(*TYPES), required=True, put=False),
    "delay": Attribute(_SECONDS, required=True, nullable=False),
    "timeout": Attribute(_SECONDS, required=True, nullable=False),
    "max_retries": Attribute(number(1, 10), required=True, nullable=False),
    "max_retries_down": Attribute(number(1, 10), 3),
    "http_method": Attribute(word_of(*_METHODS)),
    "url_path": Attribute(text(255, _PATH, "Value should be a path that starts with /")),
    "expected_codes": Attribute(text(64, _CODES, "Value should be a code, a list or a range")),
    "http_version": Attribute(_version),
    "domain_name": Attribute(text(255, _DOMAIN, "Value should be a domain name")),
}
_FIELDS = {
    "max_retries": "rise",
    "max_retries_down": "fall",
    "http_method": "method",
    "url_path": "url_path",
    "expected_codes": "expected_codes",
    "domain_name": "host_header",
}
#: Where what the model has no field for is noted, with the pool.
NOTE = "healthmonitor"


def every(view: View, parent: str) -> list[Pool]:
    """The pools that have one: a monitor is a part of its pool."""
    pools = view.configuration.all(Pool).values()
    return [one for one in pools if one.health_monitor is not None]


def show(view: View, pool: Pool) -> dict[str, Any]:
    """The monitor of a pool."""
    monitor = pool.health_monitor
    assert monitor is not None
    project = view.project(view.balancer_of_pool(pool.id))
    done = document(view, pool, project, of_enabled(monitor))
    own = {
        "id": monitor.id,
        "name": monitor.name,
        "admin_state_up": monitor.enabled,
        "tags": list(monitor.tags),
    }
    noted = view.notes(pool.id).get(NOTE, {})
    kind = noted.get("type") or _type_of(pool, monitor)
    return {
        **without(done, "description"),
        **own,
        "pools": [{"id": pool.id}],
        "type": kind,
        "delay": noted.get("delay", round(monitor.interval)),
        "timeout": noted.get("timeout", max(1, round(monitor.timeout))),
        "max_retries": monitor.rise,
        "max_retries_down": monitor.fall,
        **_requests(kind, monitor, noted),
    }


def _type_of(pool: Pool, monitor: HealthMonitor) -> str:
    word = monitor.type.value if monitor.type is not None else pool.protocol.value
    return _SHOWN.get(word, "UDP-CONNECT")


def _requests(kind: str, monitor: HealthMonitor, noted: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in _HTTP:
        return dict.fromkeys(_OF_HTTP)
    return {
        "http_method": monitor.method,
        "url_path": monitor.url_path,
        "expected_codes": str(Codes().dump(monitor.expected_codes)),
        "http_version": noted.get("http_version"),
        "domain_name": monitor.host_header,
    }


def create(edit: Edit, given: Mapping[str, Any], parent: str, protocol: str = "") -> str:
    """
    A new one.

    @param parent: the pool, where it is made in the same edit; C{protocol}: the pool's then.
    """
    pool_id = parent or given["pool_id"]
    pool = edit.view.configuration.all(Pool).get(pool_id)
    if not parent:
        if pool is None:
            raise missing("Pool", pool_id)
        if pool.health_monitor is not None:
            raise Fault(409, "This pool already has a health monitor")
        protocol = protocol_of(edit.view, pool)
    kind = given["type"]
    _check_type(kind, protocol, given)
    defaults = {"http_method": "GET", "url_path": "/", "expected_codes": "200"}
    sent = {name: value for name, value in given.items() if value is not None}
    asked = {**(defaults if kind in _HTTP else {}), **sent}
    noted = {"type": kind, **{n: asked[n] for n in ("http_version",) if n in asked}}
    body = {
        **fields(asked),
        "type": TYPES[kind],
        **moved(asked, _FIELDS),
        **_times(asked["delay"], asked["timeout"], noted),
    }
    edit.monitor(Op.REPLACE, pool_id, body, {NOTE: noted})
    if kind in ("HTTPS", "TLS-HELLO") and not (pool is not None and pool.encrypts):
        # Octavia's checks by TLS verify nobody; a pool that encrypts says itself whether it does.
        edit.patch("pools", pool_id, {"tls_config": {"insecure_skip_verify": True}})
    return pool_id


def _check_type(kind: str, protocol: str, given: Mapping[str, Any]) -> None:
    datagrams = protocol == "UDP"
    if datagrams and kind not in _DATAGRAMS:
        raise invalid(
            f"The associated pool protocol is {protocol}, so only a UDP-CONNECT, SCTP, TCP or"
            " HTTP health monitor is supported."
        )
    if not datagrams and kind == "UDP-CONNECT":
        raise invalid(f"The {kind} type is only supported for pools of type UDP or SCTP.")
    if kind == "UDP-CONNECT" and given["delay"] < 3:
        raise invalid("The request delay value should be larger than 3 for UDP-CONNECT.")
    _check_requests(kind, given)
    if given.get("domain_name") is not None and given.get("http_version") != 1.1:
        raise invalid("'http_version' must be 1.1 when 'domain_name' is provided.")


def _check_requests(kind: str, given: Mapping[str, Any]) -> None:
    for name in _OF_HTTP:
        if kind not in _HTTP and given.get(name) is not None:
            raise invalid(f"{name} is only supported for HTTP and HTTPS health monitors.")


def _times(delay: int, timeout: int, noted: dict[str, Any]) -> dict[str, Any]:
    """
    Interval and timeout; Octavia lets a check last longer than its interval, here it ends with it.

    What was asked for is noted where it differs.
    """
    interval = max(1, delay)
    lasting = min(max(1, timeout), interval)
    if interval != delay:
        noted["delay"] = delay
    if lasting != timeout:
        noted["timeout"] = timeout
    return {"interval": f"{interval}s", "timeout": f"{lasting}s"}


def update(edit: Edit, pool: Pool, given: Mapping[str, Any]) -> None:
    """What was sent of one that is there."""
    monitor = pool.health_monitor
    assert monitor is not None
    before = show(edit.view, pool)
    kind = before["type"]
    _check_requests(kind, given)
    merged = {**before, **given}
    if merged.get("domain_name") is not None and merged.get("http_version") != 1.1:
        raise invalid("'http_version' must be 1.1 when 'domain_name' is provided.")
    if kind == "UDP-CONNECT" and merged["delay"] < 3:
        raise invalid("The request delay value should be larger than 3 for UDP-CONNECT.")
    noted: dict[str, Any] = {"type": kind}
    if merged.get("http_version") is not None:
        noted["http_version"] = merged["http_version"]
    body = {**fields(given), **moved(given, _FIELDS)}
    for name, default in (("expected_codes", "200"), ("method", "GET"), ("url_path", "/")):
        if name in body and body[name] is None:
            body[name] = default
    body.update(_times(merged["delay"], merged["timeout"], noted))
    edit.monitor(Op.PATCH, pool.id, body, {NOTE: noted})


def delete(edit: Edit, pool: Pool, cascade: bool) -> None:
    """The monitor of a pool."""
    notes = {NOTE: None} if edit.notes(pool.id).get(NOTE) else None
    if pool.tls_config is not None and not pool.encrypts:
        edit.patch("pools", pool.id, {"tls_config": None, "health_monitor": None}, notes)
    else:
        edit.monitor(Op.DELETE, pool.id, None, notes)


KIND = Kind(
    "healthmonitors",
    "healthmonitor",
    "HealthMonitor",
    ATTRIBUTES,
    every,
    show,
    create,
    update,
    delete,
    lambda pool: pool.health_monitor.id,
)
