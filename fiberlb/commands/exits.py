"""How commands end: their exit codes, and what they say when it is not well."""

from __future__ import annotations

from typing import IO, Any

import click

#: Exit codes (product page, "First five minutes"): done; refused or failed; there are changes to
#: make (C{plan}); nobody can be reached; somebody else changed it since it was read.
OK, REFUSED, PENDING, UNREACHABLE, STALE = range(5)


class Failed(click.ClickException):
    """
    The end of a command, with an exit code of its own.

    @ivar code: the exit code.
    @ivar lines: what is said beside the message, each on a line.
    """

    def __init__(self, message: str, code: int = REFUSED, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.lines = lines

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it, on the error output."""
        for line in (self.message, *self.lines):
            click.echo(line, file=file, err=file is None)
