"""One watch: reads on from where it stands, and hands out whole revisions in their order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.store.engine import Engine, Runner
from fiberlb.store.interface import Changes, OnRevision, StoreError

#: Revisions read in one go, so that a long backlog does not hold everything else up.
BATCH = 64


class Watch:
    """
    A position in the past of a store, moving forward.

    @ivar active: neither stopped nor ended by a reset.
    @ivar behind: there is news that was not read yet; after a failure somebody has to L{wake} it.
    """

    _log = Logger()

    def __init__(
        self,
        position: int,
        on_revision: OnRevision,
        on_reset: Callable[[], None],
        engine: Engine,
        runner: Runner,
    ) -> None:
        """@param position: the revision known already."""
        self.active = True
        self._position = position
        self._on_revision = on_revision
        self._on_reset = on_reset
        self._engine = engine
        self._runner = runner
        self._reading = False
        self.behind = False

    def stop(self) -> None:
        """Call nothing any more."""
        self.active = False

    def wake(self) -> None:
        """There may be news: read on, now or after what is being read."""
        self.behind = True
        if not self._reading and self.active:
            self._reading = True
            Deferred.fromCoroutine(self._read()).addErrback(
                lambda why: self._log.failure("A watch broke", why)
            )

    async def _read(self) -> None:
        try:
            while self.active and self.behind:
                self.behind = False
                found = await self._runner.run(partial(self._engine.since, self._position, BATCH))
                if found is None:
                    self._reset()
                elif found:
                    self.behind = True
                    self._hand_out(found)
        except StoreError as error:
            self.behind = True
            self._log.warn("A watch cannot read on for now: {why}", why=str(error))
        finally:
            self._reading = False

    def _hand_out(self, found: list[tuple[int, Changes]]) -> None:
        for revision, changes in found:
            if not self.active:
                return
            self._position = revision
            try:
                self._on_revision(revision, changes)
            except Exception:
                self._log.failure("What watches the store failed at revision {at}", at=revision)

    def _reset(self) -> None:
        if not self.active:
            return
        self.active = False
        try:
            self._on_reset()
        except Exception:
            self._log.failure("What watches the store failed at a reset")
