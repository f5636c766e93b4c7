"""
The keys of an identity provider (RFC 7517): fetched when they are needed, kept while they are good.

A provider that is away changes nothing: the last keys stay. A token with a key that is not known
has them fetched again, but not more often than every L{BETWEEN} seconds, whoever invents names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import attrs
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from twisted.internet.defer import Deferred

from fiberlb.guards.web import Answer, Ask, Unanswered

#: Seconds for one answer, and its octets at most; keys that are taken of it.
PATIENCE: Final = 10.0
MOST: Final = 262144
MOST_KEYS: Final = 100
#: Seconds for which keys are not looked at again.
LASTING: Final = 300.0
#: Seconds between two questions.
BETWEEN: Final = 10.0
#: Bits of a key of RSA (RFC 7518, 3.3).
_LEAST_RSA: Final = 2048
_RSA: Final = frozenset("RS256 RS384 RS512 PS256 PS384 PS512".split())
#: Kind of a key and its curve -> what it can have signed. Nothing that needs a shared secret.
_ALGORITHMS: Final = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}


@attrs.frozen
class Key:
    """
    One key.

    @ivar kid: its name; C{None}: it has none.
    @ivar algorithms: that it is for.
    """

    kid: str | None
    algorithms: frozenset[str]
    public: Any


def keys_of(text: bytes) -> tuple[Key, ...]:
    """
    The keys of a document that can be used, of others nothing.

    @raise ValueError: it is no set of keys.
    """
    try:
        found = json.loads(text)
        listed = found["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("is no set of keys") from None
    if not isinstance(listed, list):
        raise ValueError("is no set of keys")
    made = [_key(one) for one in listed[:MOST_KEYS] if isinstance(one, dict)]
    return tuple([key for key in made if key is not None])


def _key(one: dict[str, Any]) -> Key | None:
    kind, curve, kid = one.get("kty"), one.get("crv"), one.get("kid")
    fits = _RSA if kind == "RSA" else _ALGORITHMS.get((str(kind), str(curve)))
    if fits is None or one.get("use", "sig") != "sig" or "d" in one:
        return None
    named = one.get("alg")
    if named is not None:
        fits = fits & {named} if isinstance(named, str) else frozenset()
    if not fits:
        return None
    try:
        public = PyJWK(one, algorithm=min(fits)).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if kind == "RSA" and public.key_size < _LEAST_RSA:
        return None
    return Key(kid if isinstance(kid, str) else None, fits, public)


class KeySet:
    """
    Those of one address.

    @param now: seconds, monotonic.
    @param warn: told of an address that gives no keys, and why.
    @ivar keys: the last good ones.
    """

    def __init__(
        self, url: str, ask: Ask, now: Callable[[], float], warn: Callable[[str, str], None]
    ) -> None:
        self.keys: tuple[Key, ...] = ()
        self._url = url
        self._ask = ask
        self._now = now
        self._warn = warn
        self._good_at = float("-inf")
        self._asked_at = float("-inf")
        self._waiting: list[Deferred[None]] = []
        self._asking = False

    def fitting(self, kid: str | None, algorithm: str) -> list[Key]:
        """The keys that a token may have been signed with."""
        return [
            key
            for key in self.keys
            if algorithm in key.algorithms and (kid is None or key.kid == kid)
        ]

    def refreshed(self) -> Deferred[None] | None:
        """Keys may be had soon; C{None}: they were asked for a moment ago."""
        if not self._asking and self._now() - self._asked_at < BETWEEN:
            return None
        mine: Deferred[None] = Deferred()
        self._waiting.append(mine)
        self._begin()
        return mine

    def look(self) -> None:
        """Have old keys looked at again; those there are serve meanwhile."""
        now = self._now()
        if now - self._good_at > LASTING and now - self._asked_at >= BETWEEN:
            self._begin()

    def _begin(self) -> None:
        if self._asking:
            return
        self._asking = True
        self._asked_at = self._now()
        done = self._ask(self._url, [(b"Accept", b"application/json")], MOST, PATIENCE)
        done.addCallback(self._take).addErrback(self._failed)
        done.addBoth(self._told)

    def _take(self, answer: Answer) -> None:
        if answer.status != 200:
            raise Unanswered(f"has answered with status {answer.status}")
        found = keys_of(answer.body)
        if not found:
            raise ValueError("has no key that could be used")
        self.keys = found
        self._good_at = self._now()

    def _failed(self, why: Any) -> None:
        self._warn(self._url, why.getErrorMessage())

    def _told(self, result: Any) -> None:
        self._asking = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:
                one.callback(None)
