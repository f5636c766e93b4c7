"""
Who guesses tokens is not listened to for a while.

Two things are told apart. A client that goes on with one wrong token (it was rotated away) is
answered 429 in place of 401, and nobody else minds. An address from which many different wrong
tokens come is guessing: nothing from there is looked at until its time is over.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

import attrs

#: Failures, and different wrong tokens, that an address has in one L{SPAN}.
MOST = 10
#: Seconds after which an address begins anew.
SPAN = 60.0
#: Addresses that are remembered; the one that failed longest ago is forgotten for another.
ADDRESSES = 4096


@attrs.define
class _Failures:
    until: float
    count: int = 0
    different: set[str] = attrs.field(factory=set)


class Attempts:
    """
    Failed logins by address.

    @param now: seconds of a clock that never jumps.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, address: str) -> float:
        """For how many seconds nothing from an address is looked at; 0: it is."""
        found = self._current(network(address))
        if found is None or len(found.different) < MOST:
            return 0.0
        return found.until - self._now()

    def failed(self, address: str, digest: str) -> float:
        """
        A token from an address was wrong.

        @return: for how many seconds it had better not be tried again; 0: it may.
        """
        place = network(address)
        found = self._current(place)
        if found is None:
            found = self._failures[place] = _Failures(self._now() + SPAN)
            if len(self._failures) > ADDRESSES:
                self._failures.popitem(last=False)
        found.count += 1
        if len(found.different) < MOST:
            found.different.add(digest[-16:])
        return found.until - self._now() if found.count > MOST else 0.0

    def _current(self, place: str) -> _Failures | None:
        found = self._failures.get(place)
        if found is not None and found.until <= self._now():
            del self._failures[place]
            return None
        return found


def network(address: str) -> str:
    """What one client can choose addresses from: of IPv6 the first 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))
