"""The Host field of a head that is on its way to a member."""

from __future__ import annotations

import re
from typing import Final

from fiberlb.wire import grammar

_host: Final = re.compile(rb"\n" + grammar.folded("host") + rb":[^\r]*+\r").sub


def hosted(out: bytes, name: bytes) -> bytes:
    """
    A head, perhaps with a body behind it, that asks this host.

    @param out: a whole head; it has a Host field.
    @param name: with its port, where that is not the usual one.
    """
    line = b"\nHost: " + name + b"\r"
    return _host(lambda found: line, out, 1)


def named(host: str, port: int, usual: int) -> bytes:
    """
    A member as Host fields name it.

    @param port: 0: it has none, and is on this machine.
    @param usual: the port that goes without saying.
    """
    if not port:
        return b"localhost"
    name = f"[{host}]" if ":" in host else host
    return (name if port == usual else f"{name}:{port}").encode()
