"""C{fiberlb keys}: the keys that encrypt private keys at rest."""

from __future__ import annotations

import click

from fiberlb.commands.asking import asked
from fiberlb.commands.certificates import table
from fiberlb.workers.commands import file_option


@click.group("keys")
def keys() -> None:
    """The keys that encrypt private keys in the store of a FiberLB that runs."""


@keys.command("ls")
@file_option
def listing(path: str) -> None:
    """Which there are, and how many secrets are sealed with each; the first one seals."""
    rows = [("KEY", "SECRETS", "")]
    for index, one in enumerate(asked(path, "/v1/keys")["items"]):
        note = "seals" if index == 0 else "" if one["present"] else "MISSING"
        rows.append((one["id"], str(one["sealed"]), note))
    for line in table(rows):
        click.echo(line)


@keys.command("rotate")
@file_option
def rotate(path: str) -> None:
    """Make a new key, and seal everything with it; old keys stay in the file until prune."""
    done = asked(path, "/v1/keys/rotate", "POST")
    click.echo(
        f"Key {done['key_id']} seals from now on, {done['resealed']} secrets were sealed anew"
        f" (revision {done['revision']})"
    )
    click.echo("Keep a copy of the key file: without it the stored private keys are lost")


@keys.command("reseal")
@file_option
def reseal(path: str) -> None:
    """Read the key file again, and seal everything with its first key."""
    done = asked(path, "/v1/keys/reseal", "POST")
    click.echo(
        f"Key {done['key_id']} seals, {done['resealed']} secrets were sealed anew"
        f" (revision {done['revision']})"
    )


@keys.command("rotate-cookies")
@file_option
def rotate_cookies(path: str) -> None:
    """Sign persistence cookies with a new key; those signed with the last one stay good."""
    asked(path, "/v1/cookie_keys/rotate", "POST")
    click.echo("Persistence cookies are signed with a new key; each client gets its next one by it")


@keys.command("prune")
@file_option
def prune(path: str) -> None:
    """Take all keys but the first out of the file; copies of the store that need them are lost."""
    done = asked(path, "/v1/keys/prune", "POST")
    removed = ", ".join(done["removed"]) or "none"
    click.echo(f"Removed: {removed}; key {done['key_id']} stays")
