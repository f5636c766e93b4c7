"""
Content codings: what makes them, and which of them a client wants.

Levels and windows are such that a piece as large as a read from a socket takes a few milliseconds
at most, and a stream little more than a megabyte (docs/compression.rst has what was measured).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

import attrs

from fiberlb.model.compression import Encoding
from fiberlb.wire.quality import LONGEST, qualities

#: Bits of the window of zstd and br: 256 KiB, which is all that has to be held.
_WINDOW: Final = 18
_GZIP_LEVEL: Final = 4
_BROTLI_QUALITY: Final = 4
_ZSTD_LEVEL: Final = 3


@attrs.frozen
class Stream:
    """
    One content being coded.

    @ivar feed: octets -> some of what they have become.
    @ivar flush: all that was fed and is not told yet.
    @ivar finish: the same, and the end.
    """

    feed: Callable[[bytes], bytes]
    flush: Callable[[], bytes]
    finish: Callable[[], bytes]


def _gzip(_: Any) -> Stream:
    # 16 more than the window's bits: with the head and the tail of a gzip file (RFC 1952).
    made = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return Stream(made.compress, lambda: made.flush(zlib.Z_SYNC_FLUSH), made.flush)


def _brotli(module: Any) -> Stream:
    made = module.Compressor(quality=_BROTLI_QUALITY, lgwin=_WINDOW)
    return Stream(made.process, made.flush, made.finish)


def _zstd(module: Any) -> Stream:
    # One compressor for each stream: it has the stream's state.
    settings = module.ZstdCompressionParameters.from_level(_ZSTD_LEVEL, window_log=_WINDOW)
    made = module.ZstdCompressor(compression_params=settings).compressobj()
    block: Any = module.COMPRESSOBJ_FLUSH_BLOCK
    return Stream(made.compress, lambda: made.flush(block), made.flush)


#: Coding -> the module that it needs, and what makes a stream with it.
_CODINGS: Final[Mapping[Encoding, tuple[str, Callable[[Any], Stream]]]] = {
    Encoding.ZSTD: ("zstandard", _zstd),
    Encoding.BR: ("brotli", _brotli),
    Encoding.GZIP: ("zlib", _gzip),
}


def missing(encoding: Encoding) -> str | None:
    """The module that a coding needs and that is not installed."""
    name, _ = _CODINGS[encoding]
    return None if _module(name) is not None else name


@lru_cache
def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


@attrs.frozen
class Coding:
    """
    A coding that can be had.

    @ivar name: on the wire.
    @ivar begin: makes a stream.
    """

    name: bytes
    begin: Callable[[], Stream]


def codings(encodings: Iterable[Encoding]) -> tuple[Coding, ...]:
    """Those of some codings that are installed, in the same order."""
    return tuple(_coding(one) for one in dict.fromkeys(encodings) if missing(one) is None)


def _coding(encoding: Encoding) -> Coding:
    name, make = _CODINGS[encoding]
    module = _module(name)
    return Coding(encoding.value.encode(), lambda: make(module))


class Choice:
    """
    Chooses a coding for a client.

    @param offered: the one we like best first.
    """

    def __init__(self, offered: tuple[Coding, ...]) -> None:
        self._offered = offered
        self._choose = lru_cache(maxsize=256)(self._chosen)

    def of(self, accepted: bytes) -> Coding | None:
        """
        What a client gets.

        @param accepted: its C{Accept-Encoding} (RFC 9110 section 12.5.3).
        @return: C{None}: the content as it is.
        """
        return self._choose(accepted) if 0 < len(accepted) <= LONGEST else None

    def _chosen(self, accepted: bytes) -> Coding | None:
        weights = qualities(accepted)
        if b"x-gzip" in weights:
            weights.setdefault(b"gzip", weights[b"x-gzip"])
        others = weights.get(b"*", 0)
        best = max(self._offered, key=lambda one: weights.get(one.name, others), default=None)
        weight = 0 if best is None else weights.get(best.name, others)
        return best if weight and weight >= weights.get(b"identity", 0) else None
