"""
A revision on its way to the workers: whole, in a sealed file in memory.

The file is a head and pieces of objects, each with its hash. Pieces end where
an object's id says so, so a change alters one piece and leaves the others as
they were: neither side works on them again, and the objects of a piece that
did not change are the same objects, which is what lets compiling skip them.

Both sides run the same code of the same installation (workers of another one
are never sent anything but C{Drain}), so objects are pickled; the file comes
over a socket that only this process family holds.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import attrs

from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.model.overload import Overload
from fiberlb.model.resource import Resource
from fiberlb.workers.columns import packed, unpacked

#: About so many objects make a piece, of a collection that is large and of any other one; twice as
#: many at most. What ids must end with for that: they are digits at random.
PIECE, LARGE_PIECE = 32, 256
_ENDS, _LARGE_ENDS = ("00", "20", "40", "60", "80", "a0", "c0", "e0"), ("00",)
_LARGE = 4096
#: Objects that are known already and taken in one step.
_KNOWN = 4096
#: Pieces that are written in one step.
_WRITTEN = 16
_LENGTH = struct.Struct("!Q")
_F_ADD_SEALS = 1033
_SEALS = 0x0001 | 0x0002 | 0x0004 | 0x0008  # no more seals, no shrinking, growing, writing

_id = attrgetter("id")
_Pieces = dict[bytes, tuple[Resource, ...]]


@attrs.frozen(kw_only=True)
class Revision:
    """
    What a worker needs to serve a revision.

    @ivar serial: counts what was sent to workers; greater for everything later.
    @ivar configuration: in force, without what is known of objects beside their fields.
    @ivar limits: of the process.
    @ivar overload: what a worker does when it is too slow.
    @ivar trusted: networks whose forwarded fields are believed.
    @ivar bases: listener id -> number of its base context among the template's.
    @ivar places: what is counted (L{fiberlb.workers.counting}) -> its place in the page.
    @ivar answers: what members by name are at (L{fiberlb.resolved.Answers}).
    @ivar columns: id of a listener with a limit of connections -> its column of the board.
    """

    serial: int
    configuration: Configuration
    limits: Limits
    trusted: tuple[str, ...]
    bases: Mapping[str, int]
    places: Mapping[str, int]
    columns: Mapping[str, int] = attrs.field(factory=dict)
    answers: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    overload: Overload = Overload()


def sealed(*parts: bytes) -> int:
    """The descriptor of a file in memory with this content, which nobody can change."""
    fd = os.memfd_create("fiberlb", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(fd, rest) :]
    fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
    return fd


def content(fd: int) -> bytes:
    """All of a file in memory, wherever its position is; closes the descriptor."""
    try:
        size = os.fstat(fd).st_size
        found = bytearray()
        while len(found) < size:
            found += os.pread(fd, size - len(found), len(found))
        return bytes(found)
    finally:
        os.close(fd)


def mapped(fd: int) -> memoryview:
    """
    A file in memory, to be read where it is: to copy a large one takes long.

    The descriptor is closed; the memory is given back with the last view of it.

    @raise ValueError: it is empty.
    """
    try:
        return memoryview(mmap.mmap(fd, 0, prot=mmap.PROT_READ))
    finally:
        os.close(fd)


class Encoder:
    """Revisions to files; remembers the pieces of the last one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Resource, ...], bytes, bytes]] = {}

    def encode(self, revision: Revision) -> Iterator[int | None]:
        """Yields C{None} after each step of work, then the descriptor of the sealed file."""
        known: dict[str, tuple[tuple[Resource, ...], bytes, bytes]] = {}
        index: list[tuple[str, bytes, int]] = []
        parts: list[bytes] = []
        for collection, objects in revision.configuration.objects.items():
            for piece in _pieces(tuple(objects.values())):
                found = self._known.get(piece[0].id)
                if found is None or found[0] != piece:
                    data = packed(piece)
                    found = (piece, data, hashlib.sha256(data).digest())
                known[piece[0].id] = found
                index.append((collection, found[2], len(found[1])))
                parts.append(found[1])
                yield None
        self._known = known
        bare = Configuration(revision=revision.configuration.revision)
        head = (attrs.evolve(revision, configuration=bare), list(revision.configuration.objects))
        data = pickle.dumps((*head, index), pickle.HIGHEST_PROTOCOL)
        yield from _sealed_in_steps([_LENGTH.pack(len(data)), data, *parts])


def _sealed_in_steps(parts: Sequence[bytes]) -> Iterator[int | None]:
    """As L{sealed}, for many parts."""
    fd = os.memfd_create("fiberlb", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    for start in range(0, len(parts), _WRITTEN):
        rest = memoryview(b"".join(parts[start : start + _WRITTEN]))
        while rest:
            rest = rest[os.write(fd, rest) :]
        yield None
    fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
    yield fd


def _pieces(objects: Sequence[Resource]) -> Iterator[tuple[Resource, ...]]:
    """Cut a collection after every object whose id says so."""
    count = len(objects)
    size, ends = (LARGE_PIECE, _LARGE_ENDS) if count >= _LARGE else (PIECE, _ENDS)
    start = 0
    for end in (n for n, made in enumerate(objects, 1) if n == count or made.id[-2:] in ends):
        while end - start > 2 * size:
            yield tuple(objects[start : start + 2 * size])
            start += 2 * size
        yield tuple(objects[start:end])
        start = end


class Decoder:
    """Files to revisions; remembers the objects of the last one by the hashes of their pieces."""

    def __init__(self) -> None:
        self._known: _Pieces = {}

    def decode(self, data: bytes | memoryview) -> Iterator[Revision | None]:
        """Yields C{None} after each step of work, then the revision."""
        (length,) = _LENGTH.unpack_from(data)
        position = _LENGTH.size + length
        head: tuple[Revision, list[str], list[tuple[str, bytes, int]]]
        head = pickle.loads(data[_LENGTH.size : position])
        revision, collections, index = head
        objects: dict[str, dict[str, Any]] = {collection: {} for collection in collections}
        known: _Pieces = {}
        taken = 0
        for collection, digest, size in index:
            piece = self._known.get(digest)
            if piece is None:
                piece = unpacked(data[position : position + size])
                yield None
            else:
                taken += len(piece)
                if taken >= _KNOWN:
                    taken = 0
                    yield None
            position += size
            known[digest] = piece
            objects[collection].update(zip(map(_id, piece), piece, strict=True))
        self._known = known
        made = Configuration(revision=revision.configuration.revision, objects=objects)
        yield attrs.evolve(revision, configuration=made)
