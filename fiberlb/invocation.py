"""How this process was started, and how it is started again under the same pid."""

from __future__ import annotations

import getopt
import os
from collections.abc import Sequence
from typing import Any

import attrs

#: The command of twistd that this is.
_NAME = "fiberlb"
#: Options of twistd that are not given again: they have been done, or are given in another way.
_DONE = frozenset("nodaemon n pidfile uid u gid g euid chroot rundir d logfile l debug b".split())
_FILE = ("config", "c")
_FOREGROUND = frozenset(("nodaemon", "n", "debug", "b"))
#: Where twistd logs in the background unless it was told otherwise.
_DEFAULT_LOG = "twistd.log"


class NotKnown(Exception):
    """The process was started in a way that is not known; it cannot be started again."""


@attrs.frozen
class Invocation:
    """
    A command line of C{twistd fiberlb}, taken to pieces.

    @ivar lead: what stands before twistd's options, without the interpreter.
    @ivar options: those of twistd, each with its value, empty without one.
    @ivar words: FiberLB's own options likewise.
    @ivar directory: where it was given: relative paths begin there.
    """

    lead: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    words: tuple[tuple[str, str], ...]
    directory: str

    @classmethod
    def read(
        cls,
        original: Sequence[str],
        arguments: Sequence[str],
        twistd: Any,
        ours: Any,
        directory: str,
    ) -> Invocation:
        """
        Take the command line of this process to pieces, before it goes elsewhere.

        @param original: C{sys.orig_argv}.
        @param arguments: C{sys.argv}.
        @param twistd: its options, a C{twisted.python.usage.Options}.
        @param ours: FiberLB's.
        @param directory: the working directory.
        @raise NotKnown: it is no command line of twistd.
        """
        given = list(arguments[1:])
        place = len(original) - len(given)
        try:
            options, rest = getopt.getopt(given, twistd.shortOpt, twistd.longOpt)
            words, _ = getopt.getopt(rest[1:], ours.shortOpt, ours.longOpt)
        except getopt.GetoptError as why:
            raise NotKnown("this process was started in a way that is not known") from why
        if list(original[place:]) != given or not rest or rest[0] != _NAME:
            raise NotKnown("this process was started in a way that is not known")
        lead = tuple(_found(word, directory) for word in original[1:place])
        return cls(lead, _named(options), _named(words), directory)

    @property
    def in_background(self) -> bool:
        """Whether twistd was told to go there."""
        return not any(name in _FOREGROUND for name, _ in self.options)

    @property
    def log(self) -> str | None:
        """Twistd's own log file, absolute; C{None}: it has none."""
        files = [value for name, value in self.options if name in ("logfile", "l")]
        if files:
            return None if files[-1] == "-" else os.path.join(self.directory, files[-1])
        if not self.in_background or any(name in ("syslog", "logger") for name, _ in self.options):
            return None
        return os.path.join(self.directory, _DEFAULT_LOG)

    @property
    def configuration(self) -> str | None:
        """The file that was given, absolute; C{None} without one."""
        files = [value for name, value in self.words if name in _FILE]
        return os.path.join(self.directory, files[-1]) if files else None

    def again(self, executable: str) -> list[str]:
        """
        The command for another image under the same pid, in the same surroundings.

        It is in the background already if it should be, and its user is the one
        it should be; its own pid is not to be taken for that of another process.
        """
        kept = [_joined(name, value) for name, value in self.options if name not in _DONE]
        log = [] if self.log is None else [f"--logfile={self.log}"]
        words = [_joined(name, value) for name, value in self.words if name not in _FILE]
        if self.configuration is not None:
            words.append(f"--config={self.configuration}")
        return [
            *(executable, *self.lead, *kept),
            *("--nodaemon", "--pidfile=", *log),
            *(_NAME, *words),
        ]


def _named(options: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lstrip("-"), value) for name, value in options)


def _joined(name: str, value: str) -> str:
    if len(name) == 1:
        return f"-{name}{value}"
    return f"--{name}={value}" if value else f"--{name}"


def _found(word: str, directory: str) -> str:
    """A script by its absolute path; anything else as it is."""
    path = os.path.join(directory, word)
    return path if os.path.sep in word and os.path.isfile(path) else word
