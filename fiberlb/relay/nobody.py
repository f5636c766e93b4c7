"""The side of connections that have ended."""

from __future__ import annotations

from typing import Final


class _Nobody:
    """The side of a closed connection: breaks the cycle between the two, hears everything."""

    def received(self, data: bytes) -> None:
        """Dropped."""

    def ended(self) -> None:
        """Dropped."""

    def drained(self) -> None:
        """Dropped."""

    def lost(self) -> None:
        """Dropped."""

    def connected(self) -> None:
        """Dropped."""

    def refused(self, error: int) -> None:
        """Dropped."""

    def expired(self, now: float) -> None:
        """Dropped."""


NOBODY: Final = _Nobody()
