"""HAProxy, for comparing what it does with what FiberLB does."""

from __future__ import annotations

from pathlib import Path

from tests.support.ports import free_port
from tests.support.programs import Program, accepts, need, temporary_directory

_CONFIGURATION = """
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend in
    bind 127.0.0.1:{port}
    default_backend out
{frontend}
backend out
{servers}
"""


class HAProxy:
    """
    One HAProxy in front of members.

    @ivar port: where it listens.
    """

    def __init__(self, members: list[str], frontend: str = "") -> None:
        """
        @param members: C{HOST:PORT} each.
        @param frontend: further lines of the frontend section.
        """
        self._haproxy = need("haproxy")
        self.port = free_port()
        self.directory = temporary_directory()
        self.program: Program | None = None
        servers = "\n".join(f"    server s{i} {member}" for i, member in enumerate(members))
        text = _CONFIGURATION.format(port=self.port, frontend=frontend, servers=servers)
        Path(self.directory, "haproxy.cfg").write_text(text)

    def start(self) -> HAProxy:
        """Start it in the foreground and wait until it accepts."""
        command = [self._haproxy, "-db", "-f", f"{self.directory}/haproxy.cfg"]
        self.program = Program(command, cwd=self.directory)
        self.program.wait_until(lambda: accepts(self.port))
        return self

    def stop(self) -> None:
        """End it."""
        if self.program is not None:
            self.program.stop()
