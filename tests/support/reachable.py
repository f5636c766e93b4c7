"""
Runs a command where other users can get at this checkout and its Python.

C{python reachable.py COMMAND...}, as root: directories on the way that are
closed to others are replaced, in a mount namespace of the command's own, by
ones that hold nothing but what is needed. Outside nothing changes.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

_NEWNS = 0x20000
_BIND, _MOVE, _RECURSIVE, _PRIVATE = 0x1000, 0x2000, 0x4000, 1 << 18


def needed() -> list[str]:
    """What a process of another user has to read."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [sys.base_prefix, sys.prefix, here, os.getcwd(), *sys.path]
    return sorted({os.path.realpath(path) for path in paths if path and os.path.exists(path)})


def closed(paths: Iterable[str]) -> str | None:
    """The first directory on the way to any of these that others may not pass."""
    for path in paths:
        for above in [*reversed(Path(path).parents), Path(path)]:
            if above.is_dir() and not above.stat().st_mode & 0o001:
                return str(above)
    return None


def main(command: list[str]) -> None:
    """Become the command."""
    paths, directory = needed(), os.getcwd()
    libc = ctypes.CDLL(None, use_errno=True)

    def done(result: int) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def mount(source: str, target: str, kind: bytes, flags: int, options: bytes | None) -> None:
        done(libc.mount(source.encode(), target.encode(), kind, flags, options))

    if closed(paths) is not None:
        done(libc.unshare(_NEWNS))
        mount("none", "/", b"", _RECURSIVE | _PRIVATE, None)
    while (blocking := closed(paths)) is not None:
        inside = [path for path in paths if path.startswith(blocking + "/")]
        inside = [p for p in inside if not any(p.startswith(o + "/") for o in inside)]
        aside = tempfile.mkdtemp()
        mount("none", aside, b"tmpfs", 0, None)
        for number, path in enumerate(inside):
            os.mkdir(f"{aside}/{number}")
            mount(path, f"{aside}/{number}", b"", _BIND | _RECURSIVE, None)
        mount("none", blocking, b"tmpfs", 0, b"mode=755")
        for number, path in enumerate(inside):
            os.makedirs(path, mode=0o755, exist_ok=True)
            mount(f"{aside}/{number}", path, b"", _MOVE, None)
        done(libc.umount2(aside.encode(), 0))
        os.rmdir(aside)
    os.chdir(directory)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
