"""The commands that there are."""

from __future__ import annotations

from collections.abc import Iterator

import click


def commands(group: click.Group, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, those of groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield (*before, name), found
        if isinstance(found, click.Group):
            yield from commands(found, *before, name)
