"""Records and accounts in the store: read, written while leading, followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from twisted.logger import Logger

from fiberlb.acme.documents import (
    CERTIFICATES,
    Account,
    Unreadable,
    account_key,
    certificate_key,
    decode_account,
    decode_record,
    encode_account,
    encode_record,
)
from fiberlb.acme.issued import Issued, Record
from fiberlb.acme.jws import AccountKey
from fiberlb.store.interface import Changes, Conflict, Store
from fiberlb.store.sealed import Keyring

_log = Logger()


class Fence(Protocol):
    """What keeps those that do not lead from writing: an election by shape."""

    def fence(self) -> Mapping[bytes, int]:
        """What to expect in a commit."""


class Shelf:
    """
    The store's part of the book of records.

    @param changed: called when another node has written records.
    """

    def __init__(
        self, store: Store, keyring: Keyring, issued: Issued, changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._issued = issued
        self._changed = changed
        self._stop: Callable[[], None] = lambda: None
        self._own: set[int] = set()

    async def load(self) -> int:
        """
        Read everything into the book; the store's revision of that.

        What cannot be read is told and left out: it is ordered anew.

        @raise fiberlb.store.interface.StoreError: nothing could be read.
        """
        at, entries = await self._store.load(CERTIFICATES)
        found = {key: value for key, (value, _) in entries.items()}
        self._issued.records = dict(self._read(found))
        return at

    def _read(self, values: Mapping[bytes, bytes]) -> list[tuple[str, Record]]:
        found = []
        for key, value in values.items():
            try:
                record = decode_record(key, value, self._keyring)
            except Unreadable as why:
                _log.error("{why}; the certificate is ordered anew", why=str(why))
                continue
            found.append((key[len(CERTIFICATES) :].decode(), record))
        return found

    def follow(self, at: int) -> None:
        """Hear of what is written after this revision of the store."""
        self._stop()
        self._stop = self._store.watch(at, self._heard, self._changed)

    def stop(self) -> None:
        """Hear no more."""
        self._stop()
        self._stop = lambda: None

    def _heard(self, at: int, changes: Changes) -> None:
        if at in self._own:
            self._own.discard(at)
        elif any(key.startswith(CERTIFICATES) for key, _ in changes):
            self._changed()

    async def save(self, leading: Fence, ident: str, record: Record) -> None:
        """
        Write one record; the book has it as well.

        @raise fiberlb.store.interface.StoreError: it is not written, and the book is as before.
        """
        key = certificate_key(ident)
        document = encode_record(key, record, self._keyring)
        self._own.add(await self._store.commit(leading.fence(), {key: document}))
        self._issued.records[ident] = record

    async def forget(self, ident: str) -> None:
        """
        Delete a record, key and all.

        @raise fiberlb.store.interface.StoreError: it is still there.
        """
        self._issued.records.pop(ident, None)
        self._own.add(await self._store.commit({}, {certificate_key(ident): None}))

    async def account(self, directory: str, email: str | None) -> Account:
        """
        The account for an authority: the stored one, or a new key, stored before it is used.

        @raise fiberlb.store.interface.StoreError: the store cannot be used.
        """
        key = account_key(directory, email)
        while True:
            _, entries = await self._store.load(key)
            if key in entries:
                try:
                    return decode_account(key, entries[key][0], self._keyring)
                except Unreadable as why:
                    _log.error("{why}; another account is made", why=str(why))
            made = Account(AccountKey.made().pem(), "")
            expected = entries[key][1] if key in entries else 0
            document = encode_account(key, made, self._keyring)
            try:
                await self._store.commit({key: expected}, {key: document})
            except Conflict:
                continue
            return made

    async def registered(self, directory: str, email: str | None, account: Account) -> None:
        """
        Remember where an account is.

        @raise fiberlb.store.interface.StoreError: it is not remembered.
        """
        key = account_key(directory, email)
        await self._store.commit({}, {key: encode_account(key, account, self._keyring)})
