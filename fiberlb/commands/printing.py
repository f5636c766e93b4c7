"""
What commands print: tables for people, JSON and YAML for programs.

A command says C{@prints}, and is given a L{Printer}::

    if not printer.document(found):
        printer.table(("NAME", "STATE"), rows)

On a terminal, where C{rich} is installed, tables have colours and fit its width; elsewhere each
row of a table is one line, for C{grep} and C{awk}.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import attrs
import click

from fiberlb.control.yaml_text import yaml_text

F = TypeVar("F", bound=Callable[..., Any])

TABLE, JSON, YAML = "table", "json", "yaml"
#: Words of cells that are told at a glance -> their style.
_STYLES = {
    **dict.fromkeys(("up", "listening", "ready", "serving", "ok", "yes"), "green"),
    **dict.fromkeys(("down", "error", "ejected", "EXPIRED", "MISSING", "failed"), "red"),
    **dict.fromkeys(("drain", "drained", "maintenance", "probing", "disabled"), "yellow"),
}


@attrs.frozen
class Printer:
    """
    Prints what a command has found, in the form that was asked for.

    @ivar form: C{table}, C{json} or C{yaml}.
    """

    form: str = TABLE

    def document(self, found: Any) -> bool:
        """Print a document as it is, where that was asked for; whether it was."""
        if self.form == JSON:
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        elif self.form == YAML:
            click.echo(yaml_text(found), nl=False)
        return self.form != TABLE

    def text(self, line: str) -> None:
        """Print a line for people."""
        click.echo(line)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print rows with a head; only the head, where there are none."""
        rows = list(rows)
        if pretty():
            _print_rich(columns, rows)
            return
        for line in table([columns, *rows]):
            click.echo(line)

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Print names and values, one a line."""
        for line in table([[_dim(name), value] for name, value in pairs]):
            click.echo(line)


def prints(function: F) -> F:
    """A command that prints what it finds: it is given a L{Printer} as C{printer}."""

    @functools.wraps(function)
    def printing(*words: Any, output: str, as_json: bool, **options: Any) -> Any:
        return function(*words, printer=Printer(JSON if as_json else output), **options)

    form = click.option(
        "-o",
        "--output",
        type=click.Choice((TABLE, JSON, YAML)),
        default=TABLE,
        help="For people, or the documents of the API.",
    )
    made: Any = form(click.option("--json", "as_json", is_flag=True, hidden=True)(printing))
    return made


def pretty() -> bool:
    """Whether a person looks at a terminal, and C{rich} is there to print."""
    return sys.stdout.isatty() and importlib.util.find_spec("rich") is not None


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    Console(highlight=False).print(made)


def _dim(name: str) -> str:
    return click.style(name, dim=True) if pretty() else name


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns of the same width, those of a terminal's styles included."""
    widths = [
        max(len(click.unstyle(cell)) for cell in column) for column in zip(*rows, strict=True)
    ]
    return [
        "  ".join(
            cell + " " * (width - len(click.unstyle(cell)))
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
