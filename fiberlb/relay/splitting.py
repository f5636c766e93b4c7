"""
Decisions that leave a choice of pools: splits by weight, and pools that stand in for others.

The choice is made for each request, by the plan in force: weights that were changed reach the next
one. What a client's cookie says comes first, then the weights; a pool that has nobody to serve is
not chosen while there is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fiberlb.balancing.split import Split
from fiberlb.balancing.tokens import joined, parts, token
from fiberlb.model.split import SplitPersistence
from fiberlb.relay.affinity import Memory
from fiberlb.wire.cookies import RequestCookie

#: In the place of a pool's id in the tokens: no pool has this one.
_SCOPE: Final = "split"


class SplitCookie:
    """
    What keeps a client at its pool: a cookie that holds a token of it, as those of members do.

    A pool has one token, whichever split it is in: of splits with the same cookie and the same
    pools a client sees one and the same side.

    @param pools: the ids, those of weight 0 included.
    @param weights: as many.
    """

    def __init__(
        self,
        persistence: SplitPersistence,
        pools: Sequence[str],
        weights: Sequence[int],
        memory: Memory,
        secure: bool,
    ) -> None:
        self._pools = tuple(pools)
        self._weights = tuple(weights)
        self._memory = memory
        self._name = persistence.cookie_name.encode()
        self._cookie = RequestCookie(self._name)
        ends = "; Path=/; HttpOnly; SameSite=Lax"
        if persistence.timeout_seconds is not None:
            ends += f"; Max-Age={persistence.timeout_seconds}"
        self._end = ends.encode() + (b"; Secure\r\n" if secure else b"\r\n")
        self._keys: tuple[bytes, ...] = ()
        self._places: dict[bytes, int] = {}
        self._own: tuple[bytes, ...] = ()

    def take(self, exchange: Any) -> list[bytes]:
        """What the client shows; members do not see it."""
        if self._memory.keys is not self._keys:
            self._sign()
        head: bytes = exchange.out
        found = parts(self._cookie.values(head))
        exchange.out = self._cookie.without(head)
        return found

    def place(self, presented: Sequence[bytes]) -> int:
        """Where the client belongs; -1: nowhere, or to a pool that gets nobody any more."""
        for part in presented:
            found = self._places.get(part, -1)
            if found >= 0 and self._weights[found]:
                return found
        return -1

    def setting(self, place: int, presented: Sequence[bytes]) -> bytes:
        """The field that makes the client belong there; empty: it does, or there is no key."""
        if not self._own or self._own[place] in presented:
            return b""
        others = [part for part in presented if part not in self._places]
        value = joined(self._own[place], others)
        return b"".join((b"Set-Cookie: ", self._name, b"=", value, self._end))

    def _sign(self) -> None:
        keys = self._keys = self._memory.keys
        self._places = {
            token(key, _SCOPE, pool): place
            for key in reversed(keys)
            for place, pool in enumerate(self._pools)
        }
        self._own = tuple([token(keys[0], _SCOPE, pool) for pool in self._pools]) if keys else ()


class Choice:
    """
    The pools that a decision leaves to choose from.

    @param routes: to each of them, L{fiberlb.relay.runtime.Route}.
    @param weights: as many.
    @param failover: to the pool in the place of one that has nobody to serve.
    @param cookie: what clients belong to a pool by.
    @param start: as of L{Split}.
    @param alike: what members get is the same for all of these pools.
    """

    def __init__(
        self,
        routes: Sequence[Any],
        weights: Sequence[int],
        failover: Any,
        cookie: SplitCookie | None,
        start: float,
        alike: bool = True,
    ) -> None:
        self._routes = tuple(routes)
        self._split = Split(weights, start)
        self._failover = failover
        self._cookie = cookie
        self._alike = alike

    def choose(self, exchange: Any) -> Any:
        """
        The route of a request, or of a connection.

        @param exchange: its C{out} loses our cookie, its C{set_cookie} gets one where it is due.
        """
        cookie = self._cookie
        if cookie is None:
            return self._chosen(-1)
        presented = cookie.take(exchange)
        route = self._chosen(cookie.place(presented))
        if route is not self._failover:
            # A pool that stands in is nobody's own: clients come back.
            exchange.set_cookie = cookie.setting(self._routes.index(route), presented)
        return route

    def stand_in(self, exchange: Any) -> Any:
        """
        The route in the place of the one chosen, which turned out to be of no use.

        C{None}: there is no other, or its members would have to be told something else.
        """
        failover = self._failover
        if failover is None or not self._alike or failover is exchange.route:
            return None
        if not failover.pool.able:
            return None
        if self._cookie is not None:
            exchange.set_cookie = b""
        return failover

    def _chosen(self, wanted: int) -> Any:
        """The route at a place, or at the one whose turn it is; or another, if that is no use."""
        route = self._routes[self._split.draw() if wanted < 0 else wanted]
        return route if route.pool.able else self._instead(route)

    def _instead(self, route: Any) -> Any:
        """In the place of a pool that has nobody: its own route again, if nobody has anybody."""
        failover = self._failover
        if failover is not None and failover.pool.able:
            return failover
        able = [place for place, one in enumerate(self._routes) if one.pool.able]
        other = self._split.draw_from(able)
        return route if other is None else self._routes[other]
