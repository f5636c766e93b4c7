"""What a process does when it cannot keep up."""

from __future__ import annotations

from typing import ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, field
from fiberlb.model.quantities import Duration

_WAIT = Duration(endless=True)


@attrs.frozen(kw_only=True)
class Overload:
    """
    From how long on whoever waits for a process has waited too long.

    Both are seconds that something ready stands in line before the process gets to it, over a
    while and not for one moment; each ends at half of it. C{None}: nothing is done.

    @ivar stop_keep_alive: answers end their connections.
    @ivar refuse: a share of what comes is turned away, as large as is needed.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    stop_keep_alive: float | None = field(_WAIT, 0.5)
    refuse: float | None = field(_WAIT, 1.0)

    def check(self, path: Path, loading: Loading) -> None:
        """The milder means comes first."""
        if self.stop_keep_alive is None or self.refuse is None:
            return
        if self.refuse < self.stop_keep_alive:
            loading.refuse((*path, "refuse"), "must not be less than stop_keep_alive")
