"""
Listening Unix sockets: files that outlive their processes, told from those that live.

A file whose process is gone is replaced, one that somebody listens at is not.
Of two processes that start at the same moment one has to wait: the directory
is locked from the look to the moment the new socket listens.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager

#: Whoever may enter the directory may connect, as with nginx.
MODE = 0o666

#: Device and inode of a file: tells it from another one of the same name.
Identity = tuple[int, int]


class NoSocket(Exception):
    """Something else stands at the path; the message says what."""


def listen_unix(path: str, backlog: int, mode: int = MODE) -> socket.socket:
    """
    A socket that listens at a path.

    @param mode: of its file, whatever the umask.

    @raise NoSocket: what is there is no socket, and stays.
    @raise OSError: C{EADDRINUSE}: somebody listens there; else what the system says.
    """
    with _locked(os.path.dirname(path)):
        sock = socket.socket(
            socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )
        try:
            _bind(sock, path)
            # Not what the process's umask leaves of it.
            os.chmod(path, mode)
            sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return sock


def _bind(sock: socket.socket, path: str) -> None:
    try:
        sock.bind(path)
    except OSError as why:
        if why.errno != errno.EADDRINUSE:
            raise
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise NoSocket(f"{path} is there and is no socket") from None
        if alive(path):
            raise
        os.unlink(path)
        sock.bind(path)


def alive(path: str) -> bool:
    """Whether somebody listens at a path, as far as can be told; in doubt somebody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        return sock.connect_ex(path) not in (errno.ECONNREFUSED, errno.ENOENT)


@contextmanager
def _locked(directory: str) -> Iterator[None]:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def identity(path: str) -> Identity | None:
    """Which file is there; C{None}: none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def remove(path: str, expected: Identity | None) -> None:
    """Remove a socket's file, unless it is another one by now, or may not be removed."""
    if expected is not None and identity(path) == expected:
        try:
            os.unlink(path)
        except OSError:
            # The directory is not ours any more; the next start replaces the file.
            pass
