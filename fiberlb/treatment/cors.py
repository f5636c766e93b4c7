"""
C{cors}: preflights are answered here, and browsers are told who may read an answer.

What members say of it themselves is cut out: one place decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from fiberlb.model.cors import ALL, Cors
from fiberlb.routing.request import Request
from fiberlb.treatment.draft import Asked, Draft, Reply
from fiberlb.wire.field_lines import cutter

_origins: Final = re.compile(rb"\n(?i:origin):[ \t]*([^\r\n]*?)[ \t]*\r").findall
_asks_method: Final = re.compile(rb"\n(?i:access-control-request-method):").search
_cut: Final = cutter(
    f"Access-Control-{name}"
    for name in (
        "Allow-Origin",
        "Allow-Credentials",
        "Allow-Methods",
        "Allow-Headers",
        "Allow-Private-Network",
        "Max-Age",
    )
)
_VARY: Final = b"Vary: Origin\r\n"
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def share(value: Cors, draft: Draft) -> None:
    """Pages of these origins may ask, and read the answers."""
    if value.nothing:
        return
    fits = _fitting(value.origins)
    always = b"Access-Control-Allow-Credentials: true\r\n" if value.credentials else b""
    asked_before = always + _of_preflights(value)
    anybody = ALL in value.origins

    def gate(asked: Asked, request: Request) -> Reply | None:
        return Reply(status=204) if _preflight(asked) else None

    def edited(asked: Asked, head: bytes) -> bytes:
        head = _cut(head)
        if anybody:
            origin = b"*"
        else:
            head += _VARY
            found = _origins(asked.block())
            if len(found) != 1 or not fits(found[0]):
                return head
            origin = found[0]
        told = asked_before if _preflight(asked) else always
        return b"".join((head, b"Access-Control-Allow-Origin: ", origin, b"\r\n", told))

    draft.gates.append(gate)
    draft.answers.append(edited)


def _preflight(asked: Asked) -> bool:
    """Whether a browser asks what it may ask (Fetch standard, CORS-preflight request)."""
    if asked.method != b"OPTIONS":
        return False
    block = asked.block()
    return bool(_origins(block)) and _asks_method(block) is not None


def _of_preflights(value: Cors) -> bytes:
    lines = [b"Access-Control-Max-Age: %d\r\n" % value.max_age]
    for name, words in (("Methods", value.methods), ("Headers", value.headers)):
        if words:
            lines.append(f"Access-Control-Allow-{name}: {', '.join(words)}\r\n".encode())
    return b"".join(lines)


def _fitting(origins: Iterable[str]) -> Callable[[bytes], bool]:
    """Whether an origin is one of these; every one that is can be said back as it came."""
    exact: set[bytes] = set()
    below: list[str] = []
    for origin in origins:
        scheme = origin.partition(":")[0]
        origin = origin.removesuffix(_DEFAULT_PORTS.get(scheme, "\n"))
        start, star, rest = origin.partition("://*.")
        if star:
            labels = r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+"
            below.append(re.escape(start) + "://" + labels + re.escape(rest))
        else:
            exact.add(origin.encode())
    if not below:
        return exact.__contains__
    matches = re.compile("|".join(below).encode()).fullmatch
    return lambda origin: origin in exact or (len(origin) < 300 and matches(origin) is not None)
