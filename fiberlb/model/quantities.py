"""Kinds of values that count something: time spans, sizes, ranges of statuses."""

from __future__ import annotations

import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+")


@attrs.frozen
class Duration:
    """
    A time span: C{500ms 5s 1m30s 12h 30d}; C{none} where C{endless}.

    The model holds seconds as a float, C{None} for C{none}.
    """

    endless: bool = False
    positive: bool = True

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if self.endless and (value is None or value == "none"):
            return None
        if not isinstance(value, str) or not _DURATION.fullmatch(value):
            return loading.refuse(path, "must be a duration such as 500ms, 5s, 1m30s or 12h")
        parts = re.findall(r"([0-9.]+)(ms|s|m|h|d)", value)
        # Whole milliseconds, so that what is written out is what was meant.
        seconds = round(sum(float(number) * _UNITS[unit] for number, unit in parts), 3)
        if seconds > 3650 * 86400:
            return loading.refuse(path, "must be less than ten years")
        if self.positive and seconds <= 0:
            return loading.refuse(path, "must be more than zero")
        return seconds

    def dump(self, value: Any) -> Any:
        return "none" if value is None else duration_text(value)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^(?:{_DURATION.pattern}{'|none' if self.endless else ''})$",
        }


def duration_text(seconds: float) -> str:
    """The shortest text of a duration: 90.0 is C{1m30s}."""
    left = round(seconds * 1000)
    text = ""
    for unit, size in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            text += f"{count}{unit}"
    return text or "0s"


_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


@attrs.frozen
class Size:
    """
    A number of bytes: C{64KiB}; C{none} where C{endless}. The model holds an int or C{None}.

    @ivar bare: a number without a unit is taken too, as bytes: for bounds of a few hundred.
    """

    least: int = 0
    endless: bool = False
    bare: bool = False

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if self.endless and (value is None or value == "none"):
            return None
        if self.bare and not isinstance(value, bool) and re.fullmatch("[0-9]{1,15}", str(value)):
            value = f"{value}B"
        found = (
            re.fullmatch(r"([0-9]{1,15})(B|[KMGT]iB)", value) if isinstance(value, str) else None
        )
        if found is None:
            return loading.refuse(path, "must be a size such as 512B, 64KiB or 10MiB")
        size = int(found[1]) * _SIZES[found[2]]
        if size < self.least:
            return loading.refuse(path, f"must be at least {self.least}B")
        return size

    def dump(self, value: Any) -> Any:
        if value is None:
            return "none"
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if value and value % _SIZES[unit] == 0:
                return f"{value // _SIZES[unit]}{unit}"
        return f"{value}B"

    def schema(self) -> dict[str, Any]:
        text = {
            "type": "string",
            "pattern": f"^(?:[0-9]+(?:B|[KMGT]iB){'|none' if self.endless else ''})$",
        }
        return {"anyOf": [text, {"type": "integer", "minimum": 0}]} if self.bare else text


@attrs.frozen
class Codes:
    """
    HTTP statuses: C{200-299}, C{[200, 204]} or C{"200,204,300-399"}.

    The model holds a tuple of inclusive ranges.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        words = [str(v) for v in value] if isinstance(value, list) else str(value).split(",")
        ranges = []
        for word in words:
            found = re.fullmatch(r"\s*([1-5][0-9]{2})(?:\s*-\s*([1-5][0-9]{2}))?\s*", word)
            if found is None or isinstance(value, bool):
                return loading.refuse(path, "must be statuses such as 200, 200-299 or 200,204")
            low, high = int(found[1]), int(found[2] or found[1])
            if low > high:
                return loading.refuse(path, f"{word.strip()} is an empty range")
            ranges.append((low, high))
        return tuple(ranges)

    def dump(self, value: Any) -> Any:
        return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in value)

    def schema(self) -> dict[str, Any]:
        codes = {"type": "array", "items": {"type": "integer", "minimum": 100, "maximum": 599}}
        return {"anyOf": [{"type": "string"}, {"type": "integer"}, codes]}
