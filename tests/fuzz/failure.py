"""How a property tells that it does not hold."""

from __future__ import annotations

import random
from binascii import crc32


class Broken(AssertionError):
    """An input that the property does not hold for; the text says what came of it."""


def hold(condition: object, *about: object) -> None:
    """@raise Broken: the condition is false."""
    if not condition:
        raise Broken(" | ".join(map(repr, about)))


def places(data: bytes, most: int = 24) -> list[int]:
    """
    Where to cut some input: everywhere when it is short, else at places that depend on it alone.

    An input that was found once so fails again by itself.
    """
    size = len(data)
    if size <= most:
        return list(range(1, size))
    chance = random.Random(crc32(data))
    found = {chance.randrange(1, size) for _ in range(most - 6)}
    # Around line ends is where readers go wrong.
    for mark in (b"\r\n", b"\r\n\r\n"):
        at = data.find(mark, chance.randrange(size))
        found.update(place for place in (at, at + 1, at + 2) if 0 < place < size)
    return sorted(found)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The input cut at these places."""
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a != b]
