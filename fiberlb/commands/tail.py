"""C{fiberlb tail}: the end of the access log, and what comes."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import click

from fiberlb.commands.exits import UNREACHABLE, Failed
from fiberlb.commands.where import settings_of
from fiberlb.model.settings import AccessLogFormat

#: Seconds between looks.
_LOOK = 0.2
_STREAMS = frozenset({"stdout", "stderr"})


@click.command("tail")
@click.option(
    "-c",
    "--config",
    "path",
    required=True,
    metavar="FILE",
    help="The configuration file, which says where the access log is.",
)
@click.option("-n", "--lines", default=10, show_default=True, help="How many of those there are.")
@click.option("--grep", "words", multiple=True, metavar="TEXT", help="Only lines with all of them.")
@click.option("--no-follow", is_flag=True, help="End with the last line that there is.")
def tail(path: str, lines: int, words: tuple[str, ...], no_follow: bool) -> None:
    """
    Show the end of the access log and follow it, over rotations.

    \b
    Examples:
      fiberlb tail -c fiberlb.yaml
      fiberlb tail -c fiberlb.yaml --grep connect_refused -n 100 --no-follow
    """
    log = _log(path)
    wanted = [word.encode() for word in words]
    try:
        for line in followed(log, lines, wanted, None if no_follow else lambda: time.sleep(_LOOK)):
            click.echo(line, nl=False)
    except KeyboardInterrupt:
        return
    except OSError as why:
        raise Failed(f"{log}: {why.strerror}", UNREACHABLE) from None


def _log(path: str) -> str:
    settings = settings_of(path).access_log
    if settings.format is AccessLogFormat.OFF:
        raise Failed("the access log is off; access_log in the file turns it on")
    if settings.path in _STREAMS:
        said = f"the access log goes to {settings.path} of the process: where its manager puts it"
        raise Failed(said, lines=("With systemd: journalctl -fu fiberlb",))
    return settings.path


def followed(
    path: str, lines: int, words: list[bytes], pause: Callable[[], None] | None
) -> Iterator[bytes]:
    """
    The last lines of a file, then those that come.

    A file that was put in its place is read from its beginning, and so is one that was cut.

    @param words: all of which stand in a line that is wanted.
    @param pause: waits a moment; C{None}: what comes later is not waited for.
    @raise OSError: it cannot be read.
    """

    def wanted(line: bytes) -> bool:
        return all(word in line for word in words)

    file = open(path, "rb")  # noqa: SIM115
    try:
        yield from deque(filter(wanted, _whole(file)), lines)
        while pause is not None:
            pause()
            yield from filter(wanted, _whole(file))
            if _replaced(path, file):
                file.close()
                file = open(path, "rb")  # noqa: SIM115
    finally:
        file.close()


def _whole(file: BinaryIO) -> Iterator[bytes]:
    """The lines up to the last one that has ended."""
    while True:
        place = file.tell()
        line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(place)
            return
        yield line


def _replaced(path: str, file: BinaryIO) -> bool:
    """Whether another file bears the name by now, or this one was cut."""
    mine = os.fstat(file.fileno())
    try:
        there = Path(path).stat()
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino) or mine.st_size < file.tell()
