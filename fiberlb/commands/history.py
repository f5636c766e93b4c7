"""C{fiberlb history}, C{rollback}, C{export}, C{import}: what was stored, and is to be again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from fiberlb.commands.applying import sure, yes
from fiberlb.commands.asking import Client, asks, with_query
from fiberlb.commands.changes import show, summary
from fiberlb.commands.exits import Failed
from fiberlb.commands.printing import JSON, YAML, Printer, prints
from fiberlb.commands.writing import writes
from fiberlb.control.yaml_text import yaml_text

_COLUMNS = ("REVISION", "AT", "AUTHOR", "SOURCE", "CHANGES", "REASON")
#: Changes that stand in a line of the table.
_CHANGES = 3


@click.command("history")
@click.argument("revision", required=False, type=click.IntRange(1))
@click.option("--object", "object_", metavar="NAME", help="What changed it, by name or id.")
@click.option("--author", metavar="NAME", help="What somebody changed.")
@click.option("--since", metavar="WHEN", help="After a revision, or not before a time.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@prints
@asks
def history(
    client: Client,
    printer: Printer,
    revision: int | None,
    object_: str | None,
    author: str | None,
    since: str | None,
    limit: int,
) -> None:
    """
    Who changed what, when and why, newest first; or one revision, field by field.

    \b
    Example: fiberlb history --object web
    Example: fiberlb history 12
    """
    if revision is not None:
        _told(printer, client.get(f"/v1/revisions/{revision}"))
        return
    found = client.get("/v1/revisions", object=object_, author=author, since=since, limit=limit)
    if printer.document(found["items"]):
        return
    printer.table(_COLUMNS, (_row(entry) for entry in found["items"]))


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    changes = [f"{one['op']} {one['name'] or one['id']}" for one in entry["changes"]]
    more = f", +{len(changes) - _CHANGES}" if len(changes) > _CHANGES else ""
    return (
        str(entry["revision"]),
        entry["at"],
        entry["author"],
        entry["source"],
        ", ".join(changes[:_CHANGES]) + more,
        entry["reason"] or "-",
    )


def _told(printer: Printer, found: dict[str, Any]) -> None:
    if printer.document(found):
        return
    reason = f": {found['reason']}" if found["reason"] else ""
    head = f"Revision {found['revision']}, {found['at']}, by {found['author']} ({found['source']})"
    click.echo(head + reason)
    show(found)
    if not found["kept"]:
        click.echo("What the fields were is not kept any more")


@click.command("rollback")
@click.argument("revision", type=click.IntRange(0))
@click.option("--old-keys", is_flag=True, help="Private keys, too; else the newest ones stay.")
@yes
@writes
@asks
def rollback(client: Client, revision: int, old_keys: bool, yes: bool, intent: Any) -> None:
    """
    Have what was stored at a revision again, as a new revision.

    \b
    Example: fiberlb rollback 11 --reason "12 broke the login"
    """
    keys = "then" if old_keys else None
    target = with_query(f"/v1/revisions/{revision}/rollback", {"keys": keys})
    _carried_out(client, "POST", target, None, yes, intent, f"Roll back to revision {revision}?")


@click.command("export")
@click.option("--revision", type=click.IntRange(0), help="As it was then.")
@click.option("--ids", is_flag=True, help="With ids, and every field: as the API stores it.")
@click.option("-o", "--output", type=click.Choice((YAML, JSON)), default=YAML, show_default=True)
@asks
def export(client: Client, revision: int | None, ids: bool, output: str) -> None:
    """
    Print everything that is stored, as a file for apply, import and people; keys as marks.

    \b
    Example: fiberlb export > stored.yaml
    """
    found = client.get("/v1/config", revision=revision, names=None if ids else "true")
    if output == JSON:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml_text(found), nl=False)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@yes
@writes
@asks
def import_(client: Client, file: Path, yes: bool, intent: Any) -> None:
    """
    Have exactly this stored, such as what export has printed; all else that is stored goes.

    \b
    Example: fiberlb import stored.yaml
    """
    try:
        body = file.read_bytes()
    except OSError as why:
        raise Failed(f"{file}: {why.strerror}") from None
    media = "application/json" if file.suffix == ".json" else "application/yaml"
    _carried_out(client, "PUT", "/v1/config", body, yes, intent, "Have exactly this stored?", media)


def _carried_out(
    client: Client,
    method: str,
    target: str,
    body: bytes | None,
    yes: bool,
    intent: Any,
    question: str,
    media: str = "application/json",
) -> None:
    """Show what a write would change, ask, do exactly that."""
    headers = {"Content-Type": media}
    planned = client.good(method, with_query(target, {"dry_run": "true"}), body, headers)
    show(planned.document)
    click.echo(f"Plan: {summary(planned.document)}")
    if intent.dry_run or not planned.document["changes"]:
        return
    sure(yes, question)
    headers["If-Match"] = planned.headers.get("etag", "")
    if intent.reason:
        headers["FiberLB-Reason"] = intent.reason.encode("utf-8").decode("latin-1")
    found = client.good(method, target, body, headers).document
    click.echo(f"Done: revision {found['revision']}")
