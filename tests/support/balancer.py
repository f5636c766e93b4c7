"""FiberLB itself, started the way its users start it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.support.ports import free_port
from tests.support.programs import Program, accepts, temporary_directory, venv_program

_SETTINGS = """\
version: 1
state_directory: {directory}/state
admin: {{listen: "127.0.0.1:{admin}"}}
shutdown: {{grace: {grace}, deadline: {deadline}}}
workers: {workers}
"""


class Balancer:
    """
    A C{twistd -n fiberlb} process with a configuration of its own.

    @ivar directory: its working directory; relative paths of the configuration begin here.
    @ivar path: its configuration file.
    @ivar admin: the port of its admin API.
    """

    def __init__(
        self,
        configuration: str = "",
        *,
        settings: str | None = None,
        reactor: str | None = None,
        workers: int = 0,
        grace: str = "0s",
        deadline: str = "30s",
        before: Sequence[str] = (),
        twistd: Sequence[str] = (),
        handed: Sequence[int] = (),
    ) -> None:
        """
        @param configuration: YAML below the process settings: C{listeners:}, C{pools:}, ...
        @param settings: YAML in place of the process settings written here.
        @param workers: processes for traffic; the attribute counts at the next C{write}.
        @param grace: of C{shutdown}.
        @param deadline: of C{shutdown}.
        @param before: words before the command, a program that runs it.
        @param twistd: further options of twistd.
        @param handed: descriptors that it inherits, or what runs it.
        @param reactor: a name for C{twistd --reactor}; C{None}: what FiberLB takes by itself.
        """
        self.directory = temporary_directory()
        self.path = Path(self.directory, "fiberlb.yaml")
        self.admin = free_port()
        self._settings = settings
        self._reactor = reactor
        self.workers = workers
        self._grace = grace
        self._deadline = deadline
        self._before = before
        self._twistd = twistd
        self._handed = handed
        self.program: Program | None = None
        self.write(configuration)

    def write(self, configuration: str) -> None:
        """Replace the configuration file; in force after C{start} or C{reload}."""
        settings = self._settings
        if settings is None:
            settings = _SETTINGS.format(
                directory=self.directory,
                admin=self.admin,
                grace=self._grace,
                deadline=self._deadline,
                workers=self.workers,
            )
        self.path.write_text(settings + configuration)

    def start(self, *ports: int) -> Balancer:
        """
        Start it, and wait until it accepts on the admin port and on C{ports}.

        @raise NotStarted: it ended, or did not accept in time; the text is its output.
        """
        self.spawn("-c", str(self.path))
        self.wait_for_ports(self.admin, *ports)
        return self

    def spawn(self, *arguments: str) -> Program:
        """Start it with any arguments of the C{fiberlb} plugin, without waiting."""
        command = [*self._before, venv_program("twistd"), "-n", "--pidfile=", *self._twistd]
        if self._reactor is not None:
            command.append(f"--reactor={self._reactor}")
        command += ["fiberlb", *arguments]
        self.program = Program(command, cwd=self.directory, env=_env(), handed=self._handed)
        return self.program

    def wait_for_ports(self, *ports: int) -> None:
        """Wait until it accepts on each of them."""
        assert self.program is not None
        for port in ports:
            self.program.wait_until(lambda port=port: accepts(port))  # type: ignore[misc]

    def reload(self) -> None:
        """Ask it to read its configuration file again (SIGHUP), without waiting."""
        assert self.program is not None
        self.program.signal(signal.SIGHUP)

    def stop(self) -> int:
        """
        End it in order; its exit status, 0 when it was never started.

        C{-SIGTERM} is the status of an orderly end: twistd sends itself the signal again.
        """
        return self.program.stop() if self.program is not None else 0

    @property
    def output(self) -> str:
        """Everything it printed and logged so far."""
        assert self.program is not None
        return self.program.output


def _env() -> dict[str, str]:
    """What a process needs, without what the tests' own environment adds."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}
