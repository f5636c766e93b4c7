"""C{fiberlb plan}, C{apply}, C{confirm}: a file, made to be what is stored."""

from __future__ import annotations

import sys
from typing import Any

import click

from fiberlb.commands.asking import Answer, Client, Intent, asks, asks_about_file, with_query
from fiberlb.commands.changes import adopts, show, summary
from fiberlb.commands.exits import PENDING, Failed
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.sending import Sending, read
from fiberlb.commands.writing import writes

_file = click.option(
    "-c",
    "--config",
    "path",
    required=True,
    metavar="FILE",
    help="The objects that there are to be: a file, or a directory of *.yaml files.",
)
yes = click.option("--yes", "-y", is_flag=True, help="Ask nothing.")


@click.command("plan")
@_file
@prints
@asks_about_file
def plan(client: Client, path: str, printer: Printer) -> None:
    """
    Say what apply would change: exit code 2 when there is something, 0 when there is nothing
    but objects that would belong to apply from then on.

    \b
    Example: fiberlb plan -c site.yaml
    """
    sending = _read(path)
    found = _asked(client, sending, "true").document
    if not printer.document(found):
        show(found)
        click.echo(f"Plan: {summary(found)}")
    if not all(map(adopts, found["changes"])):
        raise SystemExit(PENDING)


@click.command("apply")
@_file
@click.option("--confirm", metavar="TIME", help="Roll back unless confirmed by then, e.g. 60s.")
@yes
@writes
@asks_about_file
def apply(client: Client, path: str, confirm: str | None, yes: bool, intent: Any) -> None:
    """
    Have what a file says stored; what an earlier apply made and the file lacks is deleted.

    \b
    Example: fiberlb apply -c site.yaml --confirm 60s --reason "new pool" && fiberlb confirm
    """
    sending = _read(path)
    planned = _asked(client, sending, "true", confirm)
    show(planned.document)
    click.echo(f"Plan: {summary(planned.document)}")
    if intent.dry_run or not planned.document["changes"]:
        return
    sure(yes, "Apply this?")
    tag = planned.headers.get("etag", "")
    # What changes was shown.
    prefer = "return=minimal"
    headers = {"If-Match": tag, "FiberLB-Reason": _latin(intent.reason), "Prefer": prefer}
    found = _asked(client, sending, None, confirm, headers).document
    click.echo(f"Applied: revision {found['revision']}")
    waiting = found.get("unconfirmed")
    if waiting is not None:
        click.echo(
            f"Revision {waiting['revision']} is rolled back at {waiting['until']} unless you say:"
            " fiberlb confirm"
        )


@click.command("confirm")
@click.argument("revision", required=False, type=click.IntRange(1))
@writes
@asks
def confirm(client: Client, revision: int | None, intent: Intent) -> None:
    """
    Keep the change that apply --confirm made.

    \b
    Example: fiberlb confirm
    """
    target = with_query("/v1/confirmation", {"revision": revision})
    found = client.write("POST", target, None, intent)
    if found.get("dry_run"):
        click.echo(f"Nothing was done. Revision {found['result']['confirmed']} would stay")
        return
    click.echo(f"Revision {found['confirmed']} stays")


def sure(yes: bool, question: str) -> None:
    """
    Ask, unless told not to.

    @raise Failed: nobody can be asked.
    @raise click.Abort: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failed("nobody can be asked here: say --yes to do it")
    click.confirm(question, abort=True)


def _read(path: str) -> Sending:
    sending = read(path)
    if sending.ignored:
        names = ", ".join(sending.ignored)
        click.echo(f"note: {names}: settings of a process, left out", err=True)
    return sending


def _asked(
    client: Client,
    sending: Sending,
    dry: str | None,
    confirm: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    target = with_query("/v1/apply", {"dry_run": dry, "confirm": confirm})
    given = {name: value for name, value in (headers or {}).items() if value}
    answer = client.ask("POST", target, sending.document, given)
    if answer.status != 200:
        raise sending.failed(answer.status, answer.document)
    return answer


def _latin(text: str) -> str:
    """A text as a field of a head has it."""
    return text.encode("utf-8").decode("latin-1")
