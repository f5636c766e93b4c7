"""Asking every worker for what one of them knows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import DeferredList

from fiberlb.workers import messages
from fiberlb.workers.seen import Seen

#: Seconds in which a worker answers; one that stands still is not waited for.
PATIENCE = 2.0


async def recalled(reactor: Any, workers: Iterable[Seen], ident: str) -> dict[str, Any] | None:
    """
    What any worker knows of an answer of its own.

    @param workers: also those that drain; the answers of those that have ended are lost.
    """
    asked = [seen.ask(messages.Recall, ident=ident) for seen in workers if seen.alive]
    for each in asked:
        each.addTimeout(PATIENCE, reactor)
    results = await DeferredList(asked, consumeErrors=True)
    for done, answer in results:
        if done and answer["found"]:
            found: dict[str, Any] = json.loads(answer["found"])
            return found
    return None
