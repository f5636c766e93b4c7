"""
Secrets at rest: an envelope around each, and the keys that open it.

Every secret is encrypted (AES-256-GCM) with a key of its own, the data key, and that one with a
key-encryption key. The first of those seals, all of them open, so that keys are exchanged by
putting a new one first and rewrapping: the data keys only, what they protect stays as it is. The
context (which field of which object) is authenticated with the secret, so that a sealed text that
was moved to another object does not open.

A sealed text is C{sealed:v1:KEY ID:WRAPPED DATA KEY:SECRET}, the last two in URL-safe base64, each
with its nonce in front and its tag behind. It may stand in any text document.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: Of key-encryption keys and data keys, in bytes.
KEY_SIZE = 32
#: In bytes; the size that GCM is fastest and safest with (NIST SP 800-38D, section 8.2.2).
NONCE_SIZE = 12
PREFIX = "sealed:v1:"


class SealError(Exception):
    """A sealed text that does not open, or a key that is none. Says nothing of any secret."""


class WrongKey(SealError):
    """
    Sealed with a key that is not among those given.

    @ivar key_id: of the missing key.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(f"sealed with the key {key_id}, which is not among the keys given")
        self.key_id = key_id


def key_id(key: bytes) -> str:
    """The name of a key, fit for logs: it tells nothing about it, and is the same everywhere."""
    return hmac.digest(key, b"fiberlb key id", "sha256")[:8].hex()


class _Key:
    """One key-encryption key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise SealError(f"a key has {KEY_SIZE} bytes, not {len(key)}")
        self.id = key_id(key)
        self.cipher = AESGCM(key)
        self.context = b"fiberlb data key/" + self.id.encode()


class Keyring:
    """
    The key-encryption keys of this process.

    @param keys: of L{KEY_SIZE} bytes each, at least one; the first seals, all of them open.
    @param randomness: so many bytes fit for keys, C{os.urandom}.
    @param path: of the file that they are from; C{None}: they are of this process alone.
    @raise SealError: no key, or one of another size.
    """

    def __init__(
        self, keys: Sequence[bytes], randomness: Callable[[int], bytes], path: str | None = None
    ) -> None:
        self.path = path
        self.randomness = randomness
        self.replace(keys)

    def replace(self, keys: Sequence[bytes]) -> None:
        """
        Have other keys from now on.

        @raise SealError: as at the beginning; the old ones stay.
        """
        if not keys:
            raise SealError("there is no key")
        made = [_Key(key) for key in keys]
        self._first = made[0]
        self._keys = {key.id: key for key in made}

    def prefer(self, ident: str) -> bool:
        """
        Seal with a key wherever it stands among the others.

        @return: whether it is there; otherwise nothing has changed.
        """
        found = self._keys.get(ident)
        if found is None:
            return False
        self._first = found
        self._keys = {ident: found, **self._keys}
        return True

    def __repr__(self) -> str:
        return f"<Keyring {' '.join(self._keys)}>"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names of the keys, fit for logs; the one that seals comes first."""
        return tuple(self._keys)

    def seal(self, plain: bytes, context: bytes) -> str:
        """
        Encrypt a secret.

        @param context: what it belongs to, such as C{b"KIND/ID/FIELD"}; needed to open it.
        """
        data_key = self.randomness(KEY_SIZE)
        wrapped = self._encrypt(self._first.cipher, data_key, self._first.context)
        return self._text(wrapped, self._encrypt(AESGCM(data_key), plain, context))

    def open(self, text: str, context: bytes) -> bytes:
        """
        Decrypt a secret.

        @raise WrongKey: sealed with none of these keys.
        @raise SealError: damaged, or of another context.
        """
        key_id, wrapped, body = _parts(text)
        return _decrypt(AESGCM(self._unwrap(key_id, wrapped)), body, context)

    def stale(self, text: str) -> bool:
        """
        Whether L{rewrap} would change it.

        @raise SealError: it is no sealed text.
        """
        return _parts(text)[0] != self._first.id

    def rewrap(self, text: str) -> str:
        """
        The same secret under the first key; needs no context and never sees the secret.

        @raise WrongKey: sealed with none of these keys.
        @raise SealError: damaged.
        """
        key_id, wrapped, body = _parts(text)
        if key_id == self._first.id:
            return text
        data_key = self._unwrap(key_id, wrapped)
        return self._text(self._encrypt(self._first.cipher, data_key, self._first.context), body)

    def _unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise WrongKey(key_id)
        data_key = _decrypt(key.cipher, wrapped, key.context)
        if len(data_key) != KEY_SIZE:
            raise SealError("not a sealed text, or damaged")
        return data_key

    def _encrypt(self, cipher: AESGCM, plain: bytes, context: bytes) -> bytes:
        nonce = self.randomness(NONCE_SIZE)
        return nonce + cipher.encrypt(nonce, plain, context)

    def _text(self, wrapped: bytes, body: bytes) -> str:
        parts = [base64.urlsafe_b64encode(part).decode() for part in (wrapped, body)]
        return PREFIX + ":".join([self._first.id, *parts])


#: A sealed text wherever it stands in a document; the group is the key's id.
SEALED = re.compile(rb"sealed:v1:([0-9a-f]{16}):[A-Za-z0-9_=-]+:[A-Za-z0-9_=-]+")


def is_sealed(text: str) -> bool:
    """Whether C{text} looks like one of L{Keyring.seal}."""
    return text.startswith(PREFIX)


def _parts(text: str) -> tuple[str, bytes, bytes]:
    """The key's id, the wrapped data key and the encrypted secret."""
    if is_sealed(text) and text.count(":") == 4:
        key_id, wrapped, body = text[len(PREFIX) :].split(":")
        try:
            return key_id, _decode(wrapped), _decode(body)
        except (ValueError, binascii.Error):
            pass
    raise SealError("not a sealed text, or damaged")


def _decode(text: str) -> bytes:
    return base64.b64decode(text, altchars=b"-_", validate=True)


def _decrypt(cipher: AESGCM, body: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(body[:NONCE_SIZE], body[NONCE_SIZE:], context)
    except (InvalidTag, ValueError):
        # From nothing: the cause's frames hold the data key.
        raise SealError("does not open: damaged, or moved here from another object") from None
