"""A pool's session persistence (spec page C{octavia-api}, section 2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fiberlb.api.octavia.attributes import Attribute, address, created, number, text, word_of
from fiberlb.api.octavia.faults import invalid
from fiberlb.model.persistence import PersistenceType, SessionPersistence

_TYPES = {"SOURCE_IP": "source_ip", "HTTP_COOKIE": "cookie", "APP_COOKIE": "app_cookie"}
_SHOWN = {ours: theirs for theirs, ours in _TYPES.items()}
#: What Octavia calls the cookie that it sets.
COOKIE = "SRV"
_NAME = re.compile(r"[^\x00-\x20\x7f\"(),/:;<=>?@\[\\\]{}]{1,255}")
_ATTRIBUTES = {
    "type": Attribute(word_of(*_TYPES)),
    "cookie_name": Attribute(text(255)),
    "persistence_timeout": Attribute(number(1, 2_000_000_000)),
    "persistence_granularity": Attribute(address),
}


def fields(
    protocol: str, asked: Mapping[str, Any] | None, before: SessionPersistence | None
) -> dict[str, Any] | None:
    """
    The field C{session_persistence}.

    @param protocol: of the pool, by Octavia's name.
    @param asked: what was sent; null or empty removes it.
    @param before: what is there: its type stays where none was sent.
    @raise Fault: 400.
    """
    if not asked:
        return None
    given = created("session_persistence", dict(asked), _ATTRIBUTES)
    kind = given["type"] or (None if before is None else _SHOWN[before.type.value])
    if kind is None:
        raise invalid("session_persistence needs a type.")
    datagrams = protocol == "UDP"
    name, bounds = given["cookie_name"], ("persistence_timeout", "persistence_granularity")
    if datagrams and kind != "SOURCE_IP":
        raise invalid(f"session_persistence of type {kind} is not supported for protocol UDP.")
    if not datagrams and any(given[each] is not None for each in bounds):
        raise invalid("persistence_timeout and persistence_granularity are for UDP pools only.")
    if kind == "APP_COOKIE":
        if name is None or not _NAME.fullmatch(name):
            raise invalid("session_persistence of type APP_COOKIE needs a valid cookie_name.")
    elif name is not None:
        raise invalid(f"Field cookie_name can not be specified for {kind}.")
    return {
        "type": _TYPES[kind],
        "cookie_name": COOKIE if kind == "HTTP_COOKIE" else name,
        "timeout_seconds": given["persistence_timeout"],
        "granularity": given["persistence_granularity"],
    }


def shown(made: SessionPersistence | None) -> dict[str, Any] | None:
    """What a pool answers of it."""
    if made is None:
        return None
    ours = made.type is PersistenceType.APP_COOKIE
    timeout = made.timeout_seconds if made.type is PersistenceType.SOURCE_IP else None
    return {
        "type": _SHOWN[made.type.value],
        "cookie_name": made.cookie_name if ours else None,
        "persistence_timeout": timeout,
        "persistence_granularity": made.granularity,
    }
