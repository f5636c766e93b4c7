"""The datagram socket on which a service manager hears how a process is (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping

#: Characters of a status line at most: it is for a screen.
LONGEST = 400


class Notify:
    """
    Sends states; it never blocks and never raises.

    @param address: a path, or C{@NAME} in the abstract namespace of Linux.
    """

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def send(self, lines: str) -> bool:
        """
        Say it.

        @param lines: C{NAME=VALUE}, one a line.
        @return: whether it was taken; a full queue, and a manager that restarts, do not take it.
        """
        try:
            # Not connected: another manager may listen at the address by the next time.
            self._socket.sendto(lines.encode("utf-8", "replace"), self._address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """The end."""
        self._socket.close()


def notify(variables: Mapping[str, str]) -> Notify | None:
    """
    Where C{NOTIFY_SOCKET} says; C{None}: nobody wants to hear, or at an address of another kind.

    @param variables: that are meant for this process.
    """
    address = variables.get("NOTIFY_SOCKET", "")
    return Notify(address) if address[:1] in ("/", "@") and len(address) > 1 else None


def watchdog(variables: Mapping[str, str]) -> float | None:
    """
    Seconds after which the manager ends a process that says nothing (C{WATCHDOG_USEC}).

    @param variables: that are meant for this process.
    @return: C{None}: it waits for ever.
    """
    text = variables.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 if text.isascii() and text.isdecimal() and int(text) else None


def status(text: str) -> str:
    """A line that says how things are, as C{systemctl status} shows it."""
    line = " ".join(text.split())
    return f"STATUS={line if len(line) <= LONGEST else line[: LONGEST - 3] + '...'}"
