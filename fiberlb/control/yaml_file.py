"""YAML by the 1.2 core schema, with a position for everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fiberlb.errors import Path, Position, Problem


@attrs.frozen
class Document:
    """
    One file, read.

    @ivar file: its name, for people.
    @ivar tree: dicts with text keys, lists, text, L{fiberlb.model.written.Written}, C{None}.
    @ivar problems: what is wrong with it beside its syntax (keys given twice,
        variables that are not set), with positions.
    """

    file: str
    tree: Any
    problems: tuple[Problem, ...]

    def position(self, path: Path) -> Position:
        """Where a field stands: its key, else the nearest thing around it."""
        raise NotImplementedError


def read_yaml(content: bytes, name: str, environ: Mapping[str, str]) -> Document:
    """
    Read one document.

    @raise ConfigurationError: with the position, when it is not YAML or too large.
    """
    raise NotImplementedError
