"""The few things of Linux that Python has no call for."""

from __future__ import annotations

import ctypes
import math
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path, PurePath

_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_SO_ATTACH_REUSEPORT_CBPF = 51
_SO_DETACH_REUSEPORT_BPF = 68
#: Classic BPF (linux/filter.h): a random number, modulo the number of sockets, is the socket.
_RANDOM, _MODULO, _RETURN = 0xFFFFF000 + 56, 0x94, 0x16
_LOAD = 0x20
_CAPABILITY_VERSION_3 = 0x20080522


def become_subreaper() -> None:
    """
    Have orphaned grandchildren become children of this process (prctl(2)).

    It is not inherited over a fork: to be called when the process is its final one.

    @raise OSError: the system refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def drop_capabilities() -> None:
    """
    Give up what this process may do beyond others of its user (capset(2)); root's stays.

    @raise OSError: the system refuses.
    """
    if os.geteuid() == 0:
        return
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    # Effective, permitted, inheritable, twice 32 bits each; the ambient ones go along.
    if libc.capset(header, bytes(24)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def name_process(name: str) -> None:
    """The name that ps and top show; cut at 15 characters."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def steer(sock: socket.socket, active: int) -> None:
    """
    Send new connections to the first C{active} sockets of a group only.

    The group is what shares an address with SO_REUSEPORT, in the order in
    which its sockets began to listen.

    @raise OSError: the system refuses.
    """
    code = [(_LOAD, 0, 0, _RANDOM), (_MODULO, 0, 0, active), (_RETURN, 0, 0, 0)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    option = struct.pack("HL", len(code), ctypes.addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, option)


def release(sock: socket.socket) -> None:
    """Undo L{steer}; where nothing was steered, nothing happens."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_REUSEPORT_BPF, 0)
    except OSError:
        # No program is there, or the kernel is older than 5.3 and keeps it.
        pass


def processors(root: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> int:
    """
    How many processors this process may keep busy: its affinity, and the least quota of its
    control group and of those above it, rounded up; at least 1.

    @param root: where the control groups are mounted.
    @param own: which ones this process is in, one a line (cgroups(7)).
    """
    allowed = len(os.sched_getaffinity(0))
    for quota, period in _quotas(Path(root), own):
        if quota > 0 and period > 0:
            allowed = min(allowed, math.ceil(quota / period))
    return max(1, allowed)


def _quotas(root: Path, own: str) -> Iterator[tuple[int, int]]:
    """Quota and period of every group; a container sees its own as the root."""
    for controller, path in {("", "/"), ("cpu", "/"), *_groups(own)}:
        for above in (PurePath(path), *PurePath(path).parents):
            place = str(above).lstrip("/")
            yield _quota_v1(root, place) if controller else _quota_v2(root / place)


def _quota_v2(group: Path) -> tuple[int, int]:
    words = _words(group / "cpu.max")
    return (words[0], words[1]) if len(words) == 2 else (0, 0)


def _quota_v1(root: Path, place: str) -> tuple[int, int]:
    for mount in ("cpu", "cpu,cpuacct"):
        quota = _words(root / mount / place / "cpu.cfs_quota_us")
        period = _words(root / mount / place / "cpu.cfs_period_us")
        if quota and period:
            return quota[0], period[0]
    return 0, 0


def _groups(own: str) -> Iterator[tuple[str, str]]:
    """Of this process: C{cpu} and a path in version 1, nothing and a path in version 2."""
    try:
        lines = Path(own).read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield "", path
        elif "cpu" in controllers.split(","):
            yield "cpu", path


def _words(path: Path) -> list[int]:
    """The numbers in a file; none where it is missing, or says C{max}."""
    try:
        return [int(word) for word in path.read_text("ascii").split()]
    except (OSError, ValueError):
        return []
