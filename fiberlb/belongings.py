"""
Directories and files that root makes for the user whom the process becomes.

Whatever that user can make is made with no more than the user's rights. Only
where those do not reach, and so nobody else of that user can be at work, root
makes it and gives it away; what is there already is left to whom it belongs.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

#: Of the logs: their group may read them.
LOG_MODE = 0o640


@attrs.frozen
class User:
    """
    Whom the process becomes.

    @ivar gid: of the main group; the user's others come along.
    """

    uid: int
    gid: int
    name: str

    @property
    def owner(self) -> tuple[int, int]:
        """User and group of what belongs to it."""
        return self.uid, self.gid


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """
    Within, the process has the rights of a user; it must be root's.

    @raise OSError: it is not.
    """
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    os.initgroups(user.name, user.gid)
    try:
        os.setegid(user.gid)
        os.seteuid(user.uid)
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def may_write(user: User, directory: str) -> bool:
    """Whether a user may make files in a directory."""
    with acting_as(user):
        return os.access(directory, os.W_OK | os.X_OK, effective_ids=True)


def make_directory(path: str, user: User) -> None:
    """
    Make a directory that is the user's alone (0700), if there is none.

    Those above it that are missing become root's, for everybody to pass.

    @raise OSError: it cannot be made.
    """
    if os.path.lexists(path):
        return
    above = os.path.dirname(path)
    if may_write(user, above):
        with acting_as(user):
            os.mkdir(path, 0o700)
        return
    if not os.path.lexists(above):
        _make_above(above)
    os.mkdir(path, 0o700)
    with _opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
        os.fchown(fd, *user.owner)


def _make_above(path: str) -> None:
    if os.path.lexists(path):
        return
    _make_above(os.path.dirname(path))
    os.mkdir(path)
    with _opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
        # Not what the umask leaves of it.
        os.fchmod(fd, 0o755)


def make_log(path: str, user: User) -> None:
    """
    Make a log's file, if there is none where the user may not make one.

    @raise OSError: it cannot be made.
    """
    if os.path.lexists(path) or may_write(user, os.path.dirname(path)):
        return
    with _opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as fd:
        os.fchmod(fd, LOG_MODE)
        os.fchown(fd, *user.owner)


def give(path: str, user: User) -> None:
    """
    Give the user a file that this process has made as root.

    One that is somebody else's, or has another name elsewhere, is left alone.

    @raise OSError: it cannot be given.
    """
    with _opened(path, os.O_RDONLY | os.O_NONBLOCK) as fd:
        found = os.fstat(fd)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1:
            os.fchown(fd, *user.owner)


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)
