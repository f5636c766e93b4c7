"""The machine a measurement ran on, and what its processes used of it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

import attrs

_TICKS = os.sysconf("SC_CLK_TCK")
#: Files a process may have open: thousands of connections, both ways.
_FILES = 20000
#: A process gets this signal when the one that started it is gone, even by SIGKILL.
_LEASH = ("setpriv", "--pdeathsig", "TERM")


@attrs.frozen
class Cpu:
    """CPU time used by processes so far, in seconds."""

    user: float
    system: float

    def __sub__(self, earlier: Cpu) -> Cpu:
        return Cpu(self.user - earlier.user, self.system - earlier.system)

    def __add__(self, other: Cpu) -> Cpu:
        return Cpu(self.user + other.user, self.system + other.system)

    @property
    def total(self) -> float:
        """User and system time together."""
        return self.user + self.system


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def cpu_of(pid: int) -> Cpu:
    """
    What a process and its living descendants have used, to 10 ms (proc(5), C{stat}).

    @raise OSError: a process ended meanwhile.
    """
    used = Cpu(0.0, 0.0)
    for member in _family(pid):
        # The name may hold spaces and brackets; the fields are counted after its last one.
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        used += Cpu(int(fields[11]) / _TICKS, int(fields[12]) / _TICKS)
    return used


def resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold, shared pages in each of them."""
    pages = 0
    for member in _family(pid):
        pages += int(Path(f"/proc/{member}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@attrs.frozen
class Cores:
    """
    Which CPUs the proxy has, and which the load and the origin.

    @ivar shared: there is one CPU only, so they take it from each other.
    """

    proxy: int
    load: tuple[int, ...]
    shared: bool

    @classmethod
    def split(cls) -> Cores:
        """The first CPU that this process may use for the proxy, the others for the rest."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], tuple(allowed[1:] or allowed), len(allowed) == 1)

    def pin_proxy(self, command: Sequence[str]) -> list[str]:
        """The command, on the proxy's CPU; it ends when this process does, however that ends."""
        return ["taskset", "-c", str(self.proxy), *_LEASH, *command]

    def pin_load(self, command: Sequence[str]) -> list[str]:
        """The command, on the other CPUs; it ends when this process does."""
        return ["taskset", "-c", ",".join(map(str, self.load)), *_LEASH, *command]

    def keep_off(self) -> None:
        """This process moves to the CPUs of the load, so that it takes nothing from the proxy."""
        os.sched_setaffinity(0, self.load)


def raise_limits() -> None:
    """Let this process and those it starts open as many files as it may, 20,000 at most."""
    _, hard = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (_FILES if hard == RLIM_INFINITY else min(hard, _FILES), hard))


def _said(*command: str) -> str:
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "missing"
    lines = (found.stdout + found.stderr).strip().splitlines()
    return lines[0].strip() if lines else "unknown"


def _model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def describe() -> dict[str, object]:
    """The machine and the versions, for the report."""
    packages = ("fiberlb", "twisted", "pyopenssl", "cryptography", "aiohttp", "uvloop")
    return {
        "cpu": _model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "haproxy": _said("haproxy", "-v"),
        "nginx": _said("nginx", "-v"),
        "wrk": _said("wrk", "-v"),
        "caddy": _said("caddy", "version"),
        **{package: _version(package) for package in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
