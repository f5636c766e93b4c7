"""When a member is taken out for what requests meet there, without any check."""

from __future__ import annotations

from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, Optional, Whole, field
from fiberlb.model.quantities import Codes, Duration

_CODES = Codes()


@attrs.frozen
class Statuses:
    """Any number of HTTP statuses, C{[500, 502-504]}; the model holds inclusive ranges."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, list) and not value:
            return ()
        return _CODES.load(value, path, loading)

    def dump(self, value: Any) -> Any:
        return [low if low == high else f"{low}-{high}" for low, high in value]

    def schema(self) -> dict[str, Any]:
        return _CODES.schema()


@attrs.frozen(kw_only=True)
class PassiveHealth:
    """
    How a pool judges its members by what becomes of requests; each process counts for itself.

    @ivar consecutive_failures: in a row, after which a member is ejected.
    @ivar statuses: inclusive ranges of statuses that count as failures.
    @ivar failure_percent: of the requests of the last ten seconds; C{None}: not looked at.
    @ivar minimum_requests: fewer within them say nothing about the percentage.
    @ivar eject_for: seconds, doubled with each ejection in a row, at most ten times this.
    @ivar max_ejected_percent: of the pool's members; one of several may always be ejected,
        and never the last that serves.
    """

    consecutive_failures: int = field(Whole(1, 10000), 5)
    statuses: tuple[tuple[int, int], ...] = field(Statuses(), ())
    failure_percent: int | None = field(Optional(Whole(1, 100)), None)
    minimum_requests: int = field(Whole(1, 100000), 20)
    eject_for: float = field(Duration(), 30.0)
    max_ejected_percent: int = field(Whole(1, 100), 50)
