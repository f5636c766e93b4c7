"""The copy of a shared store on the disk of a node: what it served last."""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping

import attrs

from fiberlb.store.files import settle
from fiberlb.store.interface import Entry

NAME = "store-copy"
_FORM = b"fiberlb store copy 1\n"
_NUMBER = struct.Struct("!Q")


@attrs.frozen
class Copy:
    """
    A picture of a store.

    @ivar revision: of the store.
    """

    revision: int
    entries: Mapping[bytes, Entry]


class CopyFile:
    """
    The file.

    @param path: of it; made 0600, for what is sealed in the store is sealed here as well.
    @param of: names the store; a copy of another one is none.
    """

    def __init__(self, path: str, of: str) -> None:
        self.path = path
        self._of = of.encode()

    def read(self) -> Copy | None:
        """The copy; C{None}: there is none, of another store, or damaged. Blocks."""
        try:
            with open(self.path, "rb") as file:
                content = file.read()
        except OSError:
            return None
        form, checksum, body = content[: len(_FORM)], content[len(_FORM) :][:32], content[53:]
        if form != _FORM or hashlib.sha256(body).digest() != checksum:
            return None
        fields = _fields(body)
        if next(fields, None) != self._of:
            return None
        revision = int(next(fields))
        entries: dict[bytes, Entry] = {}
        for key in fields:
            value, at = next(fields), next(fields)
            entries[key] = (value, int(at))
        return Copy(revision, entries)

    def write(self, copy: Copy) -> None:
        """
        Have this copy, whole or not at all. Blocks.

        @raise OSError: the one before it stays.
        """
        pieces = [self._of, b"%d" % copy.revision]
        for key, (value, at) in copy.entries.items():
            pieces += (key, value, b"%d" % at)
        body = b"".join(_NUMBER.pack(len(piece)) + piece for piece in pieces)
        directory = os.path.dirname(os.path.abspath(self.path))
        number, draft = tempfile.mkstemp(prefix=f".{NAME}-", dir=directory)
        try:
            with open(number, "wb") as file:
                file.write(_FORM + hashlib.sha256(body).digest() + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except BaseException:
            os.unlink(draft)
            raise
        settle(directory)


def _fields(body: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        (length,) = _NUMBER.unpack_from(body, at)
        at += _NUMBER.size
        yield body[at : at + length]
        at += length
