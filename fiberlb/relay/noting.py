"""What the access log keeps of an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fiberlb.relay.exchange import Exchange


#: What members are at fault for, beside the reason codes that begin with C{member_}.
_OF_CONNECTING: Final = frozenset({"connect_refused", "connect_timeout"})


def failed(exchange: Exchange, reason: str) -> None:
    """Note that the member in turn has failed, for whoever asks what was tried."""
    if exchange.member is None or not (reason[:7] == "member_" or reason in _OF_CONNECTING):
        return
    after = exchange.cell.services.loop.now - exchange.started
    one = (exchange.member_name, reason, exchange.detail, after)
    exchange.failures = (*exchange.failures, one)


def record(exchange: Exchange, reason: str | None) -> None:
    """Count a request that has ended, and write it down if anybody asked for it."""
    cell = exchange.cell
    cell.answers[exchange.status // 100] += 1
    cell.sent += exchange.sent_octets
    cell.received += exchange.received_octets
    if reason is not None:
        if exchange.waiting is not None:
            exchange.waiting.leave(exchange)
        reasons = cell.services.reasons
        reasons[reason] = reasons.get(reason, 0) + 1
        made = row(exchange, reason)
        cell.services.kept.keep(made, exchange.failures)
    log = cell.log
    if log.on:
        log.entries.append(row(exchange, None) if reason is None else made)
    elif reason is not None:
        log.own(made)


def row(exchange: Exchange, reason: str | None) -> tuple[Any, ...]:
    """One line of the access log; its fields are named in L{fiberlb.observe.entry}."""
    services = exchange.cell.services
    now = services.loop.now
    route = exchange.route
    pool = route.pool.name if route is not None and route.pool is not None else ""
    started, head_at, queued = exchange.started, exchange.head_at, exchange.queued
    return (
        services.wall(started),
        exchange.cell.plan.name,
        exchange.client,
        exchange.peer_port,
        exchange.method,
        exchange.target,
        exchange.minor,
        exchange.block(),
        exchange.status,
        exchange.sent_octets,
        exchange.received_octets,
        pool,
        exchange.member_name,
        route.policy if route is not None else "",
        reason,
        exchange.request_id,
        exchange.tries,
        max(0.0, head_at - started),
        max(0.0, exchange.connected_at - head_at - queued),
        max(0.0, exchange.answered_at - head_at),
        now - started,
        exchange.cell.plan.secure,
        exchange.sni,
        exchange.detail,
        queued,
        exchange.user,
    )
