"""C{fiberlb keys}: the keys that encrypt private keys at rest."""

from __future__ import annotations

from typing import Any

import click

from fiberlb.commands.asking import Client, Intent, asks
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.writing import writes


@click.group("keys")
def keys() -> None:
    """
    The keys that encrypt private keys in the store of a FiberLB that runs.

    \b
    Example: fiberlb keys ls
    """


@keys.command("ls")
@prints
@asks
def listing(client: Client, printer: Printer) -> None:
    """
    Which there are, and how many secrets are sealed with each; the first one seals.

    \b
    Example: fiberlb keys ls
    """
    found = client.get("/v1/keys")["items"]
    if printer.document(found):
        return
    rows = []
    for index, one in enumerate(found):
        note = "seals" if index == 0 else "" if one["present"] else "MISSING"
        rows.append((one["id"], str(one["sealed"]), note))
    printer.table(("KEY", "SECRETS", ""), rows)


@keys.command("rotate")
@writes
@asks
def rotate(client: Client, intent: Intent) -> None:
    """
    Make a new key, and seal everything with it; old keys stay in the file until prune.

    \b
    Example: fiberlb keys rotate
    """
    done = client.write("POST", "/v1/keys/rotate", None, intent)
    if _only_told(done):
        return
    click.echo(
        f"Key {done['key_id']} seals from now on, {done['resealed']} secrets were sealed anew"
        f" (revision {done['revision']})"
    )
    click.echo("Keep a copy of the key file: without it the stored private keys are lost")


@keys.command("reseal")
@writes
@asks
def reseal(client: Client, intent: Intent) -> None:
    """
    Read the key file again, and seal everything with its first key.

    \b
    Example: fiberlb keys reseal
    """
    done = client.write("POST", "/v1/keys/reseal", None, intent)
    if _only_told(done):
        return
    click.echo(
        f"Key {done['key_id']} seals, {done['resealed']} secrets were sealed anew"
        f" (revision {done['revision']})"
    )


@keys.command("rotate-cookies")
@writes
@asks
def rotate_cookies(client: Client, intent: Intent) -> None:
    """
    Sign persistence cookies with a new key; those signed with the last one stay good.

    \b
    Example: fiberlb keys rotate-cookies
    """
    done = client.write("POST", "/v1/cookie_keys/rotate", None, intent)
    if done.get("dry_run"):
        click.echo(f"Nothing was done. Keys that would be believed: {done['result']['keys']}")
        return
    click.echo("Persistence cookies are signed with a new key; each client gets its next one by it")


@keys.command("prune")
@writes
@asks
def prune(client: Client, intent: Intent) -> None:
    """
    Take all keys but the first out of the file; copies of the store that need them are lost.

    \b
    Example: fiberlb keys prune
    """
    done = client.write("POST", "/v1/keys/prune", None, intent)
    if _only_told(done):
        return
    removed = ", ".join(done["removed"]) or "none"
    click.echo(f"Removed: {removed}; key {done['key_id']} stays")


def _only_told(done: dict[str, Any]) -> bool:
    """Whether it was a dry run, which is told."""
    if not done.get("dry_run"):
        return False
    found = done["result"]
    key = f"key {found['key_id']}" if found["key_id"] else "a new key"
    removed = f"; removed: {', '.join(found['removed'])}" if found["removed"] else ""
    click.echo(f"Nothing was done. Secrets to seal anew with {key}: {found['resealed']}{removed}")
    return True
