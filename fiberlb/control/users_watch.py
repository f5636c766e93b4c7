"""
Files of users that change are read again, by themselves.

They are looked at in a thread, every L{INTERVAL}, by their names, so that a file renamed over
another one is the same as one written in place. One that cannot be read, or is no list of users,
changes nothing: the old users stay.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb.control.aside import LARGE
from fiberlb.control.document import FileLayer
from fiberlb.control.file_values import Reading, Stamp, stamp
from fiberlb.control.looking import Looking, Run
from fiberlb.control.service import ControlService
from fiberlb.model.basic_auth import NotUsers, UsersFile, users_of
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.treated import Treated

#: Collection and id of an object.
_Key = tuple[str, str]


@attrs.frozen
class _Seen:
    """A file as it was looked at; C{users}: C{None} where it was refused for C{why}."""

    stamp: Stamp | None
    settled: bool
    users: tuple[tuple[str, str], ...] | None
    why: str = ""


class UsersWatch(Looking):
    """
    Looks after the files that C{basic_auth} names.

    @param run: runs in a thread.
    """

    _log = Logger()
    WHAT = "files of users"

    def __init__(self, control: ControlService, clock: IReactorTime, run: Run) -> None:
        super().__init__(clock)
        self._control = control
        self._run = run
        self._generation = -1
        self._named: dict[_Key, tuple[str, UsersFile]] = {}
        self._seen: dict[str, _Seen] = {}
        self._said: dict[str, str] = {}

    async def _look(self) -> None:
        layer = self._control.state.file
        generation = self._control.file_generation
        if generation != self._generation:
            # Of a large file this goes through tens of thousands of objects.
            large = layer.configuration.size >= LARGE
            self._named = await self._run(lambda: _named(layer)) if large else _named(layer)
            self._generation = generation
        named = self._named
        if not named:
            self._seen.clear()
            self._control.mind_files("users", ())
            return
        before = dict(self._seen)
        paths = {path for path, _ in named.values()}
        self._seen = seen = await self._run(lambda: {p: _look_at(p, before.get(p)) for p in paths})
        for path in paths:
            self._tell(path, seen[path].why)
        self._control.mind_files("users", (_refused(p, seen[p].why) for p in paths if seen[p].why))
        renewed = {
            key: UsersFile(old.name, users)
            for key, (path, old) in named.items()
            if (users := seen[path].users) is not None and users != old.users
        }
        if renewed and await self._control.renew(layer, _with(layer, renewed)):
            self._log.info(
                "Users were read again from {names}",
                names=", ".join(sorted({named[key][0] for key in renewed})),
            )

    def _tell(self, path: str, why: str) -> None:
        """Say once why a file is refused."""
        if why and self._said.get(path) != why:
            self._log.error("{problem}", problem=_refused(path, why))
        self._said[path] = why


def _refused(path: str, why: str) -> str:
    return f"{path} has changed and is refused, the old users stay: {why}"


def _named(layer: FileLayer) -> dict[_Key, tuple[str, UsersFile]]:
    """Who names a file of users: its path, and what it said."""
    found = {}
    for collection, cls in COLLECTIONS.items():
        if not issubclass(cls, Treated):
            continue
        for ident, made in layer.configuration.objects[collection].items():
            value = getattr(made, "basic_auth", None)
            place = layer.places.get((collection, ident))
            if value is None or value.users_file is None or not place or not place.document:
                continue
            directory = os.path.dirname(os.path.abspath(place.document.file))
            path = os.path.join(directory, value.users_file.name)
            found[collection, ident] = (path, value.users_file)
    return found


def _look_at(path: str, before: _Seen | None) -> _Seen:
    """A file, read if it is another one than before; in a thread."""
    now = stamp(path)
    same = before is not None and before.stamp == now
    if before is not None and same and before.settled:
        return before
    # Times of files are coarse: what was read just after a change is read once more.
    return _read(path, now, same)


def _read(path: str, now: Stamp | None, settled: bool) -> _Seen:
    try:
        return _Seen(now, settled, users_of(Reading("/")(path)))
    except OSError as why:
        return _Seen(now, settled, None, f"cannot be read: {why.strerror}")
    except UnicodeDecodeError:
        return _Seen(now, settled, None, "is not text")
    except NotUsers as why:
        return _Seen(now, settled, None, str(why))


def _with(layer: FileLayer, renewed: Mapping[_Key, UsersFile]) -> FileLayer:
    """The layer with these users in place of theirs, nothing else touched."""
    configuration = layer.configuration
    objects: dict[str, dict[str, Any]] = {
        collection: dict(found) for collection, found in configuration.objects.items()
    }
    for (collection, ident), users in renewed.items():
        made: Any = objects[collection][ident]
        value = attrs.evolve(made.basic_auth, users_file=users)
        objects[collection][ident] = attrs.evolve(made, basic_auth=value)
    return attrs.evolve(layer, configuration=attrs.evolve(configuration, objects=objects))
