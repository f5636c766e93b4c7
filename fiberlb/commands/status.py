"""C{fiberlb status}: how a FiberLB that runs is, in one look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from fiberlb.commands.asking import Client, asks
from fiberlb.commands.exits import REFUSED
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.workers import serve

#: Members in the list of those that are not well.
_MOST = 20
_WELL = frozenset({"up", "unmonitored"})
_COLUMNS = ("LISTENER", "ADDRESS", "STATE", "CONNECTIONS", "REQUESTS", "REASON")


@click.command("status")
@prints
@asks
@click.pass_context
def status(context: click.Context, client: Client, printer: Printer) -> None:
    """
    Figures, workers, problems, listeners, and the members that are down with the reason.

    The exit code is 1 when it is not ready, a listener is in error or there are problems.

    \b
    Example: fiberlb status
    """
    found = client.get("/v1/status")
    if not printer.document(found):
        _show(client, printer, found)
    broken = any(one["state"] == "error" for one in found["listeners"])
    if broken or found["problems"] or not found["ready"]:
        context.exit(REFUSED)


def _show(client: Client, printer: Printer, found: dict[str, Any]) -> None:
    printer.fields(_head(found))
    for problem in found["problems"]:
        printer.text(f"problem: {problem}")
    for pool in found.get("panic", ()):
        printer.text(f"panic: too few members of {pool['name']} are well, so all are used")
    printer.text("")
    printer.table(_COLUMNS, (_listener(one) for one in found["listeners"]))
    if not found["ready"]:
        return
    several = [one for one in client.every("/v1/members") if not _well(one)]
    if several:
        pools = {one["id"]: one["name"] or one["id"] for one in client.every("/v1/pools")}
        printer.text("")
        rows = [_member(one, pools) for one in several[:_MOST]]
        printer.table(("POOL", "MEMBER", "HEALTH", "STATE", "SINCE", "REASON"), rows)
        if len(several) > _MOST:
            printer.text(f"and {len(several) - _MOST} more: fiberlb ls members")


def _head(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "node", f"{found['node']}, FiberLB {found['version']}"
    yield "ready", "yes" if found["ready"] else "no"
    yield "revision", f"{found['revision']}, generation {found['file_generation']} of the file"
    yield "workers", serve(found["workers"])
    counts = found["members"]
    if counts:
        words = [
            f"{number} {word}" for word, number in counts.items() if number and word != "total"
        ]
        yield "members", f"{counts.get('total', 0)}: {', '.join(words)}" if words else "0"


def _listener(one: dict[str, Any]) -> tuple[str, ...]:
    port = "" if one["port"] is None else f" {one['port']}"
    return (
        one["name"] or one["id"],
        f"{one['address']}{port}",
        one["state"],
        str(one["connections"]),
        str(one["requests"]),
        one["reason"] or "-",
    )


def _well(member: dict[str, Any]) -> bool:
    return member["status"]["health"] in _WELL and member["operational"]["state"] == "ready"


def _member(one: dict[str, Any], pools: dict[str, str]) -> tuple[str, ...]:
    seen, set_ = one["status"], one["operational"]
    return (
        pools.get(one["pool_id"], one["pool_id"]),
        one["name"] or one["id"],
        seen["health"],
        "drained" if set_["drained"] else set_["state"],
        seen["since"] or "-",
        set_["reason"] or seen["reason"] or "-",
    )
