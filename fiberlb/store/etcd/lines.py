"""Bytes as they come, into lines: what a stream of an etcd is made of."""

from __future__ import annotations


class Lines:
    """
    Puts lines together out of pieces, in time that grows with their length and no faster.

    A backlog of many megabytes may be one line: pieces are kept apart until it is whole.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def take(self, data: bytes) -> list[bytes]:
        """The lines that this piece completes, without their ends and without empty ones."""
        first, *rest = data.split(b"\n")
        self._pieces.append(first)
        if not rest:
            return []
        whole = [b"".join(self._pieces), *rest[:-1]]
        self._pieces = [rest[-1]]
        return [line for line in whole if line.strip()]
