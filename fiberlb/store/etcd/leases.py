"""A leadership in an etcd: a key that goes away with a lease."""

from __future__ import annotations

import math

from twisted.logger import Logger

from fiberlb.store.etcd.documents import (
    Keyspace,
    Pair,
    deleting,
    number,
    packed,
    pairs,
    putting,
    ranged,
    revision,
    transaction,
    unchanged,
)
from fiberlb.store.etcd.gateway import Gateway, Refusal
from fiberlb.store.etcd.reading import explained
from fiberlb.store.interface import StoreError


class EtcdLease:
    """
    What one candidate has of a leader's key: L{Lease <fiberlb.store.election.Lease>}.

    @param key: of the store.
    @param value: who stands.
    @param ttl: seconds.
    """

    _log = Logger()

    def __init__(
        self, gateway: Gateway, keys: Keyspace, key: bytes, value: bytes, ttl: float
    ) -> None:
        self._gateway = gateway
        self._entry = keys.entry(key)
        self._value = value
        self._ttl = math.ceil(ttl)
        self._lease = 0

    async def extend(self, held: int | None, lost: bool, now: float) -> int | None:
        """Renew the lease, or take a new one when the key is free."""
        with explained():
            if held is not None and not lost and await self._renewed(held):
                return held
            if held is not None:
                # Another one may have led meanwhile: what is held by accident is no leadership.
                await self._revoke()
            return await self._take()

    async def release(self, held: int, now: float) -> None:
        """Delete the key, if it is still this very one."""
        with explained():
            still = [unchanged(self._entry, held)]
            await self._gateway.ask("kv/txn", transaction(still, [deleting(self._entry)]))
            await self._revoke()

    async def _renewed(self, held: int) -> bool:
        if not self._lease:
            return False
        answer = await self._gateway.ask("lease/keepalive", {"ID": str(self._lease)})
        if not number(answer.get("result", {}), "TTL"):
            self._lease = 0
            return False
        found = await self._found()
        return found is not None and number(found, "mod_revision") == held

    async def _take(self) -> int | None:
        found = await self._found()
        if found is not None:
            # An attempt before this one may have had no answer.
            ours = self._lease and number(found, "lease") == self._lease
            return number(found, "mod_revision") if ours else None
        if not self._lease:
            answer = await self._gateway.ask("lease/grant", {"TTL": str(self._ttl)})
            self._lease = number(answer, "ID")
        free = [unchanged(self._entry, 0)]
        write = putting(self._entry, packed(self._value), lease=str(self._lease))
        try:
            answer = await self._gateway.ask("kv/txn", transaction(free, [write]))
        except Refusal:
            self._lease = 0  # it ran out
            raise
        if answer.get("succeeded"):
            return revision(answer)
        found = await self._found()
        if found is not None and number(found, "lease") == self._lease:
            return number(found, "mod_revision")
        await self._revoke()
        return None

    async def _found(self) -> Pair | None:
        several = pairs(await self._gateway.ask("kv/range", ranged(self._entry)))
        return several[0] if several else None

    async def _revoke(self) -> None:
        lease, self._lease = self._lease, 0
        if not lease:
            return
        try:
            await self._gateway.ask("lease/revoke", {"ID": str(lease)})
        except (StoreError, Refusal):
            self._log.debug("A lease is left to run out")
