"""What C{file:} values name: read once, and recognised when it has changed."""

from __future__ import annotations

import os
import stat

import attrs

#: The largest file that a C{file:} value may name, in bytes.
LARGEST_VALUE = 1024 * 1024

#: Tells one state of a file from another: which file the name leads to, its size, its times.
Stamp = tuple[int, int, int, int, int]


@attrs.frozen
class NamedFile:
    """
    A file as it was when it was read.

    @ivar path: absolute; symbolic links in it are followed anew each time.
    @ivar stamp: taken before reading, so that what changes meanwhile is noticed; C{None}: it
        was not there.
    """

    path: str
    stamp: Stamp | None

    @property
    def changed(self) -> bool:
        """Whether the name leads to something else by now; blocks."""
        return stamp(self.path) != self.stamp


def stamp(path: str) -> Stamp | None:
    """The state of a file, C{None} if there is none; blocks."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Reading:
    """
    Reads what values name, and remembers it.

    @param directory: what relative names are relative to.
    @ivar files: by the names as they were given.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.files: dict[str, NamedFile] = {}

    def __call__(self, name: str) -> str:
        """
        The text of a file; blocks.

        @raise OSError: it cannot be read, is larger than L{LARGEST_VALUE}, or is no file.
        @raise UnicodeDecodeError: it is no text.
        """
        path = os.path.join(self._directory, name)
        self.files[name] = NamedFile(path, stamp(path))
        found = content(path, LARGEST_VALUE, regular=True)
        if len(found) > LARGEST_VALUE:
            raise OSError(None, f"larger than {LARGEST_VALUE // 1024**2}MiB")
        return found.decode("utf-8")


def content(name: str, most: int, regular: bool = False) -> bytes:
    """
    A file's content, one byte more than C{most} when it is larger.

    @param regular: refuse pipes and devices, which could block the process.
    @raise OSError: it cannot be read.
    """
    with open(name, "rb", opener=_without_waiting if regular else None) as opened:
        if regular and not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(None, "not a regular file")
        return opened.read(most + 1)


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)
