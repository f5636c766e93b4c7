"""C{fiberlb backup}, C{fiberlb restore}: the store of this machine, as one file."""

from __future__ import annotations

import os
import sys

import attrs
import click

from fiberlb.commands.exits import Failed
from fiberlb.commands.waiting import Waiting
from fiberlb.commands.where import settings_of
from fiberlb.control.state_directory import state_directory
from fiberlb.model.store import EtcdSettings
from fiberlb.store.copying import Copied, Progress, copy_in, copy_out, look
from fiberlb.store.interface import StoreError
from fiberlb.store.lock import StateDirectoryError, StateDirectoryInUse, hold

#: The store's file in the state directory, unless C{store} names another one.
_NAME = "fiberlb.db"
_SQLITE = "sqlite:"
_ETCD = (
    "backup and restore are for SQLite stores; etcdctl snapshot save and etcdctl snapshot restore"
    " do it"
)
#: What can be done without stopping a process.
_ONLINE = (
    "A process that runs takes the objects of another time without a stop: fiberlb rollback N,"
    " or fiberlb import FILE with what fiberlb export has printed then",
)

_file = click.option(
    "-c",
    "--config",
    "path",
    metavar="FILE",
    help="The configuration file of the process; without it, the state directory of this user.",
)


@attrs.frozen
class _Place:
    """Where a store is, and the state directory of the process that uses it."""

    directory: str
    store: str


def _place(path: str | None) -> _Place:
    settings = settings_of(path) if path else None
    given = settings.state_directory if settings else None
    directory = state_directory(given, os.environ, os.geteuid() == 0)
    store = settings.store or "" if settings else ""
    if isinstance(store, EtcdSettings):
        raise Failed(f"the store is an etcd: {_ETCD}, see docs/store.rst")
    if store and not store.startswith(_SQLITE):
        kind = store.partition(":")[0]
        raise Failed(f"the store is {kind}: it has tools of its own; this copies sqlite stores")
    return _Place(directory, store.removeprefix(_SQLITE) or os.path.join(directory, _NAME))


@click.command("backup")
@click.argument("target", metavar="FILE")
@_file
def backup(target: str, path: str | None) -> None:
    """
    Copy the store into a new FILE, whether the process runs or not.

    Private keys are sealed in it: keep a copy of the key file, too, in another place.

    \b
    Example: fiberlb backup /backup/fiberlb-$(date +%F).db
    """
    place = _place(path)
    try:
        with Waiting() as waiting:
            done = copy_out(place.store, target, _told(waiting))
    except StoreError as why:
        raise Failed(str(why)) from None
    click.echo(f"{target}: {_said(done)}; private keys in it are sealed")


@click.command("restore")
@click.argument("copy", metavar="FILE")
@_file
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Look through FILE, and change nothing.")
def restore(copy: str, path: str | None, yes: bool, dry_run: bool) -> None:
    """
    Put a copy in place of everything in the store. The process must not run.

    What was there is kept beside it, as FILE.before-restore.

    \b
    Example: fiberlb restore /backup/fiberlb-2026-11-27.db -c fiberlb.yaml
    """
    place = _place(path)
    try:
        found = look(copy)
        if dry_run:
            click.echo(f"Nothing was done. {copy}: {_said(found)}")
            return
        _confirm(f"Replace everything in {place.store} by {copy} ({_said(found)})?", yes)
        lock = hold(place.directory, os.getpid())
        try:
            done, kept = _restored(copy, place.store)
        finally:
            lock.release()
    except StateDirectoryInUse as why:
        said = f"{why}: restore puts a whole store in place, so stop it first"
        raise Failed(said, lines=_ONLINE) from None
    except (StoreError, StateDirectoryError) as why:
        raise Failed(str(why)) from None
    click.echo(f"{place.store}: {_said(done)}")
    if kept:
        click.echo(f"What was there is in {kept}")


def _restored(copy: str, store: str) -> tuple[Copied, str]:
    kept = ""
    with Waiting() as waiting:
        if os.path.exists(store):
            kept = _unused(f"{store}.before-restore")
            copy_out(store, kept, _told(waiting))
        return copy_in(copy, store, _told(waiting)), kept


def _unused(name: str) -> str:
    """A name that no file has."""
    number, found = 1, name
    while os.path.lexists(found):
        number, found = number + 1, f"{name}-{number + 1}"
    return found


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failed(f"{question} Say --yes")
    if not click.confirm(question):
        raise Failed("Nothing was done")


def _told(waiting: Waiting) -> Progress:
    return lambda done, total: waiting.tell(f"{done} of {total} pages")


def _said(found: Copied) -> str:
    size = f"{found.size / 1024:.0f} KiB"
    return f"store revision {found.revision}, {found.entries} entries, {size}"
