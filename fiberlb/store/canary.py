"""
Whether this node has the keys that a shared store is sealed with, known before anything is sealed.

The first node seals a word; every other one has to open it, and seals with the same key, wherever
that stands in its file: another one may not be known to all of them yet.
"""

from __future__ import annotations

from fiberlb.store.interface import Conflict, Store, StoreError
from fiberlb.store.sealed import SEALED, Keyring, SealError, WrongKey

KEY = b"keys/canary"
_WORD = b"fiberlb"


async def prove(store: Store, keyring: Keyring) -> None:
    """
    Open the word, or leave it; the keyring seals with the word's key from then on.

    @raise SealError: it was sealed with a key that this node does not have.
    """
    try:
        _, entries = await store.load(KEY)
        if KEY not in entries:
            await store.commit({KEY: 0}, {KEY: keyring.seal(_WORD, KEY).encode()})
    except Conflict:
        _, entries = await store.load(KEY)
    except StoreError:
        return  # without the store nothing is sealed either
    if KEY not in entries:
        return
    try:
        keyring.open(entries[KEY][0].decode("utf-8", "replace"), KEY)
    except WrongKey as why:
        where = keyring.path or "this process"
        detail = (
            f"the store is sealed with the key {why.key_id}, and {where} holds"
            f" {', '.join(keyring.key_ids)}: give every node of a store the same key_file"
        )
        raise SealError(detail) from None
    sealed = SEALED.fullmatch(entries[KEY][0])
    if sealed is not None:
        keyring.prefer(sealed[1].decode())
