"""Commands about the processes of a FiberLB that runs: its workers, and its code."""

from __future__ import annotations

import os
import signal

import click

from fiberlb.commands.asking import Client, asks
from fiberlb.commands.exits import UNREACHABLE, Failed
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.waiting import Waiting
from fiberlb.commands.where import settings_of
from fiberlb.control.state_directory import state_directory
from fiberlb.store.lock import NAME


@click.group()
def workers() -> None:
    """
    The worker processes of a FiberLB that runs.

    \b
    Example: fiberlb workers restart
    """


@workers.command()
@asks
def restart(client: Client) -> None:
    """
    Replace them one by one; no connection is lost.

    \b
    Example: fiberlb workers restart
    """
    with Waiting() as waiting:
        waiting.tell("Workers are replaced one by one ...")
        found = client.write("POST", "/v1/workers/restart")
    click.echo(serve(found["workers"]))


@workers.command()
@prints
@asks
def status(client: Client, printer: Printer) -> None:
    """
    Say how many there should be, and how many serve what is in force.

    \b
    Example: fiberlb workers status
    """
    found = client.get("/v1/status")["workers"]
    if not printer.document(found):
        click.echo(serve(found))


def serve(count: dict[str, int]) -> str:
    """In words, as the first lines of a process say it."""
    if not count["wanted"]:
        return "One process carries the traffic by itself (workers: 0)"
    return f"{count['serving']} of {count['wanted']} worker processes serve"


@click.command()
@click.option(
    "-c",
    "--config",
    "path",
    metavar="FILE",
    help="The configuration file of the process; without it, the one of this user.",
)
def upgrade(path: str | None) -> None:
    """
    Have a FiberLB that runs become what is installed now; no connection is lost.

    \b
    Example: fiberlb upgrade -c fiberlb.yaml
    """
    directory = settings_of(path).state_directory if path else None
    lock = os.path.join(state_directory(directory, os.environ, os.geteuid() == 0), NAME)
    try:
        with open(lock, encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGUSR2)
    except (OSError, ValueError):
        raise Failed(f"{lock}: no process holds this state directory", UNREACHABLE) from None
    click.echo(f"Process {pid} was told; its log says how it went")
