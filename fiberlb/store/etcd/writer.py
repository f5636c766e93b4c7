"""
One transaction after the other, each with a known outcome.

Whether a transaction was done whose answer never came cannot be seen from what it wrote, and a
member that hangs may do it much later. So each process has a key of its own that all of its
transactions change, and that they expect as it is. After a silence that key is changed by itself:
either it shows that the transaction was done, or from then on it never can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from fiberlb.store.etcd.documents import (
    Keyspace,
    Pair,
    Request,
    deleting,
    number,
    octets,
    pairs,
    putting,
    ranged,
    reading,
    revision,
    transaction,
    unchanged,
)
from fiberlb.store.etcd.gateway import PAUSE, Gateway, Silent
from fiberlb.store.interface import Unavailable, UnknownOutcome

#: Attempts at one transaction, beside one for each member.
ATTEMPTS = 2
#: Seconds after which the outcome of a transaction is called unknown.
PATIENCE = 10.0


@attrs.frozen
class Outcome:
    """
    What came of a transaction.

    @ivar done: its conditions held.
    @ivar revision: of the store, at that moment.
    @ivar answers: to the questions for the case that they did not.
    """

    done: bool
    revision: int
    answers: Sequence[Pair]


class Writer:
    """
    Transactions of one process, one at a time: whoever calls sees to that.

    @param name: of the process, unlike any other, before it and after it.
    """

    def __init__(self, gateway: Gateway, keys: Keyspace, name: str) -> None:
        self._gateway = gateway
        self._key = keys.writer(name)
        self._known = 0
        self._count = 0

    async def transact(
        self,
        compare: Iterable[Request],
        success: Iterable[Request],
        failure: Iterable[Request] = (),
    ) -> Outcome:
        """
        Do it, if it can be done.

        @raise Unavailable: it was not done.
        @raise UnknownOutcome: it may be done or not.
        @raise fiberlb.store.etcd.gateway.Refusal: it was not done.
        """
        compare, success, failure = [*compare], [*success], [*failure]
        told = ""
        left = len(self._gateway.endpoints) + ATTEMPTS
        while left:
            mark = self._mark()
            try:
                answer = await self._attempt(compare, success, failure, mark)
            except Silent as why:
                left -= 1
                told = str(why)
                at = await self._settled(mark, told) if why.sent else await self._rest()
                if at:
                    return Outcome(True, at, ())
                continue
            if answer.get("succeeded"):
                self._known = revision(answer)
                return Outcome(True, self._known, ())
            first, *rest = answer["responses"]
            if self._moved(first):
                continue
            return Outcome(False, revision(answer), rest)
        raise Unavailable(told)

    async def forget(self) -> None:
        """Take this process' own key away; it wrote for the last time."""
        if self._known:
            body = {"key": deleting(self._key)["request_delete_range"]["key"]}
            await self._gateway.ask_once("kv/deleterange", body)

    async def _attempt(
        self, compare: list[Request], success: list[Request], failure: list[Request], mark: bytes
    ) -> Pair:
        body = transaction(
            [unchanged(self._key, self._known), *compare],
            [putting(self._key, mark), *success],
            [reading(ranged(self._key)), *failure],
        )
        return await self._gateway.ask_once("kv/txn", body)

    async def _settled(self, mark: bytes, told: str) -> int:
        """The revision of a transaction that got no answer; 0: it was not done, and never will."""
        end = self._gateway.reactor.seconds() + PATIENCE
        own = self._mark()
        while self._gateway.reactor.seconds() < end:
            try:
                answer = await self._attempt([], [], [], own)
            except Silent:
                await self._rest()
                continue
            if answer.get("succeeded"):
                self._known = revision(answer)
                return 0
            found = pairs(answer["responses"][0])
            value = octets(found[0], "value") if found else b""
            self._moved(answer["responses"][0])
            if value == mark:
                return self._known
            if value == own:
                return 0
            break
        raise UnknownOutcome(f"no answer to a commit ({told})")

    def _moved(self, answer: Pair) -> bool:
        """Note where this process' key is; whether it was not where it was thought to be."""
        found = pairs(answer)
        before, self._known = self._known, number(found[0], "mod_revision") if found else 0
        return before != self._known

    def _mark(self) -> bytes:
        self._count += 1
        return b"%d" % self._count

    async def _rest(self) -> int:
        await self._gateway.pause(PAUSE)
        return 0
