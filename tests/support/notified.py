"""The other end of a notify socket: what a service manager would hear."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

#: Seconds that something may take to be said.
PATIENCE = 60.0


class Listening:
    """
    A notify socket.

    @ivar address: for C{NOTIFY_SOCKET}.
    @ivar heard: every message so far, each as its names and values.
    """

    def __init__(self, *, abstract: bool = False) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # A path of its own: that of a Unix socket ends at 107 octets.
        self.address = f"@fiberlb-test-{os.getpid()}-{id(self)}"
        if not abstract:
            self.address = str(Path(mkdtemp(prefix="fl-"), "notify"))
        self.socket.bind(self.address.replace("@", "\0", 1) if abstract else self.address)
        self.heard: list[dict[str, str]] = []

    def close(self) -> None:
        """The end."""
        self.socket.close()
        if not self.address.startswith("@"):
            os.unlink(self.address)
            os.rmdir(os.path.dirname(self.address))

    def hear(self, within: float) -> dict[str, str] | None:
        """The next message; C{None}: nothing is said for so long."""
        self.socket.settimeout(within)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, BlockingIOError):
            return None
        message = dict(line.split("=", 1) for line in data.decode().splitlines())
        self.heard.append(message)
        return message

    def wait_for(
        self, wanted: Callable[[dict[str, str]], bool], within: float = PATIENCE
    ) -> dict[str, str]:
        """
        The first message from here on that is wanted.

        @raise AssertionError: it does not come; the text has what was heard.
        """
        until = monotonic() + within
        while (left := until - monotonic()) > 0:
            message = self.hear(left)
            if message is not None and wanted(message):
                return message
        raise AssertionError(self.heard[-20:])

    def wait_for_state(self, name: str, within: float = PATIENCE) -> dict[str, str]:
        """The next message with C{NAME=1}."""
        return self.wait_for(lambda message: message.get(name) == "1", within)

    def wait_for_status(self, part: str, within: float = PATIENCE) -> dict[str, str]:
        """The next message whose status has this in it."""
        return self.wait_for(lambda message: part in message.get("STATUS", ""), within)
