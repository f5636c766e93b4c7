"""What objects are called in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fiberlb.model.resource import Resource


def words(objects: Iterable[Resource]) -> dict[str, str]:
    """
    The word of each object by its id: its name, or the id where that tells it from no other.

    Prometheus takes no page on which two samples are called the same.
    """
    several = list(objects)
    times = Counter(made.name for made in several)
    return {m.id: m.name if m.name and times[m.name] == 1 else m.id for m in several}
