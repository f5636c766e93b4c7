"""
One watch of an etcd: a stream that is opened again wherever it ends, until it is stopped.

What it says is put together to whole revisions, and told in turn. A stream may fall silent without
an end: a member that is frozen, or cut off. So the member that it comes from is asked now and then
what it has, and when that is more than the stream has said, or nothing, another stream is opened.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from fiberlb.store.etcd.documents import (
    Keyspace,
    Pair,
    number,
    octets,
    pairs,
    ranged,
    revision,
    unpacked,
    was_moved,
)
from fiberlb.store.etcd.gateway import OUT_OF_RANGE, PATIENCE, Gateway, Refusal, Silent, Stream
from fiberlb.store.etcd.large import Large
from fiberlb.store.etcd.lines import Lines
from fiberlb.store.etcd.reading import decided
from fiberlb.store.interface import Changes, OnRevision, StoreError

#: Seconds between attempts to open a stream, while none can be.
AGAIN = 0.5

#: Of one revision: what changed, or the pair of a large commit, whose changes are elsewhere.
News = tuple[int, Changes | Pair]


class Watch:
    """
    A position in the past of an etcd, moving forward.

    @ivar active: neither stopped nor ended by a reset.
    @ivar seen: the newest revision that was said.
    @ivar endpoint: the member that the stream comes from; C{None}: there is no stream.
    """

    _log = Logger()

    def __init__(
        self,
        gateway: Gateway,
        keys: Keyspace,
        large: Large,
        clock: IReactorTime,
        held: Callable[[], bool],
        report: Callable[[Watch, str], None],
        position: int,
        on_revision: OnRevision,
        on_reset: Callable[[], None],
    ) -> None:
        """
        @param clock: tells the news in turn.
        @param held: whether news has to wait; whoever says so calls L{wake} afterwards.
        @param report: told why there is no stream, and the empty text when there is one.
        @param position: the revision known already.
        """
        self.active = True
        self.seen = position
        self.endpoint: int | None = None
        self._gateway = gateway
        self._keys = keys
        self._large = large
        self._clock = clock
        self._held = held
        self._report = report
        self._on_revision = on_revision
        self._on_reset = on_reset
        self._news: deque[News | None] = deque()
        self._telling: IDelayedCall | None = None
        self._reading = False
        self._stream: Stream | None = None
        self._attempt = 0
        self._timer: IDelayedCall | None = None
        self._greeted = False
        self._open()

    @property
    def quiet(self) -> bool:
        """Whether there is a stream, and everything that it said was told."""
        return self._greeted and not self._news and not self._reading

    def stop(self) -> None:
        """Call nothing any more."""
        self.active = False
        self._news.clear()
        self._leave()
        if self._telling is not None and self._telling.active():
            self._telling.cancel()

    # The stream.

    def reopen(self) -> None:
        """Have another stream, from another member where there is one."""
        if self.active:
            if self.endpoint is not None:
                self._gateway.leave(self.endpoint)
            self._leave()
            self._open()

    def _leave(self) -> None:
        """What still comes from the stream, or from an attempt at one, is nothing any more."""
        self._attempt += 1
        self._greeted = False
        self.endpoint = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _open(self) -> None:
        attempt = self._attempt
        self.endpoint = self._gateway.current
        Deferred.fromCoroutine(self._opened(attempt)).addErrback(self._failed, attempt)

    async def _opened(self, attempt: int) -> None:
        first, end = self._keys.watched
        create = ranged(first, end, start_revision=str(self.seen + 1))
        lines = Lines()
        late = self._gateway.reactor.callLater(2 * PATIENCE, self._late, attempt)
        self._timer = late

        def take(data: bytes) -> None:
            for line in lines.take(data):
                if attempt == self._attempt:
                    self._heard(json.loads(line))

        which = self.endpoint or 0
        stream = await self._gateway.stream(which, "watch", {"create_request": create}, take)
        if attempt != self._attempt:
            stream.ended.addErrback(lambda _: None)
            stream.close()
            return
        self._stream = stream
        await stream.ended
        self._broken(attempt, Silent("the stream has ended", True))

    def _late(self, attempt: int) -> None:
        self._broken(attempt, Silent("no stream in time", True))

    def _failed(self, why: Any, attempt: int) -> None:
        self._broken(attempt, why.value)

    def _broken(self, attempt: int, why: BaseException) -> None:
        """Try again, a little later."""
        if attempt != self._attempt or not self.active:
            return
        if not isinstance(why, (Silent, Refusal, StoreError)):
            self._log.failure("A watch broke, and is opened anew")
        self._report(self, str(why) or type(why).__name__)
        if self.endpoint is not None:
            self._gateway.leave(self.endpoint)
        self._leave()
        self._timer = self._gateway.reactor.callLater(AGAIN, self._open)

    # What it says.

    def _heard(self, message: Mapping[str, Any]) -> None:
        result = message.get("result")
        if result is None:
            self._broken(self._attempt, Silent(str(message.get("error")), True))
            return
        if result.get("canceled"):
            self._canceled(result)
            return
        if result.get("created"):
            self._created(revision(result))
        self._take(result.get("events", ()))

    def _canceled(self, result: Mapping[str, Any]) -> None:
        if number(result, "compact_revision"):
            self._lose()
        else:
            self._broken(self._attempt, Silent(str(result.get("cancel_reason")), True))

    def _created(self, at: int) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._report(self, "")
        if at >= self.seen:
            self._greeted = True
            return
        # The member lags behind, or the etcd was restored from a backup.
        attempt = self._attempt
        Deferred.fromCoroutine(self._compare(attempt)).addErrback(self._failed, attempt)

    async def _compare(self, attempt: int) -> None:
        request = ranged(self._keys.pending, count_only=True)
        at = revision(await self._gateway.ask("kv/range", request))
        if attempt == self._attempt:
            self._greeted = True
            if at < self.seen:
                self._lose()

    def _take(self, events: Any) -> None:
        """Events, those of one revision together."""
        found: dict[int, list[Mapping[str, Any]]] = {}
        for event in events:
            found.setdefault(number(event["kv"], "mod_revision"), []).append(event)
        for at, several in found.items():
            if at <= self.seen:
                continue
            self.seen = at
            news = self._of(several)
            if news:
                self._news.append((at, news))
        self.wake()

    def _of(self, events: list[Mapping[str, Any]]) -> Changes | Pair | None:
        changes: list[tuple[bytes, bytes | None]] = []
        for event in events:
            pair, gone = event["kv"], event.get("type") == "DELETE"
            name = octets(pair, "key")
            if name == self._keys.applied:
                return None  # told already, as what its commit did
            if name == self._keys.pending and not gone and decided(pair):
                return dict(pair)
            key = self._keys.key(name)
            if key is not None and not (not gone and was_moved(pair)):
                changes.append((key, None if gone else unpacked(pair)[0]))
        return changes

    def _lose(self) -> None:
        """What came since is no longer there: the watch ends after what was said."""
        self._leave()
        self._news.append(None)
        self.wake()

    # Telling it.

    def wake(self) -> None:
        """Tell what there is, in turn."""
        waiting = self._telling is not None and self._telling.active()
        if self.active and self._news and not waiting and not self._reading and not self._held():
            self._telling = self._clock.callLater(0, self._tell)

    def _tell(self) -> None:
        while self.active and self._news and not self._reading and not self._held():
            news = self._news.popleft()
            if news is None:
                self._reset()
            elif isinstance(news[1], dict):
                self._fetch(news[0], news[1])
            else:
                self._hand_out(news[0], news[1])  # type: ignore[arg-type]

    def _hand_out(self, at: int, changes: Changes) -> None:
        try:
            self._on_revision(at, changes)
        except Exception:
            self._log.failure("What watches the store failed at revision {at}", at=at)

    def _reset(self) -> None:
        self.stop()
        try:
            self._on_reset()
        except Exception:
            self._log.failure("What watches the store failed at a reset")

    def _fetch(self, at: int, pending: Pair) -> None:
        """What a large commit did is elsewhere."""
        self._reading = True
        Deferred.fromCoroutine(self._fetched(at, pending)).addErrback(
            lambda why: self._log.failure("A watch broke", why)
        )

    async def _fetched(self, at: int, pending: Pair) -> None:
        changes: Changes | None = None
        while self.active and changes is None:
            try:
                changes = await self._large.changes(pending)
            except Refusal as why:
                if why.code != OUT_OF_RANGE:
                    raise
                self._reading = False
                self._news.clear()
                self._lose()
                return
            except StoreError:
                await self._gateway.pause(AGAIN)
        self._reading = False
        if self.active and changes is not None:
            self._hand_out(at, changes)
            self.wake()


async def newest(gateway: Gateway, keys: Keyspace, endpoint: int) -> int:
    """
    The revision of the newest entry that a member has.

    @raise Silent: it does not answer.
    """
    first, end = keys.watched
    order = {"sort_order": "DESCEND", "sort_target": "MOD", "limit": "1"}
    request = ranged(first, end, keys_only=True, serializable=True, **order)
    found = pairs(await gateway.ask_at(endpoint, "kv/range", request))
    return number(found[0], "mod_revision") if found else 0
