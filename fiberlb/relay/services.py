"""What connections need of the process they run in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from fiberlb.observe.kept import Kept
from fiberlb.relay.accept import bind
from fiberlb.relay.connecting import dial
from fiberlb.relay.crowd import Crowd
from fiberlb.relay.loop import Loop
from fiberlb.treatment.buckets import Rates


@attrs.define
class Standing:
    """
    How it stands with this process.

    @ivar leaving: its end has been announced, and whoever sends traffic here should stop.
    """

    leaving: bool = False


@attrs.frozen
class Services:
    """
    Handed to every connection, so that none of it is global.

    @ivar loop: events and deadlines.
    @ivar wall: a time of the loop's clock -> wall-clock seconds.
    @ivar make_request_id: a new id for a request.
    @ivar dial: opens a connection to a member, as L{fiberlb.relay.connecting.dial} does.
    @ivar reasons: reason code -> how many requests or connections have ended with it.
    @ivar standing: whether the process is about to end.
    @ivar kept: the last answers of ours, by their ids.
    @ivar bind: makes a listening socket, as L{fiberlb.relay.accept.bind} does.
    @ivar suspect: told of a member that fails too often: its id, the last cause, a sentence.
    @ivar lag: L{fiberlb.relay.lag.Lag}; C{None}: nobody looks whether the process is too slow.
    @ivar rates: who has come how often.
    @ivar crowd: who has how many connections open.
    @ivar guards: L{fiberlb.guards.guards.Guards}.
    @ivar release: cleans up after an address that is not listened at any more.
    """

    loop: Loop
    wall: Callable[[float], float]
    make_request_id: Callable[[], str]
    dial: Callable[..., Any] = dial
    standing: Standing = attrs.field(factory=Standing, eq=False)
    kept: Kept = attrs.field(factory=Kept, eq=False)
    bind: Callable[..., Any] = bind
    reasons: dict[str, int] = attrs.field(factory=dict, eq=False)
    release: Callable[[str], None] = lambda host: None
    suspect: Callable[[str, str, str], None] = lambda member, cause, told: None
    lag: Any = None
    guards: Any = None
    rates: Rates = attrs.field(factory=Rates)
    crowd: Crowd = attrs.field(factory=Crowd)


def request_ids(
    wall: Callable[[], float], random_bytes: Callable[[int], bytes]
) -> Callable[[], str]:
    """
    A maker of ids of requests: UUIDs of version 7 (RFC 9562, 5.7), which sort by their time.

    @param wall: wall-clock seconds, now.
    """

    def made() -> str:
        number = int(wall() * 1000) & 0xFFFFFFFFFFFF
        lower = int.from_bytes(random_bytes(10), "big") & ((1 << 74) - 1)
        digits = (
            f"{number << 80 | 7 << 76 | lower >> 62 << 64 | 2 << 62 | lower & (1 << 62) - 1:032x}"
        )
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    return made
