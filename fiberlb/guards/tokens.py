"""Tokens of identity providers (RFC 7519, RFC 8725): what makes one good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import jwt
from jwt.exceptions import (
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from fiberlb.guards.key_set import Key, KeySet
from fiberlb.guards.web import Ask
from fiberlb.model.jwt import Jwt
from fiberlb.treatment.draft import Reply

#: Seconds by which clocks may differ.
LEEWAY: Final = 30.0
#: Keys that are tried for a token that does not name one.
MOST_TRIED: Final = 4
#: No C{none}, and nothing with a shared secret: who can check such a token can make one.
ALGORITHMS: Final = frozenset("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split())

#: Good tokens that are remembered, and seconds for which they are, at most.
MOST_KNOWN: Final = 4096
LASTING: Final = 60.0

#: What becomes of a request by the claims of its token, or by what is wrong with it.
Judge = Callable[[Mapping[str, Any] | str], Reply | None]


@attrs.frozen
class _Known:
    """A good token: the keys that it was checked with, and until when it need not be again."""

    keys: tuple[Key, ...]
    until: float
    claims: dict[str, Any]


class Tokens:
    """
    Of one process.

    @param now: seconds, monotonic.
    @param wall: seconds since the epoch.
    @param warn: told of an address that gives no keys, and why.
    """

    def __init__(
        self,
        ask: Ask,
        now: Callable[[], float],
        wall: Callable[[], float],
        warn: Callable[[str, str], None],
    ) -> None:
        self._ask = ask
        self._now = now
        self._wall = wall
        self._warn = warn
        self._sets: dict[str, KeySet] = {}
        self._known: dict[tuple[Jwt, bytes], _Known] = {}

    def judged(self, wanted: Jwt, token: str, judge: Judge) -> Any:
        """What becomes of a request with a token; later, where keys have to be fetched first."""
        keys = self._of(wanted.jwks_url or "")
        keys.look()
        known = self._known.get((wanted, _digest(token)))
        if known is not None and known.keys is keys.keys and self._wall() < known.until:
            return judge(known.claims)
        named = _named(token)
        if isinstance(named, str):
            return judge(named)
        kid, algorithm = named
        if not keys.fitting(kid, algorithm):
            waiting = keys.refreshed()
            if waiting is not None:
                return waiting.addCallback(
                    lambda _: self._decided(wanted, keys, kid, algorithm, token, judge)
                )
        return self._decided(wanted, keys, kid, algorithm, token, judge)

    def _of(self, url: str) -> KeySet:
        found = self._sets.get(url)
        if found is None:
            found = self._sets[url] = KeySet(url, self._ask, self._now, self._warn)
        return found

    def _decided(
        self, wanted: Jwt, keys: KeySet, kid: str | None, algorithm: str, token: str, judge: Judge
    ) -> Reply | None:
        if not keys.keys:
            # Nobody can tell whether it is good.
            return Reply(status=503, reason="auth_failed")
        why = "its key is not known"
        for key in keys.fitting(kid, algorithm)[:MOST_TRIED]:
            found = self._claims(wanted, token, algorithm, key.public)
            if not isinstance(found, str):
                self._remember((wanted, _digest(token)), keys, found)
                return judge(found)
            why = found
        return judge(why)

    def _remember(self, key: tuple[Jwt, bytes], keys: KeySet, claims: dict[str, Any]) -> None:
        """The next request with it need not be checked, while the same keys are known."""
        self._known.pop(key, None)
        while len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        until = min(float(claims["exp"]) + LEEWAY, self._wall() + LASTING)
        self._known[key] = _Known(keys.keys, until, claims)

    def _claims(self, wanted: Jwt, token: str, algorithm: str, key: Any) -> dict[str, Any] | str:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=wanted.issuer,
                audience=list(wanted.audience) or None,
                options={
                    "require": ["exp"],
                    # By a clock that is given, below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except PyJWTError as why:
            return _word(why)
        except Exception:
            # Whatever a stranger's token can make a library do, it lets nobody in.
            return "this is no token"
        return _untimely(claims, self._wall()) or claims


def _digest(token: str) -> bytes:
    return hashlib.blake2s(token.encode()).digest()


def _named(token: str) -> tuple[str | None, str] | str:
    """The key that a token names and its algorithm, or why it is not taken."""
    try:
        head = jwt.get_unverified_header(token)
    except Exception:
        return "this is no token"
    algorithm, kid = head.get("alg"), head.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        return "its algorithm is not taken"
    if "crit" in head or head.get("b64", True) is not True:
        return "it asks for what is not known"
    return (kid if isinstance(kid, str) else None), algorithm


def _untimely(claims: dict[str, Any], now: float) -> str:
    """What is wrong with its times; empty: nothing."""
    ends, begins = claims.get("exp"), claims.get("nbf", 0)
    for moment in (ends, begins):
        if isinstance(moment, bool) or not isinstance(moment, (int, float)):
            return "its times are no numbers"
    if not now < float(ends or 0) + LEEWAY:
        return "it has expired"
    return "" if float(begins) - LEEWAY <= now else "it is not valid yet"


_WORDS: Final = (
    (InvalidSignatureError, "its signature is wrong"),
    (InvalidIssuerError, "it is of another issuer"),
    (InvalidAudienceError, "it is for another audience"),
    (MissingRequiredClaimError, "a claim is missing"),
)


def _word(why: PyJWTError) -> str:
    return next((word for kind, word in _WORDS if isinstance(why, kind)), "this is no token")
