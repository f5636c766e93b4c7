"""
Listening sockets that the process was started with (sd_listen_fds(3)).

systemd tells of them in the environment, by pid, with names. Other starters
only leave descriptors open: those are found by their numbers.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import attrs

from fiberlb.model.addresses import FD

_FIRST = 3


@attrs.frozen
class Inherited:
    """
    What was inherited.

    @ivar descriptors: the listening stream sockets, by number.
    @ivar names: name -> numbers; systemd gives one name to all sockets of a unit, unless told.
    """

    descriptors: frozenset[int] = frozenset()
    names: Mapping[str, tuple[int, ...]] = attrs.field(factory=dict)

    def find(self, address: str) -> int:
        """
        The descriptor of C{fd:NUMBER} or C{fd:NAME}.

        @raise LookupError: there is none, or not one alone; the message says so.
        """
        word = address.removeprefix(FD)
        found = (int(word),) if word.isdecimal() else self.names.get(word, ())
        found = tuple(number for number in found if number in self.descriptors)
        if len(found) > 1:
            numbers = " and ".join(f"{FD}{number}" for number in found)
            raise LookupError(f"several sockets are named {word}: use {numbers}")
        if not found:
            raise LookupError(f"this process was not started with a listening socket {address}")
        return found[0]

    def copy(self, address: str) -> socket.socket:
        """
        A socket of ours on the same queue; the inherited one stays open, for later images.

        @raise LookupError: as L{find}.
        """
        sock = socket.socket(fileno=os.dup(self.find(address)))
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            # Inherited by what is accepted.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def inherited(environment: Mapping[str, str], pid: int) -> Inherited:
    """
    Look what there is; to be called before the process opens sockets of its own.

    @param pid: of this process.
    """
    descriptors = frozenset(filter(_listens, _open_descriptors()))
    return Inherited(descriptors, _names(environment, pid))


def _open_descriptors() -> list[int]:
    # What is not to be inherited was not inherited either: it is ours.
    return [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd >= _FIRST and _inherits(fd)]


def _inherits(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        # That of the listing itself.
        return False


def _listens(fd: int) -> bool:
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return False
    try:
        accepts = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(accepts) and sock.type == socket.SOCK_STREAM
    except OSError:
        return False
    finally:
        sock.detach()


def _names(environment: Mapping[str, str], pid: int) -> Mapping[str, tuple[int, ...]]:
    if environment.get("LISTEN_PID") != str(pid):
        return {}
    try:
        count = int(environment.get("LISTEN_FDS", "0"))
    except ValueError:
        return {}
    found: dict[str, tuple[int, ...]] = {}
    words = environment.get("LISTEN_FDNAMES", "").split(":")
    for number, name in zip(range(_FIRST, _FIRST + count), words, strict=False):
        found[name] = (*found.get(name, ()), number)
    return found
