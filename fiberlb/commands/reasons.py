"""C{fiberlb explain}, C{fiberlb why}: what becomes of a request, and what became of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from fiberlb.commands.asking import Client, asks, segment
from fiberlb.commands.completing import listener_names
from fiberlb.commands.exits import Failed
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.showing import told

_NESTING = frozenset({"any", "all", "not"})


@click.command("explain")
@click.argument("listener", shell_complete=listener_names)
@click.argument("target", metavar="URL", required=False)
@click.option("-X", "--method", metavar="METHOD", help="GET unless it is given.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Again.")
@click.option("--from-ip", metavar="ADDRESS", help="Who has connected.")
@click.option("--sni", metavar="NAME", help="The server name of the TLS handshake.")
@click.option("--alpn", metavar="A,B", help="Protocols that the client offers.")
@prints
@asks
def explain(
    client: Client,
    printer: Printer,
    listener: str,
    target: str | None,
    method: str | None,
    headers: Sequence[str],
    from_ip: str | None,
    sni: str | None,
    alpn: str | None,
) -> None:
    """
    Say which policy would take a request and why, and which member: no member is asked.

    \b
    Examples:
      fiberlb explain front https://shop.example/api/1
      fiberlb explain front /cart -X POST -H 'Cookie: beta=1' --from-ip 192.0.2.9
      fiberlb explain passthrough --sni a.example
    """
    fields: dict[str, Any] = {"method": method, "url": target, "from_ip": from_ip, "sni": sni}
    body = {name: value for name, value in fields.items() if value is not None}
    if headers:
        body["headers"] = _headers(headers)
    if alpn:
        body["alpn"] = alpn.split(",")
    found = client.write("POST", f"/v1/listeners/{segment(listener)}/explain", body)
    if not printer.document(found):
        for line in _explained(found):
            printer.text(line)


def _headers(lines: Sequence[str]) -> dict[str, list[str]]:
    done: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise Failed(f"-H {line!r}: must be 'NAME: VALUE'")
        done.setdefault(name.strip(), []).append(value.strip())
    return done


def _explained(found: dict[str, Any]) -> Iterator[str]:
    yield found["summary"]
    for policy in found["policies"]:
        yield f"\npolicy {policy['name'] or policy['id']}: {policy['outcome']}"
        for rule in policy["rules"]:
            yield from _rule(rule, "  ")
    if found.get("left_out"):
        yield f"\n{found['left_out']} policies that did not match are left out here"
    for policy in found.get("never_asked") or ():
        yield f"\npolicy {policy['name'] or policy['id']}: never asked: {policy['why']}"
    if found.get("not_asked"):
        yield f"\n{found['not_asked']} policies come after"
    if found["pool"] is not None:
        yield from _pool(found["pool"])


def _rule(rule: dict[str, Any], margin: str) -> Iterator[str]:
    name = f"{'not ' if rule['invert'] else ''}{rule['rule_type']}"
    if rule["rule_type"] in _NESTING:
        yield f"{margin}{name}: {rule['outcome']}"
        for inner in rule["rules"]:
            yield from _rule(inner, f"{margin}  ")
        return
    key = f" {rule['key']}" if rule["key"] else ""
    values = ", ".join(map(repr, rule["values"]))
    seen = ", ".join(map(repr, rule["compared"])) or "nothing"
    yield f"{margin}{name}{key} {rule['compare_type']} {values}: {rule['outcome']} (was {seen})"


def _pool(pool: dict[str, Any]) -> Iterator[str]:
    yield f"\npool {pool['name'] or pool['id']}, {pool['algorithm']}:"
    chosen = (pool["chosen"] or {}).get("id")
    for member in pool["members"]:
        state = "chosen" if member["id"] == chosen else member["why_not"] or "eligible"
        name = member["name"] or member["id"]
        yield f"  {name}: {state} ({member['health']}, weight {member['weight']})"


@click.command("why")
@click.argument("request_id")
@prints
@asks
def why(client: Client, printer: Printer, request_id: str) -> None:
    """
    Say why FiberLB answered a request itself: reason, policy, pool, and each member tried.

    The id stands in the answer (below the reason), in X-Request-ID, and in the access log. The
    last ones are remembered; answers of members are in the access log only.

    \b
    Example: fiberlb why 3d918588282404d614cf91755e085fdc
    """
    found = client.get(f"/v1/requests/{segment(request_id)}")
    if printer.document(found):
        return
    attempts, times = found.get("attempts") or [], found.get("times") or {}
    rest = {name: value for name, value in found.items() if name not in ("attempts", "times")}
    printer.fields((name, told(value)) for name, value in rest.items())
    shown = [f"{name} {_seconds(value)}" for name, value in times.items()]
    if shown:
        printer.fields([("times", ", ".join(shown))])
    if attempts:
        printer.text("")
        rows = [
            (one["member"], one["reason"], _seconds(one["after"]), one.get("detail") or "-")
            for one in attempts
        ]
        printer.table(("TRIED", "REASON", "AFTER", "DETAIL"), rows)


def _seconds(value: Any) -> str:
    return f"{value * 1000:.1f} ms" if isinstance(value, int | float) else told(value)
