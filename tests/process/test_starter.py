"""Tests of L{fiberlb.process.starter}."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.process.starter import again, first_environment, forget, told
from tests.support.programs import temporary_directory

SOCKETS = {"LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "x:y"}
WATCHDOG = {"WATCHDOG_PID": "7", "WATCHDOG_USEC": "1000"}
ALL = {"NOTIFY_SOCKET": "/run/n", **SOCKETS, **WATCHDOG}


class StarterTests(SynchronousTestCase):
    """Variables of a service manager."""

    def test_environment(self) -> None:
        """The environment of the start is that of the system's own record."""
        path = f"{temporary_directory()}/environ"
        Path(path).write_bytes(b"A=b=c\0LISTEN_FDS=2\0\0")
        self.assertEqual(first_environment(path), {"A": "b=c", "LISTEN_FDS": "2"})

    def test_told(self) -> None:
        """They count for the process that is meant, and for no other one."""
        self.assertEqual(told({**ALL, "A": "b"}, 7), ALL)
        self.assertEqual(told(ALL, 8), {"NOTIFY_SOCKET": "/run/n"})
        self.assertEqual(told({"WATCHDOG_USEC": "5"}, 8), {"WATCHDOG_USEC": "5"})
        self.assertEqual(told({"LISTEN_FDS": "5"}, 8), {})

    def test_forget(self) -> None:
        """Nothing of it is left, whoever was meant."""
        environment = {**ALL, "A": "b", "LISTEN_PIDFDID": "1"}
        forget(environment)
        self.assertEqual(environment, {"A": "b"})

    def test_again(self) -> None:
        """Another image is told the same under the pid of now, and nothing where nothing was."""
        told_again = {**ALL, "LISTEN_PID": "9", "WATCHDOG_PID": "9"}
        self.assertEqual(again({**ALL, "LISTEN_PIDFDID": "1"}, 9), told_again)
        self.assertEqual(again({"WATCHDOG_USEC": "5"}, 9), {"WATCHDOG_USEC": "5"})
        self.assertEqual(again({}, 9), {})
