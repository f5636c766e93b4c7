"""
Memory given back to the system after a crowd has gone.

The C library keeps what is freed between pieces that are still in use. After
thousands of TLS connections that is nearly all they had: it would be used
again, but by nobody else.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

#: So many connections must have gone, and half of all that there were: below that the look
#: through all free memory, some milliseconds, brings little, and ordinary ups and downs pass.
LEAST = 500


class Trimming:
    """
    When to give memory back.

    @param trim: gives it back.
    """

    def __init__(self, trim: Callable[[], object]) -> None:
        self._trim = trim
        self._most = 0

    def look(self, connections: int) -> None:
        """Take note of how many connections there are now; call it several times a second."""
        if connections > self._most:
            self._most = connections
        elif self._most - connections >= max(LEAST, self._most // 2):
            self._most = connections
            self._trim()


def system_trim() -> Callable[[], object]:
    """What gives freed memory back here: C{malloc_trim} of glibc, nothing on other systems."""
    try:
        release = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return lambda: None
    return lambda: release(0)
