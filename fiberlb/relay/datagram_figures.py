"""What is counted of datagrams, for each listener that takes them."""

from __future__ import annotations

from typing import Final

#: Why datagrams are dropped, each whole. C{denied}: the client is none of C{allowed_cidrs};
#: C{limit}: there is no room for another flow; C{no_member}: nobody may serve;
#: C{too_large}: the other side's kind of address takes none so large; C{buffer_full}: the system
#: takes no more at the moment; C{unreachable}: nobody is there.
DROPS: Final = ("denied", "limit", "no_member", "too_large", "buffer_full", "unreachable")


class Datagrams:
    """
    Of one listener.

    @ivar received: datagrams that clients have sent.
    @ivar sent: those sent to clients.
    @ivar drops: those of either side that went no further, by one of L{DROPS}.
    """

    __slots__ = ("drops", "received", "sent")

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.drops: dict[str, int] = dict.fromkeys(DROPS, 0)

    def figures(self) -> dict[str, int]:
        """All of it, by name."""
        dropped = {f"dropped_{why}": count for why, count in self.drops.items()}
        return {"datagrams_received": self.received, "datagrams_sent": self.sent, **dropped}
