"""Which fields about the client a listener adds to requests."""

from __future__ import annotations

from fiberlb.model.listener import CLIENT_FIELDS, INSERTABLE, Listener


def inserted(listener: Listener) -> tuple[str, ...]:
    """The forwarded fields that a listener sends, in their fixed order."""
    told: dict[str, bool] = dict(listener.insert_headers)
    return tuple(name for name in INSERTABLE if told.get(name, True))


def told_of_client(listener: Listener) -> tuple[str, ...]:
    """The fields about clients' certificates that a listener sends, in their fixed order."""
    told: dict[str, bool] = dict(listener.insert_headers)
    return tuple(name for name in CLIENT_FIELDS if told.get(name, False))
