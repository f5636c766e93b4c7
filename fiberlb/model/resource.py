"""What every object has: an identity, a name, and who made it when."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.model.fields import Flag, Several, Text, field

UUID_PATTERN = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
#: The namespace of the ids that objects of a file get from their kind, parent and name.
FILE_NAMESPACE = uuid.UUID("5f1be51b-0000-5000-8000-6c6f61646261")


@attrs.frozen(kw_only=True)
class Resource:
    """
    The fields that every object has.

    @cvar COLLECTION: the name of its collection, in the file and in the API.
    @cvar PARENT: the field with the parent's id, and the parent's collection.
    @ivar id: a UUID; C{""} only while a document is being read.
    @ivar name: free text through the APIs, unique per kind in a file.
    @ivar enabled: a disabled object is kept and does nothing.
    """

    COLLECTION: ClassVar[str] = ""
    PARENT: ClassVar[tuple[str, str] | None] = None

    id: str = field(Text(36, 0, rf"(?:{UUID_PATTERN})?", "a UUID"), "")
    name: str = field(Text(255), "")
    enabled: bool = field(Flag(), True)
    description: str = field(Text(255), "")
    tags: tuple[str, ...] = field(Several(Text(255, 1), most=1000), ())


class Owner(Enum):
    """Where an object comes from (product page, decision 16)."""

    FILE = "file"
    API = "api"
    APPLY = "apply"


@attrs.frozen
class Meta:
    """
    What is known of an object beside its fields.

    @ivar created_at: RFC 3339 in UTC.
    @ivar updated_at: RFC 3339 in UTC.
    @ivar revision: the revision that last changed this object itself.
    @ivar notes: what a dialect of the API keeps of it that the model has no field for, as JSON:
        the dialect's name -> its own. Objects of a file have none.
    """

    managed_by: Owner
    created_at: str
    updated_at: str
    revision: int
    notes: Mapping[str, Any] = attrs.field(factory=dict)


_NAMESPACE = FILE_NAMESPACE.bytes
#: The first digit of a UUID's fourth group: its two upper bits are 10.
_VARIANTS = "89ab"
#: Any byte as the seventh of a UUID of version 4, and as the ninth of any.
_FOURTH = bytes(0x40 | number & 0x0F for number in range(256))
_VARIANT = bytes(0x80 | number & 0x3F for number in range(256))
#: So many random ids are made together.
_AT_ONCE = 256


def file_id(collection: str, parent: str, name: str) -> str:
    """The id of an object of a file: the same at every reload, so that health survives it."""
    # uuid.uuid5, in a quarter of its time: a file may have many thousands.
    digest = hashlib.sha1(_NAMESPACE + f"{collection}/{parent}/{name}".encode()).hexdigest()
    variant = _VARIANTS[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def fresh_ids(randomness: bytes) -> list[str]:
    """Random UUIDs (RFC 9562, section 5.4), one of each 16 random bytes."""
    # uuid.uuid4, in a twentieth of its time: all of them are written at once.
    octets = bytearray(randomness)
    octets[6::16] = octets[6::16].translate(_FOURTH)
    octets[8::16] = octets[8::16].translate(_VARIANT)
    text = bytearray(octets.hex("-", 2) + "-", "ascii")
    # A hyphen after each two bytes, without the ones that a UUID does not have.
    del text[4::40], text[28::39], text[32::38]
    digits = text.decode("ascii")
    return [digits[start : start + 36] for start in range(0, 37 * (len(octets) // 16), 37)]


class FreshIds:
    """
    Gives L{fresh_ids}, one at a call, in any thread.

    @param random_bytes: from the system.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._ready: list[str] = []

    def __call__(self) -> str:
        try:
            return self._ready.pop()
        except IndexError:
            first, *others = fresh_ids(self._random_bytes(16 * _AT_ONCE))
            self._ready += others
            return first
