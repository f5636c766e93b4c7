"""Pipes that bytes are moved through by the kernel: how large, how many, and used again."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from typing import Final

#: Bodies shorter than this are copied.
WORTHWHILE: Final = 65536
#: Sizes of pipes, by how many are in use: an unprivileged user has 64 MiB of them in all.
_SIZES: Final = ((16, 1 << 20), (128, 1 << 18), (1 << 30, 1 << 16))
#: Pipes that are kept for the next one, and pipes that there may be at all.
_KEPT: Final = 64
_MOST: Final = 4096
#: Of the descriptors that the process may have, one in so many may be a pipe's: each pipe is two.
_SHARE: Final = 4
#: Times that none is asked for after there was none.
_SKIPPED: Final = 64
_F_SETPIPE_SZ: Final = 1031
_F_GETPIPE_SZ: Final = 1032
_MOVE: Final = 1
_NONBLOCK: Final = 2
_MORE: Final = 4
_FLAGS: Final = _MOVE | _NONBLOCK


class Pipe:
    """
    A pipe.

    @ivar size: bytes that it holds at the most.
    """

    __slots__ = ("read", "size", "write")

    def __init__(self, read: int, write: int, size: int) -> None:
        self.read = read
        self.write = write
        self.size = size

    def fill(self, descriptor: int, count: int) -> int:
        """
        Take bytes from a socket, C{count} at the most; 0: it has ended.

        @raise OSError: C{BlockingIOError} for none at the moment.
        """
        return os.splice(descriptor, self.write, count, flags=_FLAGS)

    def drain(self, descriptor: int, count: int, more: bool) -> int:
        """
        Give bytes to a socket; how many it took.

        @param more: others follow at once.

        @raise OSError: C{BlockingIOError} when it takes none at the moment.
        """
        return os.splice(self.read, descriptor, count, flags=_FLAGS | (_MORE if more else 0))

    def rescue(self, count: int) -> bytes:
        """So many bytes that are in it, for sending them otherwise."""
        data = b""
        while len(data) < count:
            data += os.read(self.read, count - len(data))
        return data

    def close(self) -> None:
        """Give both ends back to the system."""
        os.close(self.read)
        os.close(self.write)


class Pipes:
    """
    The pipes of a process.

    @ivar used: pipes that pumps have now.
    @ivar useless: the system does not splice sockets, so everything is copied.
    """

    def __init__(self) -> None:
        self._free: list[Pipe] = []
        self._spare = 0
        self._skipped = 0
        self._most = _affordable()
        self.used = 0
        self.useless = False

    def take(self) -> Pipe | None:
        """An empty pipe, C{None} when there is none to be had that is worth having."""
        if self._free:
            self.used += 1
            pipe = self._free.pop()
            self._spare = min(self._spare, len(self._free))
            return pipe
        if self._skipped:
            # There was none a moment ago, and who asks asks with every piece of a body.
            self._skipped -= 1
            return None
        if self.used >= self._most or self.useless:
            return None
        try:
            read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._skipped = _SKIPPED
            return None
        pipe = Pipe(read, write, _enlarge(write, self.used))
        if pipe.size < WORTHWHILE:
            pipe.close()
            self._skipped = _SKIPPED
            return None
        self.used += 1
        return pipe

    def give(self, pipe: Pipe, empty: bool) -> None:
        """Have a pipe back; what is left in one belongs to somebody, so it is not used again."""
        self.used -= 1
        if empty and len(self._free) < _KEPT:
            self._free.append(pipe)
        else:
            pipe.close()

    def ease(self) -> None:
        """Close some of those that nobody has wanted since the last call; call it now and then."""
        for _ in range((self._spare + 7) // 8):
            self._free.pop(0).close()
        self._spare = len(self._free)

    def close(self) -> None:
        """Close those that are kept."""
        free, self._free = self._free, []
        self._spare = 0
        for pipe in free:
            pipe.close()


def _affordable() -> int:
    """How many pipes leave enough descriptors for clients and members."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if soft == resource.RLIM_INFINITY else min(_MOST, soft // (2 * _SHARE))


def _enlarge(descriptor: int, used: int) -> int:
    """Make a pipe as large as it may be; how large it is."""
    for count, size in _SIZES:
        if used < count:
            try:
                return fcntl.fcntl(descriptor, _F_SETPIPE_SZ, size)
            except OSError as why:
                if why.errno not in (errno.EPERM, errno.EBUSY, errno.ENOMEM):
                    return 0
    return fcntl.fcntl(descriptor, _F_GETPIPE_SZ)
