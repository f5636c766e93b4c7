"""The file layer of C{--from ADDRESS --to MEMBER}, without a file."""

from __future__ import annotations

from collections.abc import Sequence

from fiberlb.control.document import FileLayer


def from_arguments(from_: str, to: Sequence[str], now: str = "") -> FileLayer:
    """
    One http listener, one pool, nothing on disk.

    @param from_: C{:PORT}, C{PORT}, C{HOST:PORT} or C{[v6]:PORT}.
    @param to: members in their short form, at least one.
    @param now: RFC 3339 in UTC, for the objects' times.

    @raise ConfigurationError: with a problem for each argument that is wrong.
    """
    raise NotImplementedError
