"""C{fiberlb cert}: which certificates there are, and when they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from fiberlb.commands.asking import Client, asks, segment
from fiberlb.commands.printing import Printer, prints
from fiberlb.tls.concerns import left

#: Names that stand in a line of the table.
_NAMES = 3
_COLUMNS = ("NAME", "NAMES", "TYPE", "KEY", "EXPIRES IN", "USED BY", "SOURCE")


@click.group("cert")
def certificates() -> None:
    """
    The certificates of a FiberLB that runs, and when they end.

    \b
    Example: fiberlb cert ls
    """


@certificates.command("ls")
@prints
@asks
def listing(client: Client, printer: Printer) -> None:
    """
    All of them, those that end first on top.

    \b
    Example: fiberlb cert ls
    """
    found = sorted(client.every("/v1/certificates"), key=lambda one: one["expires_at"] or "")
    if not printer.document(found):
        now = datetime.now(UTC)
        printer.table(_COLUMNS, (_row(one, now) for one in found))


@certificates.command("show")
@click.argument("name")
@prints
@asks
def show(client: Client, printer: Printer, name: str) -> None:
    """
    Everything that is known of one, by name or id; never its key.

    \b
    Example: fiberlb cert show main
    """
    found = client.get(f"/v1/certificates/{segment(name)}")
    if printer.document(found):
        return
    now = datetime.now(UTC)
    found.get("ocsp", {}).pop("response", None)
    lines = [(word, _told(value)) for word, value in found.items() if word not in _UNTOLD]
    lines.append(("expires_in", remaining(found["expires_at"], now)))
    lines.append(("used_by", ", ".join(_users(found)) or "nobody"))
    printer.fields(lines)
    for warning in found["warnings"]:
        click.echo(f"warning: {warning}")


_UNTOLD = frozenset({"certificate", "crl", "used_by", "warnings", "tags", "description"})


def _row(one: dict[str, Any], now: datetime) -> Sequence[str]:
    names = one["names"] or []
    more = f", +{len(names) - _NAMES}" if len(names) > _NAMES else ""
    return (
        one["name"] or one["id"],
        ", ".join(names[:_NAMES]) + more or "-",
        one["cert_type"],
        one["key_type"] or "-",
        remaining(one["expires_at"], now),
        ", ".join(_users(one)) or "-",
        one["managed_by"],
    )


def _users(one: dict[str, Any]) -> list[str]:
    return [user["name"] or user["id"] for user in one["used_by"]]


def _told(value: Any) -> str:
    if isinstance(value, dict):
        known = [f"{word} {_told(each)}" for word, each in value.items() if each is not None]
        return "; ".join(known) or "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def remaining(expires_at: str | None, now: datetime) -> str:
    """How long it is until then, for people."""
    if expires_at is None:
        return "unknown"
    end = datetime.fromisoformat(expires_at)
    return left(end, now) if end > now else "EXPIRED"
