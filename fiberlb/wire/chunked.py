"""
The chunked coding (RFC 9112, 7.1), checked strictly and passed on.

Sizes, line ends and trailers are validated; extensions are dropped, and so
are trailer fields that could change the meaning of what came before them.
"""

from __future__ import annotations

import re
from typing import Final

from fiberlb.errors import Fault
from fiberlb.wire import grammar

_SIZE: Final = 0
_DATA: Final = 1
_TRAILERS: Final = 2
_DONE: Final = 3
_EXTENSION: Final = rb"(?:[ \t]*+;[\t\x20-\x7e\x80-\xff]*+)?+"
_size: Final = re.compile(rb"([0-9A-Fa-f]{1,16}+)(" + _EXTENSION + rb")\r\n").match
_size_start: Final = re.compile(
    rb"[0-9A-Fa-f]{1,16}+[ \t]*+(?:;[\t\x20-\x7e\x80-\xff]*+)?+\r?+\Z"
).match
_field: Final = re.compile(rb"(" + grammar.TOKEN + rb"):[\t\x20-\x7e\x80-\xff]*+\r\n").match
_field_start: Final = re.compile(
    rb"(?:" + grammar.TOKEN + rb"(?::[\t\x20-\x7e\x80-\xff]*+)?+)?+\r?+\Z"
).match
_forbidden: Final = grammar.TRAILER_FORBIDDEN.match
#: The longest size line without its extension: 16 digits and the line end.
_SIZE_LINE: Final = 18
#: Chunks with less content than this are read many at a time; one by one they would cost a
#: thousand times what they cost their sender.
_SMALL: Final = 256
#: Small chunks with extensions that a body may have, as each has to be taken apart.
_MOST_EXTENDED: Final = 256
#: Trailer fields that a body may have, forwarded or not.
_MOST_TRAILERS: Final = 128


def _small_chunk() -> bytes:
    """A pattern for one whole chunk with less content than C{_SMALL}, without an extension."""

    def digit(value: int) -> bytes:
        lower = b"%x" % value
        return b"[%b%b]" % (lower, lower.upper()) if lower.isalpha() else lower

    first = []
    for high in range(1, 16):
        second = [b"\r\n.{%d}" % high]
        second += [digit(low) + b"\r\n.{%d}" % (high * 16 + low) for low in range(16)]
        first.append(digit(high) + b"(?>" + b"|".join(second) + b")")
    return b"0{0,14}+(?>" + b"|".join(first) + b")\r\n"


_run: Final = re.compile(b"(?:" + _small_chunk() + b")++", re.DOTALL).match
_each: Final = re.compile(_small_chunk(), re.DOTALL).findall


class Chunked:
    """
    One chunked body on its way through.

    @ivar done: the last byte of the body has been seen.
    @ivar rest: the bytes after the end, once C{done}.
    @ivar decode: give out the content alone, without the framing (for
        clients that know no chunks); trailers are then dropped.
    @ivar received: octets of content that have come so far.
    @ivar small: chunks so far that were small and came whole.
    """

    __slots__ = (
        "_extended",
        "_extensions",
        "_held",
        "_left",
        "_state",
        "_trailer_count",
        "_trailer_limit",
        "_trailers",
        "decode",
        "done",
        "received",
        "rest",
        "small",
    )

    def __init__(self, trailer_limit: int, extension_limit: int, decode: bool = False) -> None:
        self.done = False
        self.rest = b""
        self.decode = decode
        self.received = 0
        self.small = 0
        self._state = _SIZE
        self._left = 0
        self._held = b""
        self._trailers: list[bytes] = []
        self._trailer_limit = trailer_limit
        self._trailer_count = 0
        self._extensions = extension_limit
        self._extended = 0

    def feed(self, data: bytes) -> bytes:
        """
        Take the next bytes of the body.

        @return: what is to be passed on, C{data} itself where nothing of it changes.

        @raise Fault: C{bad_request}: not a chunked body; nothing of C{data}
            that follows the fault has been passed on.
        """
        if self._held:
            data = self._held + data
            self._held = b""
        out: list[bytes] = []
        at = 0
        size = len(data)
        while at < size and not self.done:
            state = self._state
            if state == _DATA:
                at = self._data(data, at, size, out)
            elif state == _SIZE:
                at = self._size_line(data, at, size, out)
            else:
                at = self._trailer_line(data, at, size, out)
        if self.done:
            self.rest = data[at:]
        return out[0] if len(out) == 1 else b"".join(out)

    def _size_line(self, data: bytes, at: int, size: int, out: list[bytes]) -> int:
        line = _size(data, at)
        if line is None:
            if size - at > _SIZE_LINE + self._extensions or _size_start(data, at) is None:
                raise Fault("bad_request", detail="invalid chunk size")
            self._held = data[at:]
            return size
        if len(line[2]) > self._extensions:
            raise Fault("bad_request", detail="chunk extensions too long")
        length = int(line[1], 16)
        if length >= 1 << 63:
            raise Fault("bad_request", detail="chunk too large")
        end = line.end()
        if length == 0:
            self._state = _TRAILERS
            return end
        if length < _SMALL:
            if line[2]:
                self._extended += 1
                if self._extended > _MOST_EXTENDED:
                    raise Fault("bad_request", detail="too many chunk extensions")
            else:
                run = _run(data, at)
                if run is not None:
                    return self._small_chunks(data, at, run.end(), out)
        self._state = _DATA
        self._left = length + 2
        if not self.decode:
            out.append(line[1] + b"\r\n" if line[2] else data[at:end])
        return end

    def _small_chunks(self, data: bytes, at: int, end: int, out: list[bytes]) -> int:
        """Chunks that are all there and small, as many as there are in a row."""
        chunks: list[bytes] = _each(data, at, end)
        starts = [chunk.find(b"\r\n") + 2 for chunk in chunks]
        self.received += end - at - sum(starts) - 2 * len(starts)
        self.small += len(starts)
        if self.decode:
            out += [c[start:-2] for c, start in zip(chunks, starts, strict=True)]
        else:
            out.append(_piece(data, at, end))
        return end

    def _data(self, data: bytes, at: int, size: int, out: list[bytes]) -> int:
        """The content of a chunk and the line end after it; C{_left} counts both."""
        left = self._left
        end = at + left
        if end <= size:
            if data[max(at, end - 2) : end] != b"\r\n"[max(0, 2 - left) :]:
                raise Fault("bad_request", detail="invalid end of chunk")
            self._state = _SIZE
            self._left = 0
            end_content = max(at, end - 2)
            self.received += end_content - at
            out.append(_piece(data, at, end_content if self.decode else end))
            return end
        taken = size - at
        self._left = left - taken
        self.received += min(taken, left - 2)
        if self._left == 1 and data[size - 1 :] != b"\r":
            raise Fault("bad_request", detail="invalid end of chunk")
        stop = size - 1 if self.decode and self._left == 1 else size
        out.append(_piece(data, at, stop))
        return size

    def _trailer_line(self, data: bytes, at: int, size: int, out: list[bytes]) -> int:
        if data.startswith(b"\r\n", at):
            self._state = _DONE
            self.done = True
            if not self.decode:
                out.append(b"".join((b"0\r\n", *self._trailers, b"\r\n")))
            return at + 2
        line = _field(data, at)
        if line is None:
            if size - at > self._trailer_limit or _field_start(data, at) is None:
                raise Fault("bad_request", detail="invalid trailer")
            self._held = data[at:]
            return size
        self._trailer_limit -= line.end() - at
        self._trailer_count += 1
        if self._trailer_limit < 0 or self._trailer_count > _MOST_TRAILERS:
            raise Fault("bad_request", detail="trailers too long")
        if not _forbidden(line[1]):
            self._trailers.append(line[0])
        return line.end()


def _piece(data: bytes, start: int, end: int) -> bytes:
    """A slice that is not a copy when it is all of C{data}; compiled, an ordinary one is."""
    return data if not start and end == len(data) else data[start:end]
