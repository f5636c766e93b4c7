"""C{fiberlb token}: who may use the admin API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from fiberlb.commands.asking import Client, Intent, asks, segment
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.writing import writes
from fiberlb.model.fields import Loading
from fiberlb.model.quantities import Duration

_COLUMNS = ("NAME", "ROLE", "PROJECT", "EXPIRES", "LAST USED", "SOURCE")
_ROLES = ("read", "operate", "write", "admin")


@click.group("token")
def tokens() -> None:
    """
    Who may use the admin API of a FiberLB that runs.

    \b
    Example: fiberlb token create prometheus --role read
    """


@tokens.command("ls")
@prints
@asks
def listing(client: Client, printer: Printer) -> None:
    """
    Which there are: those of the file, then those that were made since.

    \b
    Example: fiberlb token ls
    """
    found = client.get("/v1/tokens")["items"]
    if not printer.document(found):
        printer.table(_COLUMNS, [_row(one) for one in found])


@tokens.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What they may do.")
@click.option("--project", help="The only one it is for, of the Octavia API.")
@click.option("--expires", metavar="TIME", help="30d, 12h, or 2027-01-31T08:00:00Z.")
@writes
@prints
@asks
def create(
    client: Client,
    printer: Printer,
    name: str,
    role: str,
    project: str | None,
    expires: str | None,
    intent: Intent,
) -> None:
    """
    Make one, and print it: it is not told again.

    \b
    Example: fiberlb token create ci --role write --expires 90d > ci.token
    """
    wanted = {"name": name, "role": role, "project": project}
    wanted["expires_at"] = None if expires is None else moment(expires, datetime.now(UTC))
    _told(printer, client.write("POST", "/v1/tokens", wanted, intent))


@tokens.command("rotate")
@click.argument("name")
@click.option("--grace", default="0s", show_default=True, help="How long the old one stays good.")
@writes
@prints
@asks
def rotate(client: Client, printer: Printer, name: str, grace: str, intent: Intent) -> None:
    """
    Give one a new text, and print that.

    \b
    Example: fiberlb token rotate ci --grace 1h
    """
    target = f"/v1/tokens/{segment(name)}/rotate"
    _told(printer, client.write("POST", target, {"grace": grace}, intent))


@tokens.command("delete")
@click.argument("name")
@writes
@asks
def delete(client: Client, name: str, intent: Intent) -> None:
    """
    Take one away, at once.

    \b
    Example: fiberlb token delete ci
    """
    done = client.write("DELETE", f"/v1/tokens/{segment(name)}", None, intent)
    if intent.dry_run and done:
        click.echo(f"Nothing was done. {name} would be taken away")
        return
    click.echo(f"{name} is good for nothing any more")


def _told(printer: Printer, found: dict[str, Any]) -> None:
    """The token alone on the standard output, so that it can go into a file."""
    if printer.document(found):
        return
    if found.get("dry_run"):
        made = found["result"]
        click.echo(f"Nothing was done. It would be token {made['name']}, role {made['role']}")
        return
    said = f"Token {found['name']}, role {found['role']}: it is not told again"
    if found["old_until"]:
        said += f"; the old one is good until {found['old_until']}"
    click.echo(said, err=True)
    click.echo(found["token"])


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    expires = one["expires_at"] or "never"
    return (
        one["name"],
        one["role"],
        one["project"] or "-",
        "EXPIRED" if one.get("expired") else expires,
        one.get("last_used_at") or "-",
        one["managed_by"],
    )


def moment(text: str, now: datetime) -> str:
    """A time as the API takes it; a duration is from now on."""
    found = Duration().load(text, (), Loading())
    if isinstance(found, float):
        return (now + timedelta(seconds=found)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return text
