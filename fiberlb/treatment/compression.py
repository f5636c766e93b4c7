"""C{compression}: members' answers in a coding that their clients know."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from fiberlb.model.compression import Compression, Encoding
from fiberlb.treatment.draft import Asked, BodyFilter, Draft
from fiberlb.treatment.encodings import Choice, Coding, Stream, codings, missing
from fiberlb.wire.field_lines import cutter, finder

_fields: Final = re.compile(
    rb"\n(?i:(content-(?:type|length|encoding|range|digest|md5)|(?:repr-)?digest|cache-control|vary))"
    rb":[ \t]*([^\r\n]*)\r"
).findall
#: Fields that say something of the octets of the content, which would not be true any more.
_BOUND: Final = frozenset(
    b"content-encoding content-range content-digest content-md5 digest repr-digest".split()
)
#: Statuses without content, and parts of one.
_NEVER: Final = frozenset((b"204", b"205", b"206"))
_untouched: Final = re.compile(rb"(?i:(?:^|[,\s])no-transform(?:$|[,\s]))").search
_varies: Final = re.compile(rb"(?i:(?:^|[,\s])(?:\*|accept-encoding)(?:$|[,\s]))").search
_strong: Final = re.compile(rb'(\n(?i:etag):[ \t]*)(?=")').sub
_accepted: Final = finder("Accept-Encoding")
_wishes: Final = finder("Cache-Control")
_vary: Final = finder("Vary")
_unranged: Final = cutter(["Accept-Ranges"])


def compress(value: Compression, draft: Draft) -> None:
    """Clients get answers compressed."""
    offered = codings(Encoding if value.encodings is None else value.encodings)
    if not offered:
        return
    rule = _Rule(offered, value)
    draft.answers.append(rule.varied)
    draft.filters.append(rule.begun)


def faults(value: Compression) -> list[tuple[tuple[str | int, ...], str]]:
    """Codings that were asked for and cannot be had."""
    wanted = enumerate(value.encodings or ())
    lacking = [(number, one, name) for number, one in wanted if (name := missing(one))]
    return [
        (
            ("encodings", number),
            f"{one.value} needs the Python package {name}: pip install 'fiberlb[compression]'",
        )
        for number, one, name in lacking
    ]


class _Rule:
    """What one C{compression} says of answers."""

    def __init__(self, offered: tuple[Coding, ...], value: Compression) -> None:
        self._choice = Choice(offered)
        self._minimum = value.minimum
        pattern = "|".join(re.escape(one).replace(r"\*", ".*") for one in value.types)
        types = re.compile(pattern.encode(), re.IGNORECASE)
        self._listed = lru_cache(maxsize=256)(lambda kind: types.fullmatch(kind) is not None)

    def varied(self, asked: Asked, head: bytes) -> bytes:
        """
        A head that tells caches that others may get the same otherwise coded.

        It is said whether this client gets it coded or not.
        """
        known = head[9:12] == b"304"
        if not known and not self._fits(head):
            return head
        if known and self._choice.of(_accepted(asked.block())) is not None:
            # The copy that the client has was sent with a weak one.
            head = _strong(rb"\1W/", head)
        return head if _varies(_vary(head)) else head + b"Vary: Accept-Encoding\r\n"

    def begun(self, asked: Asked, status: int, head: bytes) -> tuple[BodyFilter, bytes] | None:
        """What codes an answer, and its head; C{None}: it stays as it is."""
        block = asked.block()
        coding = self._choice.of(_accepted(block))
        if coding is None or not self._fits(head) or _untouched(_wishes(block)):
            return None
        head = _unranged(_strong(rb"\1W/", head))
        length = re.search(rb"\n(?i:content-length):[ \t]*([0-9]+)", head)
        left = -1 if length is None else int(length[1])
        return Coded(coding.begin(), left), head + b"Content-Encoding: " + coding.name + b"\r\n"

    def _fits(self, head: bytes) -> bool:
        """Whether an answer is one that we compress, whatever its client knows."""
        if head[9:12] in _NEVER:
            return False
        fields = {name.lower(): value for name, value in _fields(head)}
        kind = fields.get(b"content-type", b"").partition(b";")[0].strip(b" \t")
        if not kind or len(kind) > 127 or not self._listed(kind):
            return False
        if not _BOUND.isdisjoint(fields) or _untouched(fields.get(b"cache-control", b"")):
            return False
        length = fields.get(b"content-length", b"").strip(b" \t")
        return not length or int(length) >= self._minimum


class Coded:
    """
    The content of one answer, coded.

    Every piece is told whole at once, as nobody knows when the next one comes: events and slow
    pages are not held back. Pieces are as large as a read, so that this costs a few octets of many.

    @param left: octets of content to come, where that is known: after the last one the end follows.
    """

    __slots__ = ("_left", "_stream")

    def __init__(self, stream: Stream, left: int = -1) -> None:
        self._stream = stream
        self._left = left

    def feed(self, piece: bytes) -> bytes:
        """See L{BodyFilter.feed}."""
        if not piece:
            return b""
        self._left -= len(piece)
        made = self._stream.feed(piece)
        return made if self._left == 0 else made + self._stream.flush()

    def end(self) -> bytes:
        """See L{BodyFilter.end}."""
        return self._stream.finish()
