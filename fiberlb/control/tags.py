"""
Entity tags: which state of an object, with all that it contains, a client has seen.

The tag of an object is the highest revision of the object and of what it
contains, that of a list the current one. Objects of the file have no revision:
once the file was read again, a digest of those that take part is added, so
that a reload changes tags too: C{12-5f0c63a1}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from fiberlb.control.document import FileLayer
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.convert import unstructure
from fiberlb.model.resource import Owner, Resource


class FileDigests:
    """
    What the objects of a file layer look like, in a few characters each.

    Made once for a file layer; digests are computed when they are first asked for.

    @param first: it is the first file of this process: nobody has seen another one, and
        there are no digests.
    """

    def __init__(self, file: FileLayer, first: bool = False) -> None:
        self._file = file
        self._first = first
        self._known: dict[str, bytes] = {}
        self._whole: str | None = None

    def of(self, collection: str, ident: str) -> bytes:
        """The digest of one object, whoever it belongs to."""
        if self._first:
            return b""
        found = self._known.get(ident)
        if found is None:
            made = self._file.configuration.objects.get(collection, {}).get(ident)
            found = b"" if made is None else _digest(made)
            self._known[ident] = found
        return found

    @property
    def whole(self) -> str:
        """The digest of all objects of the file; empty when there are none."""
        if self._first:
            return ""
        if self._whole is None:
            objects = self._file.configuration.objects
            each = [self.of(c, ident) for c in COLLECTIONS for ident in objects.get(c, {})]
            self._whole = _short(each) if each else ""
        return self._whole


class Tags:
    """
    The entity tags of one configuration.

    @param contents: id -> the revision that last took a child out of it.
    """

    def __init__(
        self, configuration: Configuration, contents: Mapping[str, int], file: FileDigests
    ) -> None:
        self._configuration = configuration
        self._contents = contents
        self._file = file

    @property
    def whole(self) -> str:
        """The tag of every list and of the configuration as a whole."""
        revision = str(self._configuration.revision)
        return f"{revision}-{self._file.whole}" if self._file.whole else revision

    def of(self, collection: str, ident: str) -> str:
        """
        The tag of an object.

        @raise KeyError: there is no such object.
        """
        newest = 0
        digests: list[bytes] = []
        left = [(collection, ident)]
        while left:
            kind, one = left.pop()
            meta = self._configuration.meta[one]
            newest = max(newest, meta.revision, self._contents.get(one, 0))
            if meta.managed_by is Owner.FILE:
                digests += filter(None, [self._file.of(kind, one)])
            left.extend(_children(self._configuration, kind, one))
        return f"{newest}-{_short(sorted(digests))}" if digests else str(newest)


def _children(configuration: Configuration, collection: str, ident: str) -> list[tuple[str, str]]:
    return [
        (name, child.id)
        for name, cls in COLLECTIONS.items()
        if cls.PARENT is not None and cls.PARENT[1] == collection
        for child in configuration.children(cls, ident)
    ]


def _digest(made: Resource) -> bytes:
    text = json.dumps([made.COLLECTION, unstructure(made, secrets=True)], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()


def _short(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(digests)).hexdigest()[:8]
