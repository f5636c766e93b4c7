"""
Who is ejected, in a file of the state directory.

A process that begins goes on with what the one before it knew: workers serve on meanwhile, and
a member that requests fail at is not to be found out once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from fiberlb.noted import Noted

#: Of the file in the state directory.
FILE: Final = "ejected.json"
#: Seconds from a change until it is written; others come along.
DELAY: Final = 0.05


@attrs.frozen
class Ejection:
    """
    One of a member, as another process needs it.

    @ivar address: of the member, with C{port}: who is somewhere else has not failed.
    @ivar row: ejections in a row, with this one; C{total} all.
    @ivar length: seconds that it is for, since C{since}.
    @ivar since: wall-clock seconds.
    @ivar cause: what requests have failed with; C{reason} the same in a sentence.
    """

    address: str
    port: int
    row: int
    total: int
    length: float
    since: float
    cause: str
    reason: str


class Remembered:
    """
    The file.

    @param clock: has C{IReactorTime}.
    @param path: of the file; C{None}: nothing is kept.
    """

    def __init__(self, clock: Any, path: str | None = None) -> None:
        self._clock = clock
        self._noted = Noted(path)
        self._current: Callable[[], Mapping[str, Ejection]] | None = None
        self._timer: Any = None

    def read(self) -> dict[str, Ejection]:
        """Who was ejected, by member; what cannot be made sense of is not minded."""
        try:
            return {ident: _ejection(one) for ident, one in self._noted.read().items()}
        except (LookupError, ValueError, TypeError, AttributeError):
            return {}

    def note(self, current: Callable[[], Mapping[str, Ejection]]) -> None:
        """Somebody is ejected, or is not any more: written soon, with who is then."""
        if self._noted.path is None:
            return
        self._current = current
        if self._timer is None:
            self._timer = self._clock.callLater(DELAY, self.flush)

    def flush(self) -> None:
        """Write now what is to be written."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        current, self._timer, self._current = self._current, None, None
        if current is not None:
            self._noted.write({ident: attrs.asdict(e) for ident, e in current().items()})


def _ejection(said: Any) -> Ejection:
    """
    One as it was written.

    @raise TypeError: it is none.
    @raise ValueError: the same.
    """
    kinds = {"address": str, "port": int, "row": int, "total": int, "cause": str, "reason": str}
    made = Ejection(**{**said, "length": float(said["length"]), "since": float(said["since"])})
    if not all(isinstance(getattr(made, name), kind) for name, kind in kinds.items()):
        raise ValueError("another type")
    return made
