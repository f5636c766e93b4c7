"""C{fiberlb drain}, C{maint}, C{ready}, C{check-member}: members, by name or by address."""

from __future__ import annotations

import time
from typing import Any

import click

from fiberlb.commands.asking import Client, asks, segment
from fiberlb.commands.completing import member_names, pool_names
from fiberlb.commands.exits import REFUSED, Failed
from fiberlb.commands.members import LOOK, said
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.waiting import Waiting
from fiberlb.model.pool import split_address

_member = click.argument("members", nargs=-1, required=True, shell_complete=member_names)
_deadline = click.option(
    "--deadline", metavar="TIME", help="What is left then is ended; default: of the pool. Or: none."
)
_weight = click.option(
    "--weight", type=click.IntRange(0, 256), help="In place of the configured one."
)
_reason = click.option("--reason", default="", metavar="TEXT", help="Why, for whoever asks later.")
_wait = click.option("--wait", is_flag=True, help="Return when nothing runs on it any more.")
_dry = click.option("--dry-run", is_flag=True, help="Say who is meant; change nothing.")


@click.command("drain")
@_member
@_deadline
@_weight
@_wait
@_reason
@_dry
@prints
@asks
def drain(
    client: Client,
    printer: Printer,
    members: tuple[str, ...],
    deadline: str | None,
    weight: int | None,
    wait: bool,
    reason: str,
    dry_run: bool,
) -> None:
    """
    Send members nothing new; what runs goes on, and clients that stay with one may still come.

    MEMBERS are POOL/MEMBER each, or ADDRESS or ADDRESS:PORT: all that are there.

    \b
    Examples:
      fiberlb drain web/api-1 --wait --reason "kernel update"
      fiberlb drain 10.0.0.2 --deadline 2m --wait
    """
    body = {"state": "drain", "deadline": deadline, "weight": weight, "reason": reason}
    _all(client, printer, members, body, wait, dry_run)


@click.command("maint")
@_member
@_deadline
@_wait
@_reason
@_dry
@prints
@asks
def maint(
    client: Client,
    printer: Printer,
    members: tuple[str, ...],
    deadline: str | None,
    wait: bool,
    reason: str,
    dry_run: bool,
) -> None:
    """
    Send members nothing at all, and do not check them.

    MEMBERS are POOL/MEMBER each, or ADDRESS or ADDRESS:PORT: all that are there.

    \b
    Example: fiberlb maint 10.0.0.2 --reason "new disk"
    """
    body = {"state": "maintenance", "deadline": deadline, "reason": reason}
    _all(client, printer, members, body, wait, dry_run)


@click.command("ready")
@_member
@_weight
@_reason
@_dry
@prints
@asks
def ready(
    client: Client,
    printer: Printer,
    members: tuple[str, ...],
    weight: int | None,
    reason: str,
    dry_run: bool,
) -> None:
    """
    Have members serve again, with the configured weight or another one.

    MEMBERS are POOL/MEMBER each, or ADDRESS or ADDRESS:PORT: all that are there.

    \b
    Example: fiberlb ready web/api-1
    """
    body = {"state": "ready", "weight": weight, "reason": reason}
    _all(client, printer, members, body, False, dry_run)


def _all(
    client: Client,
    printer: Printer,
    words: tuple[str, ...],
    body: dict[str, Any],
    wait: bool,
    dry_run: bool,
) -> None:
    found: list[dict[str, Any]] = []
    for word in words:
        found += _meant(client, word) if dry_run else _set(client, word, body)
    if dry_run:
        printer.text("Nothing was done. This is meant for:")
    if wait and not dry_run:
        found = _drained(client, found)
    if not printer.document(found):
        for line in _called(client, found) if dry_run else map(said, found):
            printer.text(line)


def _called(client: Client, found: list[dict[str, Any]]) -> list[str]:
    """What members are called; those of several pools with these, for a server stands in many."""
    several = len({one.get("pool_id") for one in found}) > 1
    pools = client.every("/v1/pools") if several else []
    names = {pool["id"]: f"{pool['name'] or pool['id']}/" for pool in pools}
    return [f"  {names.get(one.get('pool_id'), '')}{one['name'] or one['id']}" for one in found]


def _set(client: Client, word: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    pool, slash, member = word.partition("/")
    if slash and pool != "unix:":
        target = f"/v1/pools/{segment(pool)}/members/{segment(member)}/state"
        return [client.write("PUT", target, body)]
    found: list[dict[str, Any]] = client.write(
        "POST", "/v1/members/state", {**body, **_place(word)}
    )["items"]
    return found


def _meant(client: Client, word: str) -> list[dict[str, Any]]:
    """The members that a word means."""
    pool, slash, member = word.partition("/")
    if slash and pool != "unix:":
        return [client.get(f"/v1/pools/{segment(pool)}/members/{segment(member)}")]
    return client.every("/v1/members", **_place(word))


def _place(word: str) -> dict[str, Any]:
    """C{ADDRESS} or C{ADDRESS:PORT}, as the API has it."""
    found = split_address(word)
    if found is None:
        return {"address": word.strip("[]")}
    return {"address": found[0], "port": int(found[1])}


def _drained(client: Client, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states of members once nothing runs on any of them."""
    with Waiting() as waiting:
        while True:
            left = [one for one in found if not one["drained"]]
            if not left:
                return found
            running = sum(one["in_flight"] for one in left)
            waiting.tell(f"{running} running on {len(left)} of {len(found)} members")
            time.sleep(LOOK)
            found = [client.get(f"/v1/members/{one['id']}/state") for one in found]
            ready_ones = [one["name"] or one["id"] for one in found if one["state"] == "ready"]
            if ready_ones:
                raise Failed(f"{', '.join(ready_ones)}: made ready meanwhile")


@click.command("check-member")
@click.argument("pool", shell_complete=pool_names)
@click.argument("member", shell_complete=member_names, required=False)
@prints
@asks
@click.pass_context
def check_member(
    context: click.Context, client: Client, printer: Printer, pool: str, member: str | None
) -> None:
    """
    Check a member now and show each phase; its health does not change by that.

    POOL MEMBER, or POOL/MEMBER. The exit code is 1 when the check fails.

    \b
    Example: fiberlb check-member web api-1
    """
    if member is None:
        pool, slash, member = pool.partition("/")
        if not slash:
            raise click.UsageError("which member of it? Such as: fiberlb check-member web api-1")
    target = f"/v1/pools/{segment(pool)}/members/{segment(member)}/check"
    found = client.write("POST", target)
    if not printer.document(found):
        rows = [
            (
                f"{one['address']} {one['port'] or ''}".strip(),
                phase["phase"],
                "ok" if phase["passed"] else "failed",
                f"{phase['milliseconds']} ms",
                phase["reason"] or "-",
            )
            for one in found["checks"]
            for phase in one["phases"]
        ]
        printer.table(("ADDRESS", "PHASE", "RESULT", "TIME", "REASON"), rows)
        why = f": {found['reason']}" if found["reason"] else ""
        printer.text(f"\nIts health is {found['health']}{why}")
        if not found["checks"]:
            printer.text("It is nowhere to be asked: it is disabled, or its name has no address")
    if not found["passed"]:
        context.exit(REFUSED)
