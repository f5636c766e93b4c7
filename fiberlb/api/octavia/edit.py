"""A change in the making: operations that are done all at once, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiberlb.api.octavia.view import DIALECT, View
from fiberlb.control.operations import Op, Operation


class Edit:
    """
    Gathers operations; their objects know each other by ids that are given out here.

    @param view: what is there before.
    @param make_id: gives fresh UUIDs.

    @ivar project: of what is made, and whose objects are seen.
    @ivar operations: so far, in order.
    @ivar positions: that policies have got in this edit, by id.
    """

    def __init__(self, view: View, project: str, make_id: Callable[[], str]) -> None:
        self.view = view
        self.project = project
        self.make_id = make_id
        self.operations: list[Operation] = []
        self.positions: dict[str, int] = {}
        self._notes: dict[str, Mapping[str, Any]] = {}

    def create(
        self, collection: str, body: Mapping[str, Any], notes: Mapping[str, Any] | None = None
    ) -> str:
        """A new object; returns its id."""
        ident = self.make_id()
        document = {"id": ident, **body}
        self._do(Op.CREATE, collection, "", document, self._noted(ident, notes))
        return ident

    def patch(
        self,
        collection: str,
        ident: str,
        body: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Change fields of an object, and what is noted of it; null stands for the default."""
        if body or notes:
            self._do(Op.PATCH, collection, ident, dict(body), self._noted(ident, notes))

    def delete(self, collection: str, ident: str) -> None:
        """Take an object away."""
        self._do(Op.DELETE, collection, ident, None, None)

    def monitor(
        self, op: Op, pool: str, body: Mapping[str, Any] | None, notes: Mapping[str, Any] | None
    ) -> None:
        """Replace, patch or delete the health monitor of a pool; the notes are the pool's."""
        operation = Operation(
            op=op,
            collection="health_monitors",
            parent=pool,
            body=body,
            notes=self._noted(pool, notes),
        )
        self.operations.append(operation)

    def notes(self, ident: str) -> Mapping[str, Any]:
        """What is noted of an object, so far."""
        return self._notes.get(ident, self.view.notes(ident))

    def _noted(self, ident: str, more: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if not more:
            return None
        merged = {**self.notes(ident), **more}
        mine = {key: value for key, value in merged.items() if value is not None}
        self._notes[ident] = mine
        meta = self.view.configuration.meta.get(ident)
        others = {} if meta is None else dict(meta.notes)
        return {**others, DIALECT: mine} if mine else others

    def _do(
        self,
        op: Op,
        collection: str,
        word: str,
        body: Any,
        notes: Mapping[str, Any] | None,
    ) -> None:
        self.operations.append(
            Operation(op=op, collection=collection, word=word, body=body, notes=notes)
        )
