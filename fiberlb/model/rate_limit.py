"""How often somebody may come."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, Optional, Whole, field
from fiberlb.model.hash_on import HashOn

#: What requests are counted by where nothing else is said.
ADDRESS = HashOn("client_address")
#: The largest number of a rate, and of a burst.
MOST = 1_000_000
_SPELLED = re.compile(r"(header|cookie)\s+([!#$%&'*+.^_`|~0-9A-Za-z-]+)|path|client_address", re.I)
_RATE = re.compile(r"([0-9]{1,9})/(s|m|h|d)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@attrs.frozen
class RateKey:
    """C{key} as it is written."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        text = value.strip() if isinstance(value, str) else ""
        found = _SPELLED.fullmatch(text)
        if found is None:
            words = ("client_address", "path")
            message = 'must be client_address, "header X", "cookie x" or path'
            return loading.refuse(path, message, loading.guess(text, words))
        return HashOn(found[1].lower(), found[2]) if found[1] else HashOn(text.lower())

    def dump(self, value: Any) -> Any:
        return f"{value.kind} {value.name}".strip()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{_SPELLED.pattern})$"}


@attrs.frozen
class Rate:
    """
    So many in a time.

    @ivar count: at least 1.
    @ivar unit: C{s}, C{m}, C{h} or C{d}.
    """

    count: int
    unit: str = "s"

    @property
    def interval(self) -> float:
        """Seconds between two that come evenly."""
        return _UNITS[self.unit] / self.count


@attrs.frozen
class RateText:
    """C{100/s}, C{30/m}, C{1000/h}, C{5000/d}; C{none}, which the model holds as C{None}."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value == "none":
            return None
        found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            return loading.refuse(path, "must be a rate such as 100/s, 30/m, 1000/h or 5000/d")
        if not 1 <= int(found[1]) <= MOST:
            return loading.refuse(path, f"must be from 1 to {MOST} in its unit")
        return Rate(int(found[1]), found[2])

    def dump(self, value: Any) -> Any:
        return "none" if value is None else f"{value.count}/{value.unit}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{_RATE.pattern}|none)$"}


@attrs.frozen(kw_only=True)
class RateLimit:
    """
    How often each of those that a key tells apart may come.

    @ivar key: what tells them apart; who does not show it is counted by address.
    @ivar rate: of requests, or of connections where nothing is read; C{None}: any, whatever objects
        farther away say.
    @ivar burst: how many may come at once after a pause; C{None}: as many as C{rate} names.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    key: HashOn = field(RateKey(), ADDRESS)
    rate: Rate | None = field(RateText())
    burst: int | None = field(Optional(Whole(1, MOST)), None)

    @property
    def at_once(self) -> int:
        """The burst in force; 0 without a rate."""
        if self.rate is None:
            return 0
        return self.rate.count if self.burst is None else self.burst
