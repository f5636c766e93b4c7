"""What connections begin with: who comes for one request, and comes again, sends it again."""

from __future__ import annotations

from typing import Final

from fiberlb.wire.request_head import ParsedRequest

#: First heads of connections that a listener remembers, and the octets of one.
HEADS: Final = 16
MOST_REMEMBERED: Final = 1024


def remember(heads: dict[bytes, ParsedRequest], data: bytes, parsed: ParsedRequest) -> None:
    """
    Note a head that stands alone in what has come.

    All are forgotten when there are many: nobody keeps one from being remembered for long.

    @param heads: what is remembered: octets, and what they mean.
    """
    size = len(data)
    if size == parsed[0] and size <= MOST_REMEMBERED:
        if len(heads) >= HEADS:
            heads.clear()
        heads[data] = parsed
