"""What a listener would do with a request that nobody sends."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import attrs

from fiberlb.errors import REASONS, Fault
from fiberlb.model.addresses import UNIX
from fiberlb.model.asked import Asked
from fiberlb.model.dn import NAMES
from fiberlb.routing.actions import Decision, refusal
from fiberlb.routing.explaining import Explained, explain
from fiberlb.routing.request import Request
from fiberlb.snapshot import ListenerPlan
from fiberlb.wire import forwarded, request_head


@attrs.frozen
class Answered:
    """
    What becomes of a request.

    @ivar decision: the pool or the answer.
    @ivar detail: why it is refused before any policy is asked; else empty.
    @ivar request: as policies see it; C{None}: it does not get that far.
    @ivar explained: what policies say of it, where they are asked.
    @ivar client: the client's address, as trusted proxies tell it.
    """

    decision: Decision
    detail: str = ""
    request: Request | None = None
    explained: Explained | None = None
    client: str = ""

    @property
    def location(self) -> str:
        """Where a redirect leads; empty: it is none."""
        if self.request is None:
            return ""
        return self.decision.location(self.request).decode("latin-1")

    @property
    def status(self) -> int | None:
        """Of an answer of our own; C{None}: a pool answers, or there is no answer, only an end."""
        return self.decision.status or None


def within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address is in one of some networks."""
    found = ip_address(address)
    return any(found in ip_network(n) for n in networks if not n.startswith(UNIX))


def answered(
    plan: ListenerPlan, asked: Asked, trusted: Sequence[str], explained: bool = True
) -> Answered:
    """
    Ask a listener, without asking any member.

    @param trusted: networks whose forwarded fields are believed.
    @param explained: say what each policy says, too.
    """
    listener = plan.listener
    if listener.allowed_cidrs and not within(asked.from_ip, listener.allowed_cidrs):
        return _refused("denied_address", f"{asked.from_ip} is not in allowed_cidrs", asked.from_ip)
    if not listener.speaks_http:
        return _decided(plan, _connection(plan, asked), asked.from_ip, explained)
    believed = within(asked.from_ip, trusted)
    try:
        request, client = _request(plan, asked, believed, trusted)
    except Fault as fault:
        return _refused(fault.reason, fault.detail, asked.from_ip)
    return _decided(plan, request, client, explained)


def _decided(plan: ListenerPlan, request: Request, client: str, explained: bool) -> Answered:
    found = explain(plan.routes, request) if explained else None
    decision = plan.routes.decide(request) if found is None else found.decision
    return Answered(decision, "", request, found, client)


def _refused(reason: str, detail: str, client: str) -> Answered:
    made = refusal(reason) if REASONS[reason] else Decision(reason=reason)
    return Answered(made, detail or reason.replace("_", " "), client=client)


def _connection(plan: ListenerPlan, asked: Asked) -> Request:
    """A connection of a listener that relays bytes."""
    sni = None if plan.listener.datagrams else server_name(asked, plan.listener.passes_tls)
    protocols = [name.encode() for name in asked.alpn]
    port = plan.listener.port or 0
    secure = plan.listener.passes_tls
    return Request(b"", b"/", b"", b"\r\n", sni, secure, port, asked.from_ip, protocols)


def _request(
    plan: ListenerPlan, asked: Asked, believed: bool, trusted: Sequence[str]
) -> tuple[Request, str]:
    """The request as policies see it, and its client."""
    parsed = request_head.parse(head(asked), plan.limits, believed)
    if parsed is None:
        raise Fault("bad_request", detail="the head is not whole")
    _, method, target, _, _, raw, _, _, authority, told, _ = parsed
    client = asked.from_ip
    if believed:
        client = forwarded.client_address(client, told, lambda address: within(address, trusted))
    elif any(map(forwarded.is_claim, plan.routes.fields)):
        raw = forwarded.unclaimed(raw)
    secure = plan.tls is not None
    sni = server_name(asked, secure)
    protocols = [b"http/1.1"] if secure and asked.alpn else []
    port = plan.listener.port or 0
    shown = _shown(asked) if secure else None
    request = Request(method, target, authority, raw, sni, secure, port, client, protocols, shown)
    return request, client


def head(asked: Asked) -> bytes:
    """The octets of a request's head, as a client would send them."""
    names = {name.lower() for name, _ in asked.headers}
    lines = [f"{asked.method} {asked.target} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {asked.authority or 'localhost'}")
    lines += [f"{name}: {value}" for name, values in asked.headers for value in values]
    return "\r\n".join([*lines, "", ""]).encode()


def server_name(asked: Asked, secure: bool) -> bytes | None:
    """The name in the handshake: what is said, else the URL's host, unless that is an address."""
    name = asked.sni if asked.sni is not None else asked.host
    if not secure or not name:
        return None
    try:
        ip_address(name)
    except ValueError:
        return name.encode().lower().removesuffix(b".")
    return None


def _shown(asked: Asked) -> dict[bytes, list[bytes]] | None:
    """The subject of the client's certificate, by the short names of attributes."""
    if asked.client_certificate is None:
        return None
    made: dict[bytes, list[bytes]] = {}
    for name, value in asked.client_certificate:
        short = NAMES.get(name.lower(), name)
        made.setdefault(short.encode(), []).append(value.encode())
    return made
