"""What becomes of answers on routes with a treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fiberlb.wire.field_lines import cutter

if TYPE_CHECKING:
    from fiberlb.relay.exchange import Exchange
    from fiberlb.treatment.treatment import Treatment

_BODILESS: Final = frozenset({204, 304})
_unframed: Final = cutter(("Content-Length", "Transfer-Encoding"))


def amended(
    exchange: Exchange, treatment: Treatment, status: int, prefix: bytes, length: int
) -> bytes:
    """
    A member's final head as the client gets it.

    Where a filter takes the content, it is in C{exchange.filter} afterwards, and the head tells
    of no length. Clients of HTTP/1.0 get what there is: they could not see where the end is.

    @param prefix: status line and fields, without the empty line.
    @param length: of the body, or one of the constants of L{fiberlb.wire.fields}.
    """
    prefix = treatment.answer(exchange, prefix)
    exchange.filter = None
    if length and exchange.minor and exchange.method != b"HEAD" and status not in _BODILESS:
        for make in treatment.filters:
            found = make(exchange, status, prefix)
            if found is not None:
                exchange.filter, prefix = found
                return _unframed(prefix)
    return prefix


def amended_own(exchange: Exchange, answer: bytes) -> bytes:
    """An answer of ours, as the client gets it."""
    treatment = _applying(exchange)
    if treatment is None:
        return answer
    head, _, body = answer.partition(b"\r\n\r\n")
    return treatment.answer(exchange, head + b"\r\n") + b"\r\n" + body


def own_page(exchange: Exchange, reason: str) -> tuple[bytes, bytes] | None:
    """What an error of ours shows: media type and octets; C{None}: nothing else was asked for."""
    treatment = _applying(exchange)
    if treatment is None or treatment.page is None:
        return None
    return treatment.page(exchange, exchange.status, reason)


def _applying(exchange: Exchange) -> Treatment | None:
    """Of the request's route; where it has none, the listener's."""
    route = exchange.route
    return exchange.cell.plan.treatment if route is None else route.treatment
