"""The bodies of operations, held against what is there: what cannot be set, keys that stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.control.bodies import completed, facts, settable, unmarked
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.draft import Draft
from fiberlb.errors import Path
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.fields import Loading
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Resource


class Sent:
    """
    Reads what clients send about objects of a draft.

    @param loading: gathers the problems.
    """

    def __init__(self, draft: Draft, certificates: CertificateFacts, loading: Loading) -> None:
        self._draft = draft
        self._certificates = certificates
        self._loading = loading

    def settable(
        self, collection: str, document: Any, at: Path, ident: str = "", parent: str = ""
    ) -> Any:
        """
        A document without what cannot be set, and with the parent's id for its name.

        @param ident: the object's id where the place of the request says it.
        @param parent: the parent's id likewise.
        """
        body = settable(collection, document, at, self._loading, self._known, ident)
        cls = COLLECTIONS.get(collection)
        of = None if cls is None else cls.PARENT
        if of is None or not isinstance(body, dict):
            return body
        word = body.get(of[0])
        if parent and isinstance(word, str) and word:
            named = self._draft.seek(of[1], word)
            return {**body, of[0]: named.id} if named is not None else body
        return body

    def completed(self, document: Any, current: Resource, by_name: bool, at: Path) -> Any:
        """A document that replaces an object, with what absence keeps (L{completed})."""
        return completed(document, current, by_name, self._certificates, at, self._loading)

    def unmarked(self, document: Any, current: Resource | None, at: Path) -> Any:
        """A document with the stored key in place of its mark (L{unmarked})."""
        if not isinstance(document, dict):
            return document
        return unmarked(document, current, self._certificates, at, self._loading)

    def _known(self, collection: str, ident: str) -> Mapping[str, Any] | None:
        configuration = self._draft.state.configuration
        if collection == HealthMonitor.COLLECTION:
            return self._known_monitor(ident)
        made = configuration.objects.get(collection, {}).get(ident)
        if made is None:
            return None
        ordered = isinstance(made, Certificate) and made.acme is not None
        return {**facts(configuration, made, self._certificates), "ordered": ordered}

    def _known_monitor(self, ident: str) -> Mapping[str, Any] | None:
        configuration = self._draft.state.configuration
        for pool in configuration.all(Pool).values():
            if pool.health_monitor is not None and pool.health_monitor.id == ident:
                return facts(configuration, pool, self._certificates)
        return None
