"""Commands about a FiberLB that runs: its workers, and its code."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from typing import Any, NoReturn

import click

from fiberlb.control.document import load_file
from fiberlb.control.state_directory import state_directory
from fiberlb.errors import ConfigurationError
from fiberlb.model.settings import Settings
from fiberlb.store.lock import NAME

#: Exit codes (product page, "First five minutes").
REFUSED, UNREACHABLE = 1, 3
#: Seconds that all workers may take.
PATIENCE = 120.0

#: Which process is meant: the one that was started with this file.
file_option = click.option(
    "-c",
    "--config",
    "path",
    required=True,
    metavar="FILE",
    help="The configuration file that the process was started with.",
)


class _Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


@click.group()
def workers() -> None:
    """The worker processes of a FiberLB that runs."""


@workers.command()
@file_option
def restart(path: str) -> None:
    """Replace them one by one; no connection is lost."""
    status, answer = ask(settings_of(path), "POST", "/v1/workers/restart")
    if status != 200:
        leave(REFUSED, str(answer.get("detail", answer)))
    click.echo(serve(answer["workers"]))


@workers.command()
@file_option
def status(path: str) -> None:
    """Say how many there should be, and how many serve what is in force."""
    code, answer = ask(settings_of(path), "GET", "/v1/status")
    if code != 200:
        leave(REFUSED, str(answer.get("detail", answer)))
    click.echo(serve(answer["workers"]))


def serve(count: dict[str, int]) -> str:
    """In words, as the first lines of a process say it."""
    if not count["wanted"]:
        return "One process carries the traffic by itself (workers: 0)"
    return f"{count['serving']} of {count['wanted']} worker processes serve"


@click.command()
@file_option
def upgrade(path: str) -> None:
    """Have a FiberLB that runs become what is installed now; no connection is lost."""
    settings = settings_of(path)
    lock = os.path.join(
        state_directory(settings.state_directory, os.environ, os.geteuid() == 0), NAME
    )
    try:
        with open(lock, encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGUSR2)
    except (OSError, ValueError):
        leave(UNREACHABLE, f"{lock}: no process holds this state directory")
    click.echo(f"Process {pid} was told; its log says how it went")


def ask(
    settings: Settings, method: str, target: str, body: Any = None
) -> tuple[int, dict[str, Any]]:
    """
    One request to the admin API of the process with these settings.

    @raise SystemExit: there is none, or it cannot be reached.
    """
    if not settings.admin.listen:
        leave(UNREACHABLE, "the admin API is off (admin.listen is empty)")
    # The one that is of this machine, where there is one.
    address = min(settings.admin.listen, key=lambda one: (one.tls, not one.unix)).address
    connection: http.client.HTTPConnection
    if address.startswith("unix:"):
        connection = _Unix(address[5:])
    else:
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, target, data, _fields())
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as why:
        leave(UNREACHABLE, f"{address}: {why}")
    finally:
        connection.close()


def _fields() -> dict[str, str]:
    token = os.environ.get("FIBERLB_TOKEN")
    known = {"Authorization": f"Bearer {token}"} if token else {}
    return {"Content-Type": "application/json", **known}


def settings_of(path: str) -> Settings:
    """
    The settings of a configuration file.

    @raise SystemExit: it is refused.
    """
    try:
        return load_file(path, os.environ).settings
    except ConfigurationError as why:
        leave(REFUSED, str(why))


def leave(code: int, why: str) -> NoReturn:
    """End with an exit code, after saying why."""
    click.echo(why, err=True)
    raise SystemExit(code)
