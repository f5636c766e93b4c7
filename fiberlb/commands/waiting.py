"""What is shown while a command waits: on a terminal one line that changes, elsewhere nothing."""

from __future__ import annotations

import sys
from types import TracebackType

import click


class Waiting:
    """
    A line on the error output, for as long as something takes.

    @ivar shown: somebody sees it.
    """

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()

    def __enter__(self) -> Waiting:
        return self

    def tell(self, text: str) -> None:
        """Say how far it is."""
        if self.shown:
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.shown:
            click.echo("\r\x1b[K", err=True, nl=False)
