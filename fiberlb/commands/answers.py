"""FiberLB's own answers as an admin API tells them: the last ones, and those that come."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from fiberlb.commands.asking import Client
from fiberlb.commands.exits import UNREACHABLE, Failed

#: How many are asked for: as many as an answer has at most.
MOST = 1000
#: Ids that are remembered, so that each is shown once.
_REMEMBERED = 20 * MOST
#: What is asked for again: times of answers are in seconds, and workers are asked one by one.
_OVERLAP = timedelta(seconds=5)

#: Asks for those that ended at a time or later; C{None}: for the last ones. The last one first.
Fetch = Callable[[str | None], list[dict[str, Any]]]


class Asking:
    """
    Asks one process, which may be away for a while after the first time.

    @param query: what is asked for; what is C{None} is not.
    """

    def __init__(self, client: Client, query: Mapping[str, str | None]) -> None:
        self._client = client
        self._query = query
        self._reached = False
        self._away = ""

    def __call__(self, since: str | None) -> list[dict[str, Any]]:
        """
        Those that ended then or later.

        @raise Failed: the process refuses it, or was never reached.
        """
        try:
            found = self._client.get("/v1/requests", limit=MOST, since=since, **self._query)
        except Failed as why:
            if not self._reached or why.code != UNREACHABLE:
                raise
            if not self._away:
                self._away = why.message
                click.echo(f"{why.message}; it is asked again until it answers", err=True)
            return []
        self._reached, self._away = True, ""
        items: list[dict[str, Any]] = found["items"]
        return items


def followed(
    fetch: Fetch,
    lines: int,
    takes: Callable[[dict[str, Any]], bool],
    pause: Callable[[], None] | None,
) -> Iterator[dict[str, Any]]:
    """
    The last answers, then those that come, in the order in which they were made.

    @param lines: how many of those that there are.
    @param takes: whether one is wanted.
    @param pause: waits a moment; C{None}: what comes later is not waited for.
    """
    seen: OrderedDict[str, None] = OrderedDict()
    latest: datetime | None = None
    left: int | None = lines
    while True:
        since = None if latest is None else (latest - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = _unseen(fetch(since), seen)
        latest = max([*map(_end, found), *([latest] if latest else [])], default=None)
        wanted = list(filter(takes, found))
        yield from wanted if left is None else wanted[max(0, len(wanted) - left) :]
        if pause is None:
            return
        left = None
        pause()


def _unseen(found: list[dict[str, Any]], seen: OrderedDict[str, None]) -> list[dict[str, Any]]:
    """Those that were not shown before, the first one first."""
    fresh = [one for one in reversed(found) if one["id"] not in seen]
    seen.update(dict.fromkeys(one["id"] for one in fresh))
    while len(seen) > _REMEMBERED:
        seen.popitem(last=False)
    return fresh


def _end(found: Mapping[str, Any]) -> datetime:
    total = timedelta(seconds=found["times"]["total"])
    return datetime.fromisoformat(found["at"]).astimezone(UTC) + total


def line(found: Mapping[str, Any]) -> str:
    """An answer in a line for people."""
    tried = ",".join(one["member"] for one in found.get("attempts") or ())
    words = [
        found["at"],
        found["listener"],
        found["client"],
        found["method"] or "-",
        found["target"] or "-",
        str(found["status"] or "-"),
        found["reason"] or "-",
        *(f"{name}={found[name]}" for name in ("policy", "pool") if found[name]),
        *([f"tried={tried}"] if tried else []),
        found["id"],
        found["detail"],
    ]
    return "".join(c if c.isprintable() else "?" for c in " ".join(filter(None, words)))
