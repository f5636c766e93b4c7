"""By what others see that a worker lives: a lock on a file of its own in the state directory."""

from __future__ import annotations

import fcntl
import os

#: Prefix of the files that living workers hold a lock on.
LIVING = "worker-"


def hold_life(directory: str) -> str:
    """Hold a lock for as long as this process lives, for control processes to come; its file."""
    path = _of_this(directory)
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return path


def tell_draining(directory: str) -> None:
    """This process is no longer one that the next control process takes over."""
    path = _of_this(directory)
    if directory and os.path.exists(path):
        with open(path, "wb") as file:
            file.write(b"drains")


def _of_this(directory: str) -> str:
    return os.path.join(directory, f"{LIVING}{os.getpid()}")
