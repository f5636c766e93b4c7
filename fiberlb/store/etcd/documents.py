"""
What FiberLB keeps in an etcd, and how: keys, values, and the parts of a request.

::

    PREFIX entries/KEY         a key of the store and its value
    PREFIX entries.pending     a commit too large for one transaction, see L{large}
    PREFIX entries.applied     says in a transaction that it only puts such a commit in its place
    PREFIX staged/ID/N         a part of such a commit
    PREFIX writers/NAME        the last commit of one process, see L{writer}

A value begins with C{.}, or with C{z} when the rest is compressed. C{@N} before that says that
the store revision which wrote it is N: it was moved to its place later.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from fiberlb.store.engine import end_of
from fiberlb.store.interface import Entry, TooLarge, Unusable

#: Of one value as it is kept, in bytes: an etcd takes 1.5 MB in one request.
VALUE_LIMIT = 1024 * 1024
#: Values from this size on are kept compressed.
COMPRESSED = 64 * 1024
#: What bounds an expanded value, whatever it says of itself.
_EXPANDED = 64 * 1024 * 1024
_VALUE = re.compile(rb"(?:@(\d{1,19}))?([.z])", re.S)

Request = dict[str, Any]
Pair = Mapping[str, Any]


@attrs.frozen
class Keyspace:
    """The keys below one prefix."""

    prefix: bytes

    @property
    def pending(self) -> bytes:
        """The key of the large commit under way."""
        return self.prefix + b"entries.pending"

    @property
    def applied(self) -> bytes:
        """The key that marks transactions which put one in its place."""
        return self.prefix + b"entries.applied"

    @property
    def watched(self) -> tuple[bytes, bytes]:
        """Where all is that a watch must know: the first key, and the one after the last."""
        return self.prefix + b"entries.", self.prefix + b"entries0"

    def entry(self, key: bytes) -> bytes:
        """Where a key of the store is."""
        return self.prefix + b"entries/" + key

    def key(self, entry: bytes) -> bytes | None:
        """The key of the store that is there; C{None}: none is."""
        start = self.prefix + b"entries/"
        return entry[len(start) :] if entry.startswith(start) else None

    def below(self, prefix: bytes) -> tuple[bytes, bytes]:
        """Where keys of the store are that begin like this."""
        first = self.entry(prefix)
        return first, end_of(first) or b"\0"

    def staged(self, ident: str, number: int | None = None) -> bytes:
        """Where parts of a large commit are."""
        part = b"" if number is None else b"%06d" % number
        return self.prefix + b"staged/" + ident.encode() + b"/" + part

    def writer(self, name: str) -> bytes:
        """Where a process notes its last commit."""
        return self.prefix + b"writers/" + name.encode()


def text(data: bytes) -> str:
    """Bytes as the JSON of an etcd has them."""
    return base64.b64encode(data).decode()


def octets(pair: Pair, name: str) -> bytes:
    """A field of bytes; what is empty is left out of the JSON."""
    return base64.b64decode(pair.get(name, ""))


def number(pair: Pair, name: str) -> int:
    """A field with a number; zero is left out of the JSON."""
    return int(pair.get(name, 0))


def revision(answer: Pair) -> int:
    """The store revision that an answer is of."""
    return number(answer.get("header", {}), "revision")


def pairs(answer: Pair) -> list[Pair]:
    """The keys and values that an answer, or a part of one, holds."""
    found: list[Pair] = answer.get("response_range", answer).get("kvs", [])
    return found


def packed(value: bytes, at: int = 0) -> bytes:
    """
    A value as it is kept.

    @param at: the store revision that wrote it, if it is not that of the transaction.
    @raise TooLarge: for an etcd.
    """
    mark = b"@%d" % at if at else b""
    body = b"." + value
    if len(value) >= COMPRESSED:
        body = min(body, b"z" + zlib.compress(value, 6), key=len)
    if len(body) > VALUE_LIMIT:
        raise TooLarge(len(body), VALUE_LIMIT)
    return mark + body


def unpacked(pair: Pair) -> Entry:
    """
    The value of a pair, and the store revision that wrote it.

    @raise Unusable: it is none of ours.
    """
    raw = octets(pair, "value")
    found = _VALUE.match(raw)
    if found is None:
        raise Unusable(f"{octets(pair, 'key')!r} of the etcd is none of FiberLB's")
    value = raw[found.end() :]
    if found[2] == b"z":
        value = zlib.decompressobj().decompress(value, _EXPANDED)
    return value, int(found[1]) if found[1] else number(pair, "mod_revision")


def was_moved(pair: Pair) -> bool:
    """Whether a value was put in its place after its commit."""
    return octets(pair, "value").startswith(b"@")


def ranged(first: bytes, end: bytes | None = None, **more: Any) -> Request:
    """A request for what is from C{first} up to C{end}; without an end, for that key."""
    return {"key": text(first), **({} if end is None else {"range_end": text(end)}), **more}


def reading(request: Request) -> Request:
    """A range as a part of a transaction."""
    return {"request_range": request}


def putting(key: bytes, value: bytes, **more: Any) -> Request:
    """A write as a part of a transaction."""
    return {"request_put": {"key": text(key), "value": text(value), **more}}


def deleting(key: bytes, end: bytes | None = None) -> Request:
    """A deletion as a part of a transaction; of an absent key it does nothing."""
    return {"request_delete_range": ranged(key, end)}


def unchanged(key: bytes, mod_revision: int) -> Request:
    """The condition that a key was changed last by that revision of the etcd; 0: is not there."""
    return {
        "key": text(key),
        "target": "MOD",
        "result": "EQUAL",
        "mod_revision": str(mod_revision),
    }


def transaction(
    compare: Iterable[Request], success: Iterable[Request], failure: Iterable[Request] = ()
) -> Request:
    """One or the other, at once."""
    return {"compare": [*compare], "success": [*success], "failure": [*failure]}
