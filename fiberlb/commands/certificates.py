"""C{fiberlb cert}: which certificates there are, and when they end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from fiberlb.commands.asking import asked, every, segment
from fiberlb.tls.concerns import left
from fiberlb.workers.commands import file_option

#: Names that stand in a line of the table.
_NAMES = 3
_COLUMNS = ("NAME", "NAMES", "TYPE", "KEY", "EXPIRES IN", "USED BY", "SOURCE")
_json = click.option("--json", "as_json", is_flag=True, help="The documents of the admin API.")


@click.group("cert")
def certificates() -> None:
    """The certificates of a FiberLB that runs."""


@certificates.command("ls")
@file_option
@_json
def listing(path: str, as_json: bool) -> None:
    """All of them, those that end first on top."""
    found = sorted(every(path, "/v1/certificates"), key=lambda one: one["expires_at"] or "")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    now = datetime.now(UTC)
    for line in table([_COLUMNS, *(_row(one, now) for one in found)]):
        click.echo(line)


@certificates.command("show")
@click.argument("name")
@file_option
@_json
def show(name: str, path: str, as_json: bool) -> None:
    """Everything that is known of one, by name or id; never its key."""
    found = asked(path, f"/v1/certificates/{segment(name)}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    now = datetime.now(UTC)
    found.get("ocsp", {}).pop("response", None)
    lines = [(word, _told(value)) for word, value in found.items() if word not in _UNTOLD]
    lines.append(("expires_in", remaining(found["expires_at"], now)))
    lines.append(("used_by", ", ".join(_users(found)) or "nobody"))
    width = max(len(word) for word, _ in lines)
    for word, text in lines:
        click.echo(f"{word:{width}}  {text}")
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


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns of the same width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
