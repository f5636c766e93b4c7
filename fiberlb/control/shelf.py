"""Documents of the API that are no configuration: kept in the store, in no revision."""

from __future__ import annotations

import json
from typing import Any

from fiberlb.control.refusals import Contended, StoreAway
from fiberlb.store.interface import Conflict, Store, StoreError, UnknownOutcome

PREFIX = b"shelf/"


class Shelf:
    """
    JSON documents by name, such as the quotas of a dialect.

    @param store: shared with other nodes, or this node's own.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self, prefix: str) -> dict[str, tuple[Any, int]]:
        """
        The documents whose names begin so, in the order of their names.

        @return: the rest of the name -> the document, and what L{put} expects.
        @raise StoreAway: nothing could be read.
        """
        at = PREFIX + prefix.encode()
        try:
            _, entries = await self._store.load(at)
        except StoreError as why:
            raise StoreAway(str(why)) from None
        found = {}
        for key, (value, revision) in entries.items():
            try:
                found[key[len(at) :].decode()] = (json.loads(value), revision)
            except ValueError:
                continue  # a damaged document hides nothing but itself
        return found

    async def put(self, name: str, document: Any, expected: int) -> None:
        """
        Keep a document, C{None}: take it away.

        @param expected: as read; 0: there was none.
        @raise Contended: somebody else was faster.
        @raise StoreAway: nothing has changed, or that is not known.
        """
        key = PREFIX + name.encode()
        value = None if document is None else json.dumps(document).encode()
        try:
            await self._store.commit({key: expected}, {key: value})
        except Conflict:
            raise Contended() from None
        except StoreError as why:
            raise StoreAway(str(why), isinstance(why, UnknownOutcome)) from None
