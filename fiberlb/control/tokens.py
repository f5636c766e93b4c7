"""
Tokens that were made while FiberLB ran: in the store, beside the configuration.

What is stored is a digest: who reads the store, or a copy of it, cannot use them. The digest is a
fast one. Slow ones make the guessing of short secrets dear; these are 256 bits of chance, of
which nobody guesses any, and every request would pay.

No revision counts them, so that no rollback brings one back that was taken away.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.publish import Surroundings
from fiberlb.control.refusals import Ambiguous, Exists, NotFound, StoreAway
from fiberlb.control.shield import shielded
from fiberlb.model.access import Role, digest
from fiberlb.store.interface import Changes, Store, StoreError, UnknownOutcome
from fiberlb.turns import Turns

#: One key for each token, and one for when it was last used.
PREFIX = b"tokens/"
USES = b"token_uses/"
#: How long a use may go unwritten, in seconds: a token is used often.
USE_STEP = 300.0
#: How many there may be.
MOST = 1000
_COLLECTION = "tokens"
_FORM = re.compile(r"fiberlb_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_log = Logger()
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Token:
    """
    A token. All times are seconds since the epoch.

    @ivar id: the part of its text that may be seen.
    @ivar name: who uses it; of one token alone.
    @ivar project: the only one it is for, of faces that know projects.
    @ivar digest: of its text.
    @ivar old_digest: of the text before that, good until C{old_until}.
    @ivar expires_at: C{None}: never.
    @ivar created_by: the name of who has made it.
    @ivar reason: why it was made, or last given a new text.
    """

    id: str
    name: str
    role: Role
    digest: str = attrs.field(repr=False)
    created_at: float
    created_by: str
    project: str | None = None
    expires_at: float | None = None
    rotated_at: float | None = None
    old_digest: str | None = attrs.field(default=None, repr=False)
    old_until: float | None = None
    reason: str = ""

    def good(self, made: str, now: float) -> bool:
        """Whether a digest is that of a text of this token that is valid now."""
        current = hmac.compare_digest(self.digest, made)
        old = hmac.compare_digest(self.old_digest or "", made)
        in_grace = self.old_until is not None and now < self.old_until
        return self.valid(now) and (current or (old and in_grace))

    def valid(self, now: float) -> bool:
        """Whether its time is not over."""
        return self.expires_at is None or now < self.expires_at


def encode(token: Token) -> bytes:
    """The document of a token."""
    document = attrs.asdict(token)
    document["role"] = token.role.value
    return json.dumps(document, separators=(",", ":")).encode()


def decode(value: bytes) -> Token | None:
    """The token of a document; C{None}: it is not understood."""
    try:
        found = json.loads(value)
        found["role"] = Role(found["role"])
        return Token(**found)
    except (ValueError, KeyError, TypeError):
        return None


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


class Tokens:
    """
    The tokens of this store.

    @param store: shared with other nodes, or this node's own.
    @param randomness: from the system.
    """

    def __init__(
        self, store: Store, surroundings: Surroundings, randomness: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._surroundings = surroundings
        self._randomness = randomness
        self._lock = Turns()
        self._tokens: dict[str, Token] = {}
        self._uses: dict[str, float] = {}
        self._stop: Callable[[], None] = lambda: None

    # Reading.

    @property
    def some(self) -> bool:
        """Whether there are any, expired ones included: their time was not to open anything."""
        return bool(self._tokens)

    @property
    def every(self) -> list[Token]:
        """All of them, in the order in which they were made."""
        return sorted(self._tokens.values(), key=lambda one: (one.created_at, one.id))

    def used(self, ident: str) -> float | None:
        """When a token was last used; C{None}: never, as far as is known."""
        return self._uses.get(ident)

    def find(self, word: str) -> Token:
        """
        The token of an id or name.

        @raise NotFound: there is none.
        @raise Ambiguous: nodes have made several at the same time.
        """
        if word in self._tokens:
            return self._tokens[word]
        found = [one for one in self._tokens.values() if one.name == word]
        if not found:
            raise NotFound(_COLLECTION, word)
        if len(found) > 1:
            raise Ambiguous(_COLLECTION, word, [one.id for one in found])
        return found[0]

    def match(self, text: str) -> Token | None:
        """The token that a text is, and that is valid now; C{None}: it is none."""
        form = _FORM.fullmatch(text)
        found = self._tokens.get(form[1]) if form is not None else None
        now = self._surroundings.wall()
        if found is None or not found.good(digest(text), now):
            return None
        self._note_use(found.id, now)
        return found

    def _note_use(self, ident: str, now: float) -> None:
        if now - self._uses.get(ident, -USE_STEP) < USE_STEP:
            return
        self._uses[ident] = now
        done = Deferred.fromCoroutine(self._store.commit({}, {_use(ident): b"%d" % now}))
        # It is told from memory; who reads it after a restart gets an older one.
        done.addErrback(lambda why: why.trap(StoreError) and None)

    # Changing.

    def create(
        self,
        name: str,
        role: Role,
        project: str | None,
        expires_at: float | None,
        author: str,
        reason: str = "",
        dry_run: bool = False,
    ) -> Deferred[tuple[Token, str]]:
        """
        Make one.

        @param author: the name of who asks for it.
        @param reason: why, for the log and with the token.
        @param dry_run: everything but storing it; its text is good for nothing.
        @return: it, and its text, which nobody can tell again.
        @raise Exists: one is called that, or there are too many.
        @raise StoreAway: there is none, or that is not known.
        """

        async def work() -> tuple[Token, str]:
            if any(one.name == name for one in self._tokens.values()):
                raise Exists(f"a token is called {name!r} already")
            if len(self._tokens) >= MOST:
                raise Exists(f"there are {MOST} tokens already, which is the most")
            ident = self._surroundings.make_id().replace("-", "")[-16:]
            text = self._text(ident)
            made = Token(
                id=ident,
                name=name,
                role=role,
                digest=digest(text),
                created_at=self._surroundings.wall(),
                created_by=author,
                project=project,
                expires_at=expires_at,
                reason=reason,
            )
            if not dry_run:
                await self._put(made, {_key(ident): 0})
                told = "Token {name} ({role}) was made by {by}{why}"
                _log.info(told, name=name, role=role.value, by=author, why=_why(reason))
            return made, text

        return self._in_turn(work)

    def rotate(
        self, word: str, grace: float, author: str, reason: str = "", dry_run: bool = False
    ) -> Deferred[tuple[Token, str]]:
        """
        Give a token a new text.

        @param grace: seconds for which the one that it has stays good.
        @param reason: why, for the log and with the token.
        @param dry_run: everything but storing it; the text is good for nothing.
        @return: it, and the new text.
        @raise NotFound: there is none.
        @raise StoreAway: nothing has changed, or that is not known.
        """

        async def work() -> tuple[Token, str]:
            old = self.find(word)
            now, text = self._surroundings.wall(), self._text(old.id)
            made = attrs.evolve(
                old,
                digest=digest(text),
                rotated_at=now,
                old_digest=old.digest if grace else None,
                old_until=now + grace if grace else None,
                reason=reason or old.reason,
            )
            if not dry_run:
                await self._put(made, {})
                told = "Token {name} was rotated by {by}{why}"
                _log.info(told, name=old.name, by=author, why=_why(reason))
            return made, text

        return self._in_turn(work)

    def delete(self, word: str, author: str, reason: str = "") -> Deferred[None]:
        """
        Take a token away, at once.

        @param reason: why, for the log.
        @raise NotFound: there is none.
        @raise StoreAway: it is still there, or that is not known.
        """

        async def work() -> None:
            found = self.find(word)
            await self._commit({}, {_key(found.id): None, _use(found.id): None})
            self._tokens.pop(found.id, None)
            self._uses.pop(found.id, None)
            told = "Token {name} was taken away by {by}{why}"
            _log.info(told, name=found.name, by=author, why=_why(reason))

        return self._in_turn(work)

    def _text(self, ident: str) -> str:
        secret = base64.urlsafe_b64encode(self._randomness(32)).decode().rstrip("=")
        return f"fiberlb_{ident}_{secret}"

    async def _put(self, made: Token, expect: Mapping[bytes, int]) -> None:
        await self._commit(expect, {_key(made.id): encode(made)})
        self._tokens[made.id] = made

    async def _commit(
        self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]
    ) -> None:
        try:
            await self._store.commit(expect, puts)
        except StoreError as why:
            raise StoreAway(str(why), isinstance(why, UnknownOutcome)) from None

    def _in_turn(self, work: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> Deferred[T]:
        return shielded(self._locked(work))

    async def _locked(self, work: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> T:
        await self._lock.acquire()
        try:
            return await work()
        finally:
            self._lock.release()

    # Following the store.

    def load(self) -> Deferred[None]:
        """
        Read them, and follow the store from then on.

        @raise StoreAway: the store cannot be read; what was known stays.
        """
        return self._in_turn(self._load)

    async def _load(self) -> None:
        try:
            at, entries = await self._store.load(PREFIX)
            _, uses = await self._store.load(USES)
        except StoreError as why:
            raise StoreAway(str(why)) from None
        self._tokens.clear()
        for key, (value, _) in entries.items():
            self._take(key, value)
        for key, (value, _) in uses.items():
            self._take_use(key, value)
        self._stop()
        self._stop = self._store.watch(at, self._heard, self._later)

    def stop(self) -> None:
        """Follow the store no more."""
        self._stop()
        self._stop = lambda: None

    def _heard(self, at: int, changes: Changes) -> None:
        for key, value in changes:
            if key.startswith(PREFIX):
                self._take(key, value)
            elif key.startswith(USES) and value is not None:
                self._take_use(key, value)

    def _take(self, key: bytes, value: bytes | None) -> None:
        ident = key[len(PREFIX) :].decode("utf-8", "replace")
        found = None if value is None else decode(value)
        if found is not None and found.id == ident:
            self._tokens[ident] = found
            return
        self._tokens.pop(ident, None)
        if value is not None:
            _log.error("Token {ident} is not understood: nobody is let in by it", ident=ident)

    def _take_use(self, key: bytes, value: bytes) -> None:
        ident = key[len(USES) :].decode("utf-8", "replace")
        if ident in self._tokens and value.isdigit():
            self._uses[ident] = max(float(value), self._uses.get(ident, 0.0))

    def _later(self) -> None:
        def failed(why: Any) -> None:
            _log.failure("the tokens could not be read", failure=why)

        self.load().addErrback(failed)


def _key(ident: str) -> bytes:
    return PREFIX + ident.encode()


def _use(ident: str) -> bytes:
    return USES + ident.encode()
