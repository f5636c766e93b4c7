"""Asking every worker for answers that FiberLB made itself: for one of them, or the last ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList

from fiberlb.observe.kept import Sought
from fiberlb.workers import messages
from fiberlb.workers.seen import Seen

#: Seconds in which a worker answers; one that stands still is not waited for.
PATIENCE = 2.0
#: Characters of documents in a message, which takes 65,535 bytes.
ROOM = 60_000


class Recalling:
    """
    Asks the workers of a crew.

    @param workers: those that there are now, also those that drain.
    """

    def __init__(self, reactor: Any, workers: Callable[[], Iterable[Seen]]) -> None:
        self._reactor = reactor
        self._workers = workers

    async def recall(self, ident: str) -> dict[str, Any] | None:
        """What any worker knows of an answer of its own."""
        return await recalled(self._reactor, self._workers(), ident)

    async def recent(self, sought: Sought, most: int) -> list[dict[str, Any]]:
        """The last answers of the workers' own."""
        return await recent(self._reactor, self._workers(), sought, most)


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


async def recent(
    reactor: Any, workers: Iterable[Seen], sought: Sought, most: int
) -> list[dict[str, Any]]:
    """
    The last answers of all workers, the last one first.

    @param workers: as of L{recalled}.
    @param most: of answers.
    """
    asked = [
        Deferred.fromCoroutine(_of_one(reactor, seen, sought, most))
        for seen in workers
        if seen.alive
    ]
    results = await DeferredList(asked, consumeErrors=True)
    found = [one for done, answers in results if done for one in answers]
    found.sort(key=lambda one: one["at"] + one["times"]["total"], reverse=True)
    return found[:most]


async def _of_one(reactor: Any, seen: Seen, sought: Sought, most: int) -> list[dict[str, Any]]:
    """Those of one worker, message by message; what it does not tell in time is left out."""
    found: list[dict[str, Any]] = []
    text, more = json.dumps(attrs.asdict(sought)), True
    while more and len(found) < most:
        before = found[-1]["id"] if found else ""
        asked = seen.ask(messages.Recent, sought=text, before=before, most=most - len(found))
        answer = await asked.addTimeout(PATIENCE, reactor)
        found += json.loads(answer["found"])
        more = answer["more"]
    return found


def packed(answers: Iterable[dict[str, Any]], most: int) -> tuple[str, bool]:
    """
    As many answers as go into a message, as JSON, and whether that was not all.

    @param most: of answers.
    """
    texts: list[str] = []
    room = ROOM
    for one in answers:
        text = json.dumps(one)
        room -= len(text) + 2
        if len(texts) == most or (texts and room < 0):
            return _listed(texts), True
        texts.append(text)
    return _listed(texts), False


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"
