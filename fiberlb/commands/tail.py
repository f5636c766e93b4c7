"""C{fiberlb tail}: the end of the access log, or FiberLB's own answers, and what comes."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click

from fiberlb.commands import answers
from fiberlb.commands.asking import Client, may_ask
from fiberlb.commands.exits import UNREACHABLE, Failed
from fiberlb.commands.printing import JSON, TABLE
from fiberlb.commands.where import settings_of
from fiberlb.model.settings import AccessLogFormat

#: Seconds between looks at a file, and between questions.
_LOOK = 0.2
_POLL = 1.0
_OWN = "Without -c: the answers that FiberLB makes itself"
_STREAMS = frozenset({"stdout", "stderr"})


@click.command("tail")
@click.option("-n", "--lines", default=10, show_default=True, help="How many of those there are.")
@click.option("--grep", "words", multiple=True, metavar="TEXT", help="Only lines with all of them.")
@click.option("--listener", metavar="NAME", help="Own answers of a listener.")
@click.option("--status", metavar="503|5xx", help="Own answers with a status.")
@click.option("--client", "source", metavar="ADDRESS", help="Own answers to a client.")
@click.option("--reason", metavar="CODE", help="Own answers with a reason code.")
@click.option("--no-follow", is_flag=True, help="End with the last line that there is.")
@click.option(
    "-o", "--output", type=click.Choice((TABLE, JSON)), default=TABLE, help="Own answers."
)
@may_ask
def tail(
    reach: Callable[[], Client],
    path: str | None,
    url: str | None,
    lines: int,
    words: tuple[str, ...],
    listener: str | None,
    status: str | None,
    source: str | None,
    reason: str | None,
    no_follow: bool,
    output: str,
) -> None:
    """
    Show the end of the access log and follow it; or the answers that FiberLB makes itself.

    With -c FILE it is the access log that the file names, over rotations. Otherwise, and with
    --url, --listener, --status, --client, --reason or -o json, a FiberLB that runs is asked, here
    or elsewhere, for the answers that it makes itself. Ctrl-C ends it, with exit code 0.

    \b
    Examples:
      fiberlb tail -c fiberlb.yaml --grep connect_refused -n 100 --no-follow
      fiberlb tail --status 5xx --listener front
      fiberlb tail --url https://lb.example:9876 --reason connect_refused -o json
    """
    query = {"listener": listener, "status": status, "client": source, "reason": reason}
    try:
        if path is None or url is not None or any(query.values()) or output == JSON:
            _answers(reach(), query, lines, words, no_follow, output)
        else:
            _access_log(path, lines, words, no_follow)
    except KeyboardInterrupt:
        return


def _access_log(path: str, lines: int, words: tuple[str, ...], no_follow: bool) -> None:
    log = _log(path)
    wanted = [word.encode() for word in words]
    try:
        for line in followed(log, lines, wanted, None if no_follow else lambda: time.sleep(_LOOK)):
            click.echo(line, nl=False)
    except OSError as why:
        raise Failed(f"{log}: {why.strerror}", UNREACHABLE) from None


def _answers(
    client: Client,
    query: Mapping[str, str | None],
    lines: int,
    words: tuple[str, ...],
    no_follow: bool,
    output: str,
) -> None:
    def told(found: dict[str, Any]) -> str:
        return json.dumps(found, ensure_ascii=False) if output == JSON else answers.line(found)

    def takes(found: dict[str, Any]) -> bool:
        return all(word in told(found) for word in words)

    fetch = answers.Asking(client, query)
    pause = None if no_follow else lambda: time.sleep(_POLL)
    for found in answers.followed(fetch, lines, takes, pause):
        click.echo(told(found))


def _log(path: str) -> str:
    settings = settings_of(path).access_log
    if settings.format is AccessLogFormat.OFF:
        said = "the access log is off; access_log in the file turns it on"
        raise Failed(said, lines=(_OWN,))
    if settings.path in _STREAMS:
        said = f"the access log goes to {settings.path} of the process: where its manager puts it"
        raise Failed(said, lines=("With systemd: journalctl -fu fiberlb", _OWN))
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
