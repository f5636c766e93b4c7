"""
Hashes that are the same in every process, on every node and in every version.

Python's own differ from process to process.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from math import log

from xxhash import xxh3_64_intdigest

from fiberlb.balancing.interface import M, Weighted

_SPACE = float(1 << 64)


def hashed(key: bytes, seed: int = 0) -> int:
    """64 bits of a key; other bits for another seed."""
    return xxh3_64_intdigest(key, seed)


def rendezvous(members: Iterable[Weighted[M]], key: bytes, tried: Container[str] = ()) -> M | None:
    """
    The member with the highest score for a key (weighted rendezvous hashing).

    Whoever is taken away or added moves its own keys only. Costs a hash for each member.

    @param members: of weights above 0.
    """
    best: M | None = None
    highest = 0.0
    for ident, weight, member in members:
        if tried and ident in tried:
            continue
        # From 0 to 1, both excluded.
        share = (hashed(key, hashed(ident.encode())) + 0.5) / _SPACE
        score = -weight / log(share) if share < 1.0 else float("inf")
        if best is None or score > highest:
            best, highest = member, score
    return best
