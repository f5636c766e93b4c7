"""
Whoever started this process, and waits while it goes into the background.

Twistd's first process stays until the last one says how the start went, and
takes its exit code from that. By itself the last one says so before anything
was bound or opened; here it does when that has been done.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any

#: The key of twistd's options at which the pipe to the first process is.
_PIPE = "statusPipe"
_GOOD = b"0"
#: At most 100 octets; twistd shows what stands behind the first two.
_BAD = b"1 it does not start, for the reason above"


class Starter:
    """
    To be made before the process forks.

    @param options: of twistd.
    @param terminal: the descriptor at which a person reads errors.
    """

    def __init__(self, options: MutableMapping[str, Any], terminal: int = 2) -> None:
        self._options = options
        self._pipe: int | None = None
        try:
            self._terminal: int | None = os.dup(terminal)
        except OSError:
            # It was started without one.
            self._terminal = None

    @property
    def waits(self) -> bool:
        """Whether there is a first process that waits."""
        return self._pipe is not None

    def keep_waiting(self) -> None:
        """From here on it waits for L{tell}; twistd tells it nothing."""
        self._pipe, self._options[_PIPE] = self._options.get(_PIPE), None

    def tell(self, problem: str = "") -> None:
        """
        It has started, or has not: then the terminal shows why. To be called once.

        @param problem: why it does not start; empty: it does. With one L{leave} follows.
        """
        if problem:
            self._show(f"fiberlb: {problem}\n".encode())
        else:
            self._answer(_GOOD)
        if self._terminal is not None:
            # Whoever reads it until its end is not to wait for ours.
            os.close(self._terminal)
            self._terminal = None

    def leave(self) -> None:
        """
        It has not started, and what it had made is gone again: who waits need wait no longer,
        and may start another one at once.
        """
        self._answer(_BAD)

    def _answer(self, word: bytes) -> None:
        if self._pipe is not None:
            self._write(self._pipe, word)
            os.close(self._pipe)
            self._pipe = None

    def _show(self, text: bytes) -> None:
        if self._terminal is not None:
            self._write(self._terminal, text)

    def _write(self, fd: int, data: bytes) -> None:
        try:
            os.write(fd, data)
        except OSError:
            # Nobody is there any more.
            pass
