"""Files that nobody else may read, and that are still there after a power cut."""

from __future__ import annotations

import os
import tempfile


def make_directory(path: str) -> None:
    """
    Make the directory, for its owner alone (0700), if there is none.

    @raise OSError: it cannot be made.
    """
    if not os.path.isdir(path):
        os.makedirs(path, mode=0o700, exist_ok=True)
        settle(os.path.dirname(os.path.abspath(path)))


def make_file(path: str, content: bytes = b"") -> bool:
    """
    Make a file for its owner alone (0600), whole or not at all, and lasting once this returns.

    @return: false when it exists already, whatever it holds.
    @raise OSError: it cannot be made.
    """
    if os.path.lexists(path):
        return False
    directory = os.path.dirname(os.path.abspath(path))
    # mkstemp makes it 0600; a link never replaces what another process made meanwhile.
    number, draft = tempfile.mkstemp(prefix=".fiberlb-", dir=directory)
    try:
        with open(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    settle(directory)
    return True


def settle(directory: str) -> None:
    """
    Make the names in a directory last.

    @raise OSError: the disk refused.
    """
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
