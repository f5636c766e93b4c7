"""The processes of a FiberLB, found by what the system knows of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from tests.support.programs import PATIENCE


def wait_for(ready: Callable[[], bool]) -> None:
    """
    Wait for something that a process in the background does.

    @raise TimeoutError: it is not done in twice C{PATIENCE}.
    """
    deadline, wait = monotonic() + 2 * PATIENCE, threading.Event()
    while not ready():
        if monotonic() > deadline:
            raise TimeoutError
        wait.wait(0.02)


def template(control: int) -> int:
    """
    The pid of the template process, a child of control that is no worker.

    Not that of one from before an upgrade, which has ended and is waited for in its time.
    """
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        state, parent = fields.split()[:2]
        if name.endswith("(fiberlb-templ") and int(parent) == control and state != "Z":
            return int(path.parent.name)
    raise AssertionError("there is no template")
