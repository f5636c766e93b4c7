"""
The file layer: what the configuration file says, every object with its place.

References are still names here; L{fiberlb.control.validate} resolves them
together with the objects of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from fiberlb.control.yaml_file import Document
from fiberlb.errors import Path, Position, Problem
from fiberlb.model.configuration import Configuration
from fiberlb.model.settings import Settings


@attrs.frozen
class Place:
    """
    Where an object stands.

    @ivar document: the file; C{None} when it came from the command's arguments.
    @ivar path: within that document.
    @ivar elsewhere: fields that stand under another path than their own name.
    """

    document: Document | None
    path: Path
    elsewhere: Mapping[str, Path] = attrs.field(factory=dict)


@attrs.frozen
class FileLayer:
    """
    What C{-c} names, or C{--from} and C{--to}: node-local, never stored.

    @ivar settings: the process settings, every path in them absolute.
    @ivar configuration: the objects, owned by the file; references are still
        the words that the file has (names or ids).
    @ivar places: (collection, id) -> where the object stands.
    @ivar owned_lists: (parent's id, child collection) of the child lists that
        the file gives; other child lists are left to the API.
    @ivar files: the files that were read, in order; empty without a file.
    @ivar admin_ports: where the admin API may listen, the first free one is
        taken; C{None}: as the settings say.
    @ivar ephemeral: nothing may be written to disk.
    """

    settings: Settings
    configuration: Configuration
    places: Mapping[tuple[str, str], Place] = attrs.field(factory=dict)
    owned_lists: frozenset[tuple[str, str]] = frozenset()
    files: tuple[str, ...] = ()
    admin_ports: range | None = None
    ephemeral: bool = False

    def position(self, path: Path) -> Position | None:
        """
        Where a field stands in a file: the key, else the nearest thing around it.

        @param path: (collection, id, field, ...), as configuration-wide checks give it.
        """
        raise NotImplementedError

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """
        Problems at (collection, id, field, ...) told as the file's reader knows them.

        Those about objects of the file get the path in the document and the
        position; the others are left as they are. Ordered as in the file.
        """
        raise NotImplementedError


def load_file(path: str, environ: Mapping[str, str], now: str = "") -> FileLayer:
    """
    Read a configuration file, or the C{*.yaml} of a directory in lexical order.

    @param environ: the variables for C{${NAME}}.
    @param now: RFC 3339 in UTC, for the objects' times.

    @raise ConfigurationError: with every problem, each with its position.
    """
    raise NotImplementedError
