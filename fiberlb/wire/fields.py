"""What requests and responses share: lists, lengths, and cutting fields out of a block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fiberlb.errors import Fault
from fiberlb.wire import grammar

#: Body lengths that are not a number of bytes.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
#: The largest Content-Length taken: it fits in 63 bits.
MOST_LENGTH: Final = (1 << 63) - 1
#: Elements that a list may have, empty ones included: each costs more than a field line.
MOST_ELEMENTS: Final = 256

_token: Final = grammar.NAME.fullmatch


def list_elements(value: bytes) -> list[bytes]:
    """
    The elements of a comma-separated list (RFC 9110, 5.6.1), empty ones left out.

    @raise Fault: C{head_too_large}: more than L{MOST_ELEMENTS}, which nobody means well.
    """
    if not value:
        return []
    if value.count(b",") >= MOST_ELEMENTS:
        raise Fault("head_too_large", detail="a list with too many elements")
    return [e for e in (element.strip(b" \t") for element in value.split(b",")) if e]


def content_length(values: Sequence[bytes]) -> int:
    """
    The one value of Content-Length (RFC 9112, 6.3).

    @raise Fault: C{bad_request}: repeated, signed, empty, a list, or above 63 bits.
    """
    value = values[0]
    # Zeros in front may be more than int() takes.
    digits = value.lstrip(b"0")
    if len(values) != 1 or not value.isdigit() or len(digits) > 19:
        raise Fault("bad_request", detail="invalid Content-Length")
    length = int(digits or b"0")
    if length > MOST_LENGTH:
        raise Fault("bad_request", detail="invalid Content-Length")
    return length


def cut_spans(block: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """The block without the spans, which are in order and do not overlap."""
    if len(spans) == 1:
        start, end = spans[0]
        return block[:start] + block[end:]
    kept = []
    at = 0
    for start, end in spans:
        kept.append(block[at:start])
        at = end
    kept.append(block[at:])
    return b"".join(kept)


def cut_named(block: bytes, names: Iterable[bytes]) -> bytes:
    """The block without the fields that a Connection field names; one pass, however many names."""
    unwanted = {name.lower() for name in names if _token(name)}
    if not unwanted:
        return block
    lines = block.split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].lower() not in unwanted or not line]
    return b"\r\n".join(kept)
