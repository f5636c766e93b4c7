"""The process settings of the configuration file, its relative paths made absolute."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import attrs

from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import structure
from fiberlb.model.fields import Loading
from fiberlb.model.settings import Settings

#: Top-level keys that begin with it hold what the file's anchors refer to, nothing else.
IGNORED = "x-"
#: Words that stand where a path of a log may stand.
_STREAMS = frozenset({"stdout", "stderr"})
_SQLITE = "sqlite:"


def settings_part(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level keys that are settings, unknown ones among them."""
    return {
        key: content
        for key, content in tree.items()
        if not key.startswith(IGNORED) and (key not in COLLECTIONS or key not in Settings.CHILDREN)
    }


def load_settings(part: Mapping[str, Any], directory: str, loading: Loading) -> Settings | None:
    """
    The settings of one file.

    @param directory: what relative paths are relative to.

    @return: C{None} after noting what was wrong.
    """
    made = structure(Settings, dict(part), (), loading)
    return None if made is None else _absolute(made, directory)


def merged(settings: list[tuple[Mapping[str, Any], Settings]]) -> Settings:
    """
    The settings of several files, none of which gives a key of another.

    @param settings: of each file, what was read and what it gave.
    """
    made = Settings()
    for part, given in settings:
        made = attrs.evolve(made, **{key: getattr(given, key) for key in part})
    return made


def _absolute(made: Settings, directory: str) -> Settings:
    def joined(path: str) -> str:
        return os.path.join(directory, path)

    def log(path: str) -> str:
        return path if path in _STREAMS else joined(path)

    store = made.store
    if isinstance(store, str) and store.startswith(_SQLITE):
        store = _SQLITE + joined(store[len(_SQLITE) :])
    return attrs.evolve(
        made,
        state_directory=made.state_directory and joined(made.state_directory),
        key_file=made.key_file and joined(made.key_file),
        store=store,
        access_log=attrs.evolve(made.access_log, path=log(made.access_log.path)),
        log=attrs.evolve(made.log, path=log(made.log.path)),
    )
