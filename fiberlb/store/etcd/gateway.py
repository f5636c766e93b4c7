"""
Asking an etcd: its members one after the other, each with a deadline for the whole answer.

The v3 API over its JSON gateway (etcd.io, "gRPC gateway"). A member that hangs costs L{PATIENCE}
seconds, then the next one is asked and stays the first choice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    DNSLookupError,
)
from twisted.internet.task import deferLater
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers

from fiberlb import __version__
from fiberlb.model.store import EtcdSettings
from fiberlb.store.etcd.bodies import Answer, Question
from fiberlb.store.etcd.security import Policy
from fiberlb.store.interface import Unavailable

T = TypeVar("T")

#: Seconds for a whole answer, from the connection on.
PATIENCE = 2.0
#: Bytes in a second that a large question or answer is expected to go at least.
PACE = 256 * 1024
#: Seconds between rounds through the members.
PAUSE = 0.2
#: Codes of gRPC.
CANCELLED, UNKNOWN, INVALID, DEADLINE, DENIED, EXHAUSTED = 1, 2, 3, 4, 7, 8
OUT_OF_RANGE, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 11, 13, 14, 16
#: Those that say nothing about whether it was done, and that another member may not give.
UNCERTAIN = frozenset({CANCELLED, UNKNOWN, DEADLINE, INTERNAL, UNAVAILABLE})
_STALE_TOKEN = ("invalid auth token", "revision of auth store is old", "auth token is not")
_HEADERS = {
    "Content-Type": ["application/json"],
    "User-Agent": [f"FiberLB/{__version__}"],
}


class Silent(Exception):
    """
    A member gave no answer, or one that says nothing; the message says why.

    @ivar sent: it may have done what it was asked for.
    """

    def __init__(self, detail: str, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class Refusal(Exception):
    """
    An etcd refuses what it was asked for; nothing was done.

    @ivar code: of gRPC.
    """

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@attrs.define
class Stream:
    """An answer that goes on; C{ended} fires at its end, with L{Silent} when it broke."""

    ended: Deferred[None]
    close: Callable[[], None]


class Gateway:
    """
    The members of one etcd.

    @param reactor: connects, and keeps the time.
    @raise Unusable: the settings' certificates cannot be read.

    @ivar current: the number of the member that is asked first.
    @ivar busy: questions under way.
    """

    def __init__(self, reactor: Any, settings: EtcdSettings) -> None:
        self.reactor = reactor
        self.endpoints = settings.endpoints
        self.current = 0
        self.busy = 0
        self._settings = settings
        self._token = ""
        policy = Policy(settings)
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = 4
        self._pool.cachedConnectionTimeout = 30
        # What was sent on a connection that breaks may have been done.
        self._pool.retryAutomatically = False
        self._agent = Agent(reactor, policy, connectTimeout=PATIENCE, pool=self._pool)
        alone = HTTPConnectionPool(reactor, persistent=False)
        self._streams = Agent(reactor, policy, connectTimeout=PATIENCE, pool=alone)

    async def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        Ask until a member answers; only for what may be done twice.

        @raise Unavailable: none did.
        @raise Refusal: one refused.
        """
        told = ""
        for attempt in range(len(self.endpoints) + 1):
            if attempt and attempt % len(self.endpoints) == 0:
                await self.pause(PAUSE)
            try:
                return await self.ask_once(path, body)
            except Silent as why:
                told = str(why)
        raise Unavailable(told)

    async def ask_once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        Ask one member; after a failure the next one is asked first.

        @raise Silent: it did not answer.
        @raise Refusal: it refused.
        """
        asked = self.current
        try:
            return await self.ask_at(asked, path, body)
        except Silent:
            self.leave(asked)
            raise

    async def ask_at(self, which: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """As L{ask_once}, of one particular member."""
        self.busy += 1
        try:
            try:
                return await self._asked(which, path, body)
            except Refusal as why:
                if not self._settings.username or not _stale(why):
                    raise
                self._token = ""
                return await self._asked(which, path, body)
        finally:
            self.busy -= 1

    def leave(self, which: int) -> None:
        """Ask that member first no more."""
        if which == self.current:
            self.current = (which + 1) % len(self.endpoints)

    def pause(self, seconds: float) -> Deferred[None]:
        """Let time go by."""
        return deferLater(self.reactor, seconds, lambda: None)

    async def stream(
        self, which: int, path: str, body: dict[str, Any], take: Callable[[bytes], object]
    ) -> Stream:
        """
        Ask one member for an answer that goes on, and is to end when the member has no leader.

        @param take: gets its bytes.
        @raise Silent: it did not answer.
        @raise Refusal: it refused.
        """
        headers = await self._headers(which)
        headers.setRawHeaders("Grpc-Metadata-hasleader", ["true"])
        response = await self._request(self._streams, which, path, body, headers)
        if response.code != 200:
            whole = await self._whole(response, which)
            raise _told(_parsed(whole), self.endpoints[which])
        answer = Answer(take)
        response.deliverBody(answer)
        where = self.endpoints[which]
        answer.ended.addErrback(lambda _: _raise(Silent(f"{where}: the stream was cut", True)))
        return Stream(answer.ended, answer.leave)

    def close(self) -> Deferred[Any]:
        """Let go of the connections."""
        done: Deferred[Any] | None = self._pool.closeCachedConnections()
        return succeed(None) if done is None else done

    async def _asked(self, which: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = await self._headers(which)
        return await self._answered(which, path, body, headers)

    async def _headers(self, which: int) -> Headers:
        made = Headers(_HEADERS)
        name = self._settings.username
        if not name:
            return made
        if not self._token:
            body = {"name": name, "password": self._settings.password}
            try:
                found = await self._answered(which, "auth/authenticate", body, made.copy())
            except Refusal as why:
                detail = f"{self.endpoints[which]}: the user {name} is refused: {why}"
                raise Refusal(UNAUTHENTICATED, detail) from None
            self._token = str(found.get("token", ""))
        made.setRawHeaders("Authorization", [self._token])
        return made

    async def _answered(
        self, which: int, path: str, body: dict[str, Any], headers: Headers
    ) -> dict[str, Any]:
        response = await self._request(self._agent, which, path, body, headers)
        found = _parsed(await self._whole(response, which))
        if response.code != 200 or "error" in found:
            raise _told(found, self.endpoints[which])
        return found

    async def _request(
        self, agent: Agent, which: int, path: str, body: dict[str, Any], headers: Headers
    ) -> Any:
        data = json.dumps(body).encode()
        where = self.endpoints[which]
        url = f"{where}/v3/{path}".encode()
        asking: Deferred[Any] = agent.request(b"POST", url, headers, Question(data))
        return await self._timed(asking, PATIENCE + len(data) / PACE, where)

    async def _whole(self, response: Any, which: int) -> bytes:
        pieces: list[bytes] = []
        answer = Answer(pieces.append)
        response.deliverBody(answer)
        length = response.length if isinstance(response.length, int) else 0
        await self._timed(answer.ended, PATIENCE + length / PACE, self.endpoints[which])
        return b"".join(pieces)

    async def _timed(self, work: Deferred[T], seconds: float, where: str) -> T:
        """The result in time; everything that goes wrong on the way is a member's silence."""
        late: list[bool] = []

        def over(result: Any, _: float) -> Any:
            late.append(True)
            raise TimeoutError

        try:
            return await work.addTimeout(seconds, self.reactor, over)
        except CancelledError:
            raise
        except Exception as why:
            if late:
                sent = not isinstance(why, ConnectingCancelledError)
                raise Silent(f"{where}: no answer in {seconds:.0f} s", sent) from None
            never = isinstance(why, (ConnectError, DNSLookupError))
            raise Silent(f"{where}: {_words(why)}", not never) from None


def _raise(why: Exception) -> None:
    raise why


def _stale(why: Refusal) -> bool:
    words = str(why)
    return why.code == UNAUTHENTICATED or any(word in words for word in _STALE_TOKEN)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        # A stream's answer to a single question is one line, perhaps wrapped.
        found = json.loads(data)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"error": "the answer is not understood"}


def _told(found: dict[str, Any], where: str) -> Exception:
    """The exception of an error's document."""
    error: Any = found.get("error", "")
    inner: dict[str, Any] = error if isinstance(error, dict) else found
    code = int(inner.get("code") or inner.get("grpc_code") or UNKNOWN)
    words = str(inner.get("message") or (error if isinstance(error, str) else "") or "no reason")
    detail = f"{where}: {words[:300]}"
    if code in UNCERTAIN:
        return Silent(detail, True)
    return Refusal(code, detail)


def _words(why: Exception) -> str:
    reasons = getattr(why, "reasons", None)
    first = reasons[0].value if reasons else why
    told = str(first) or type(first).__name__
    return told if len(told) <= 200 else told[:199] + "…"
