"""C{fiberlb member}: members that drain, rest and come back."""

from __future__ import annotations

import time
from typing import Any

import click

from fiberlb.commands.asking import Client, asks, segment
from fiberlb.commands.exits import Failed
from fiberlb.commands.printing import Printer, prints

#: Seconds between two looks while a command waits.
LOOK = 0.5
_COLUMNS = ("POOL", "MEMBER", "ADDRESS", "HEALTH", "STATE", "UNTIL", "WEIGHT", "RUNNING", "REASON")

_deadline = click.option(
    "--deadline", metavar="TIME", help="What is left then is ended; default: of the pool. Or: none."
)
_weight = click.option(
    "--weight", type=click.IntRange(0, 256), help="In place of the configured one."
)
_reason = click.option("--reason", default="", metavar="TEXT", help="Why, for whoever asks later.")
_wait = click.option("--wait", is_flag=True, help="Return when nothing runs on it any more.")


@click.group("member")
def members() -> None:
    """
    The members of a FiberLB that runs; whoever owns them.

    \b
    Example: fiberlb member ls
    """


@members.command("ls")
@click.argument("pool", required=False)
@prints
@asks
def listing(client: Client, printer: Printer, pool: str | None) -> None:
    """
    All of them, or those of a pool: health, state, and what runs on each.

    \b
    Example: fiberlb member ls web
    """
    target = "/v1/members" if pool is None else f"/v1/pools/{segment(pool)}/members"
    found = client.every(target)
    if printer.document(found):
        return
    pools = {one["id"]: one["name"] for one in client.every("/v1/pools")}
    printer.table(_COLUMNS, (_row(one, pools) for one in found))


def _row(one: dict[str, Any], pools: dict[str, str]) -> tuple[str, ...]:
    set_, status = one["operational"], one["status"]
    address = one["address"] if one["port"] is None else f"{one['address']} {one['port']}"
    weight = one["weight"] if set_["weight"] is None else f"{set_['weight']} ({one['weight']})"
    return (
        pools.get(one["pool_id"]) or one["pool_id"],
        one["name"] or one["id"],
        address,
        status["health"],
        "drained" if set_["drained"] else set_["state"],
        set_["deadline"] or "-",
        str(weight),
        str(status["in_flight"]),
        set_["reason"] or status["reason"] or "-",
    )


@members.command("drain")
@click.argument("pool")
@click.argument("member")
@_deadline
@_weight
@_reason
@_wait
@asks
def drain(
    client: Client,
    pool: str,
    member: str,
    deadline: str | None,
    weight: int | None,
    reason: str,
    wait: bool,
) -> None:
    """
    Send it nothing new; clients that stay with it may still come, as the pool's drain says.

    \b
    Example: fiberlb member drain web api-1 --wait --reason "kernel update"
    """
    body = {"state": "drain", "deadline": deadline, "weight": weight, "reason": reason}
    _set(client, pool, member, body, wait)


@members.command("maintenance")
@click.argument("pool")
@click.argument("member")
@_deadline
@_reason
@_wait
@asks
def maintenance(
    client: Client, pool: str, member: str, deadline: str | None, reason: str, wait: bool
) -> None:
    """
    Send it nothing at all, and do not check it.

    \b
    Example: fiberlb member maintenance web api-1 --reason "new disk"
    """
    body = {"state": "maintenance", "deadline": deadline, "reason": reason}
    _set(client, pool, member, body, wait)


@members.command("ready")
@click.argument("pool")
@click.argument("member")
@_weight
@_reason
@asks
def ready(client: Client, pool: str, member: str, weight: int | None, reason: str) -> None:
    """
    Have it serve again, with the configured weight or another one.

    \b
    Example: fiberlb member ready web api-1
    """
    _set(client, pool, member, {"state": "ready", "weight": weight, "reason": reason}, False)


def _set(client: Client, pool: str, member: str, body: dict[str, Any], wait: bool) -> None:
    target = f"/v1/pools/{segment(pool)}/members/{segment(member)}/state"
    found = client.write("PUT", target, body)
    while wait and not found["drained"]:
        time.sleep(LOOK)
        found = client.get(target)
        if found["state"] == "ready":
            raise Failed(f"{member} was made ready meanwhile")
    click.echo(said(found))


def said(found: dict[str, Any]) -> str:
    """What became of a member, for people."""
    name = found["name"] or found["id"]
    weight = "" if found["weight"] is None else f", weight {found['weight']}"
    if found["state"] == "ready":
        return f"{name} is ready{weight}"
    if found["drained"]:
        return f"{name} has drained ({found['state']}): nothing runs on it"
    end = f", until {found['deadline']}" if found["deadline"] else ""
    return f"{name}: {found['state']}{weight}{end}; {found['in_flight']} running on it"
