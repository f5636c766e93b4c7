"""
When a member counts as up or down: results of checks in, health out.

Nothing here knows the time or how a check is made, so a whole history of a
member can be tried in one line of a test.
"""

from __future__ import annotations

from enum import Enum


class Health(Enum):
    """What is known of a member."""

    UP = "up"
    DOWN = "down"
    PROBING = "probing"
    UNMONITORED = "unmonitored"


class RiseFall:
    """
    The health of one member that is checked.

    ============  =================  ==========================================
    begun with    serves meanwhile   what decides first
    ============  =================  ==========================================
    C{starting}   yes                the first result, either way
    C{joining}    no                 the first success; until then the member
                                     is down from its first failure on
    C{adopted}    yes                the first success, or C{fall} failures
    C{assumed}    as assumed         C{fall} failures or C{rise} successes
    ============  =================  ==========================================

    After that, C{fall} failures in a row take it down and C{rise} successes in
    a row bring it back.

    @ivar health: L{Health.PROBING} until the first decision, unless assumed.
    @ivar usable: whether it may be given requests.
    """

    __slots__ = ("_fall", "_first", "_rise", "_streak", "health", "usable")

    def __init__(
        self, rise: int, fall: int, health: Health, usable: bool, first: tuple[int | None, ...]
    ) -> None:
        """
        @param first: failures and successes in a row that make the first decision;
            C{None} follows C{fall} and C{rise}.
        """
        self.health = health
        self.usable = usable
        self._rise, self._fall = rise, fall
        self._first = first
        self._streak = 0

    @classmethod
    def starting(cls, rise: int, fall: int) -> RiseFall:
        """A member that is there when the balancer starts: serves, one result decides."""
        return cls(rise, fall, Health.PROBING, True, (1, 1))

    @classmethod
    def joining(cls, rise: int, fall: int) -> RiseFall:
        """A member added while others serve: serves after one success."""
        return cls(rise, fall, Health.PROBING, False, (1, 1))

    @classmethod
    def adopted(cls, rise: int, fall: int) -> RiseFall:
        """A member that served unchecked so far: one lost answer must not take it out."""
        return cls(rise, fall, Health.PROBING, True, (None, 1))

    @classmethod
    def assumed(cls, rise: int, fall: int, up: bool) -> RiseFall:
        """A member that is taken for up, or for down, until checks prove otherwise."""
        return cls(rise, fall, Health.UP if up else Health.DOWN, up, (None, None))

    def change(self, rise: int, fall: int) -> None:
        """Other thresholds from the next result on; health and the count so far stay."""
        self._rise, self._fall = rise, fall

    def result(self, success: bool) -> bool:
        """
        Take one result; returns whether it changed the health.

        What is counted is results in a row against the present health (while
        probing: failures, as a success always decides there).
        """
        if self.health is (Health.UP if success else Health.DOWN):
            self._streak = 0
            return False
        self._streak += 1
        if self._streak < self._needed(success):
            return False
        # A member that joined and has never served keeps its easy way up.
        if success or self.usable:
            self._first = (None, None)
        self.health = Health.UP if success else Health.DOWN
        self.usable = success
        self._streak = 0
        return True

    def _needed(self, success: bool) -> int:
        return self._first[success] or (self._rise if success else self._fall)
