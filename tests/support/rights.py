"""Tests that need root, or ports that only root may bind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

from fiberlb.privileges import first_port
from tests.support import reachable
from tests.support.ports import is_free
from tests.support.programs import required


def need_root() -> None:
    """
    Go on only as root.

    @raise SkipTest: this is another user; where C{FIBERLB_REQUIRE} lists C{root}, it fails instead.
    """
    if os.geteuid() != 0:
        if "root" in required():
            raise AssertionError("not run as root, and FIBERLB_REQUIRE lists it")
        raise SkipTest("not run as root")


def as_others() -> list[str]:
    """
    Words before a command that becomes another user: it can still reach what it needs.

    @raise SkipTest: it cannot, and that cannot be helped here.
    """
    words = [sys.executable, "-P", str(Path(reachable.__file__))]
    tried = subprocess.run([*words, "true"], capture_output=True, text=True)
    if tried.returncode:
        raise SkipTest(f"no other user can reach {sys.executable}: {tried.stderr[-200:]}")
    return words


def low_port() -> int:
    """
    A free port that takes rights to bind.

    @raise SkipTest: none does on this machine.
    """
    if first_port() < 1024:
        raise SkipTest("every user may bind ports below 1024 here")
    start = os.getpid() % 300
    for step in range(300):
        port = 650 + (start + step) % 300
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise LookupError("no free port below 1024")


_given: set[int] = set()


def status(pid: int) -> dict[str, list[str]]:
    """The words of C{/proc/PID/status}, by name."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.split() for name, _, value in pairs}
