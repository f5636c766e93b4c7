"""Where the next policy of a listener goes, while policies come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fiberlb.model.l7 import L7Policy
from fiberlb.model.resource import Resource


class LastPositions:
    """
    The highest position of each listener's policies; found once, for many may come.

    @param policies: those of a listener.
    """

    def __init__(self, policies: Callable[[str], Iterable[Resource]]) -> None:
        self._policies = policies
        self._last: dict[str, int] = {}

    def of(self, listener: str) -> int:
        """The highest position; 0 of a listener without policies."""
        found = self._last.get(listener)
        if found is None:
            found = max(map(_position, self._policies(listener)), default=0)
            self._last[listener] = found
        return found

    def forget(self, listener: str) -> None:
        """Find it again when it is asked for."""
        self._last.pop(listener, None)

    def moved(self, made: Resource, before: Resource | None) -> None:
        """A policy came, or took the place of another one; other objects do not matter."""
        if isinstance(before, L7Policy):
            self.forget(before.listener_id)
        if isinstance(made, L7Policy) and made.listener_id in self._last:
            last = self._last[made.listener_id]
            self._last[made.listener_id] = max(last, _position(made))


def _position(policy: Resource) -> int:
    assert isinstance(policy, L7Policy)
    return policy.position or 0
