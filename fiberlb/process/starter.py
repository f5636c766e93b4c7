"""
What the starter of this process says in its environment, to this process alone.

A service manager tells of sockets, of where to report and of its watchdog. Whatever is
started from here would take itself for the one that is meant, the template and the
workers among them. So the variables are taken out of the environment, and only another
image under the same pid is given them again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

#: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
_REPORTS = ("NOTIFY_SOCKET",)
_WATCHDOG = ("WATCHDOG_PID", "WATCHDOG_USEC")
_SOCKETS = ("LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES")


def first_environment(path: str = "/proc/self/environ") -> Mapping[str, str]:
    """
    What the process was started with: Twisted takes C{LISTEN_FDS} out of C{os.environ}.

    To be called before the process changes its user, who may not read this.
    """
    with open(path, "rb") as file:
        lines = file.read().split(b"\0")
    pairs = (os.fsdecode(line).partition("=") for line in lines if b"=" in line)
    return {name: value for name, _, value in pairs}


def told(environment: Mapping[str, str], pid: int) -> Mapping[str, str]:
    """
    The variables that are meant for the process C{pid}.

    @param environment: as L{first_environment} found it.
    """
    names = list(_REPORTS)
    # Without a pid the watchdog is for whoever reads it; sockets always have one.
    if environment.get("WATCHDOG_PID") in (None, str(pid)):
        names += _WATCHDOG
    if environment.get("LISTEN_PID") == str(pid):
        names += _SOCKETS
    return {name: environment[name] for name in names if name in environment}


def forget(environment: MutableMapping[str, str]) -> None:
    """Take all of them out of an environment, whoever is meant."""
    for name in (*_REPORTS, *_WATCHDOG, *_SOCKETS):
        environment.pop(name, None)


def again(variables: Mapping[str, str], pid: int) -> Mapping[str, str]:
    """
    What an image that takes this one's place is told.

    @param variables: of L{told}.
    @param pid: of this process by now: it may have gone into the background meanwhile.
    """
    renamed = {name: str(pid) for name in ("WATCHDOG_PID", "LISTEN_PID") if name in variables}
    # It names the process that was started, in a way that a copy of it cannot have.
    return {k: v for k, v in {**variables, **renamed}.items() if k != "LISTEN_PIDFDID"}
