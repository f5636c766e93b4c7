"""
Passwords are checked in threads, a few at a time and behind all traffic.

Checking one takes long on purpose: that is what the hashes are made for. So what was right is
remembered for a while, by a hash whose key nobody knows; and what waits is bounded, for all and
for each client: a flood of wrong passwords gets refusals, and nobody else waits for it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import bcrypt
from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from twisted.internet.defer import Deferred

from fiberlb.treatment.draft import Reply

#: Checks that may wait, of all and of one client.
MOST_WAITING: Final = 64
MOST_OF_CLIENT: Final = 4
#: Threads, in each process that serves.
THREADS: Final = 2
#: What is remembered, and for how many seconds.
MOST_KNOWN: Final = 10000
LASTING: Final = 300.0
#: Stands in for the hash of an unknown user where a file has no user at all.
_NOBODY: Final = "$2b$10$abcdefghijklmnopqrstuuTcXOdJOcJ3V1xbYVGW3Cqj2B9Bb7Fum"
#: bcrypt looks at no more of a password.
_LONGEST_BCRYPT: Final = 72

#: Runs something in a thread.
Run = Callable[[Callable[[], bool | None]], Deferred[Any]]
#: What becomes of a request by whether its password is right.
Judge = Callable[[bool], Reply | None]


def matches(hashed: str, password: bytes) -> bool:
    """Whether a password is the one of a hash; takes long."""
    try:
        if hashed.startswith("$argon2id$"):
            Argon2id.verify_phc_encoded(password, hashed)
            return True
        return bcrypt.checkpw(password[:_LONGEST_BCRYPT], hashed.encode())
    except (InvalidKey, UnsupportedAlgorithm, ValueError):
        return False


def behind() -> None:
    """Let everything else go before this thread; where that cannot be said it is as others are."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class Passwords:
    """
    Of one process.

    @param now: seconds, monotonic.
    @param secret: the key of what is remembered.
    """

    def __init__(self, run: Run, now: Callable[[], float], secret: bytes) -> None:
        self._run = run
        self._now = now
        self._secret = secret
        #: What was right -> until when that counts; the oldest first.
        self._known: dict[bytes, float] = {}
        self._pending: dict[bytes, list[Deferred[bool]]] = {}
        self._of_client: dict[str, int] = {}

    def judged(
        self,
        client: str,
        users: Mapping[bytes, str],
        name: bytes,
        password: bytes,
        judge: Judge,
    ) -> Any:
        """
        What becomes of a request, perhaps later.

        @param client: who asks, for what one client may have waiting.
        @param users: names and hashes.
        """
        hashed = users.get(name)
        # With the hash: another file, or another line of it, and nothing of this is known any more.
        key = self._key(hashed or "", name, password)
        if hashed is not None and self._remembers(key):
            return judge(True)
        mine: Deferred[bool] = Deferred()
        result = mine.addCallback(judge)
        waiting = self._pending.get(key)
        if waiting is not None:
            waiting.append(mine)
        else:
            if len(self._pending) >= MOST_WAITING:
                return Reply(reason="overloaded")
            if self._of_client.get(client, 0) >= MOST_OF_CLIENT:
                return Reply(reason="rate_limited")
            waiting = self._pending[key] = [mine]
            self._of_client[client] = self._of_client.get(client, 0) + 1
            # The same work for a name that there is not, so that nobody can tell.
            tested = hashed or next(iter(users.values()), _NOBODY)
            self._begin(key, client, waiting, lambda: matches(tested, password) and bool(hashed))
        return result

    def _begin(
        self, key: bytes, client: str, waiting: list[Deferred[bool]], work: Callable[[], bool]
    ) -> None:
        def wanted() -> bool | None:
            # Clients that have gone are not worked for.
            return None if all(one.called for one in waiting) else work()

        self._run(wanted).addBoth(self._tested, key, client, work)

    def _tested(self, right: Any, key: bytes, client: str, work: Callable[[], bool]) -> None:
        waiting = self._pending[key]
        if right is None and not all(one.called for one in waiting):
            # Somebody has come meanwhile.
            self._begin(key, client, waiting, work)
            return
        left = self._of_client.pop(client) - 1
        if left:
            self._of_client[client] = left
        if right is True:
            while len(self._known) >= MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = self._now() + LASTING
        del self._pending[key]
        for one in waiting:
            if not one.called:
                one.callback(right) if isinstance(right, bool) else one.errback(right)

    def _remembers(self, key: bytes) -> bool:
        until = self._known.get(key)
        if until is None:
            return False
        if until > self._now():
            return True
        del self._known[key]
        return False

    def _key(self, *parts: bytes | str) -> bytes:
        made = hmac.new(self._secret, digestmod=hashlib.blake2s)
        for part in parts:
            octets = part.encode() if isinstance(part, str) else part
            made.update(len(octets).to_bytes(4, "big") + octets)
        return made.digest()
