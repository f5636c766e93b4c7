"""C{fiberlb ls}, C{show}, C{create}, C{update}, C{delete}: objects of every kind."""

from __future__ import annotations

from typing import Any

import click

from fiberlb.commands.asking import Client, Intent, asks
from fiberlb.commands.bodies import from_file, merged
from fiberlb.commands.completing import name_argument, object_names
from fiberlb.commands.exits import Failed
from fiberlb.commands.object_kinds import ObjectKind, kind_argument
from fiberlb.commands.printing import Printer, prints
from fiberlb.commands.showing import Names, columns_of, rows, show, titles
from fiberlb.commands.writing import writes, writes_matching
from fiberlb.model.fields import REFUSED, Loading

_set = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Again for each; dots lead into nested fields, commas part lists, PEM is file:PATH.",
)
_unset = click.option(
    "--unset", multiple=True, metavar="FIELD", help="Back to its default. Again for each field."
)
_file = click.option(
    "-f", "--file", "file", metavar="FILE", help="YAML or JSON; - is the standard input."
)


@click.command("ls")
@kind_argument
@click.argument("parent", required=False, shell_complete=object_names)
@click.option("--filter", "filters", multiple=True, metavar="FIELD=VALUE", help="Only those.")
@click.option("--columns", metavar="A,B,C", help="What to show; a dot leads into nested fields.")
@prints
@asks
def listing(
    client: Client,
    printer: Printer,
    kind: ObjectKind,
    parent: str | None,
    filters: tuple[str, ...],
    columns: str | None,
) -> None:
    """
    List objects of a kind: all, or those within a parent.

    Kinds: load_balancers, listeners, policies, rules, pools, members, monitors, certificates.

    \b
    Examples:
      fiberlb ls pools
      fiberlb ls members web --columns name,status.health,status.reason
      fiberlb ls listeners --filter protocol=http -o json
    """
    query: dict[str, Any] = {}
    for one in filters:
        name, _, value = one.partition("=")
        query[name] = value
    if parent is not None and not kind.within:
        if kind.cls.PARENT is None:
            raise Failed(f"{kind.plural} are not within anything; see --filter")
        query[kind.cls.PARENT[0]] = parent
    found = client.every(kind.list_target(parent), **query)
    if kind.single:
        found = [
            {**one["health_monitor"], "name": one["name"]} for one in found if one["health_monitor"]
        ]
    if not printer.document(found):
        shown = columns_of(kind, columns)
        printer.table(titles(shown), rows(kind, found, shown, Names(client)))


@click.command("show")
@kind_argument
@name_argument
@prints
@asks
def showing(client: Client, printer: Printer, kind: ObjectKind, name: str) -> None:
    """
    Show everything of one object, by its name or id.

    Members and rules are named within their parent: POOL/MEMBER, POLICY/RULE.

    \b
    Examples:
      fiberlb show pool web
      fiberlb show member web/10.0.0.1:80 -o yaml
    """
    found = client.get(kind.target(name))
    if not printer.document(found):
        show(kind, found, Names(client), printer)


@click.command("create")
@kind_argument
@click.argument("name", required=False)
@_set
@_file
@prints
@writes
@asks
def create(
    client: Client,
    intent: Intent,
    printer: Printer,
    kind: ObjectKind,
    name: str | None,
    sets: tuple[str, ...],
    file: str | None,
) -> None:
    """
    Make an object, of --set FIELD=VALUE or of a file, which may hold a list of them.

    \b
    Examples:
      fiberlb create pool web --set algorithm=maglev --set members=10.0.0.1:80,10.0.0.2:80
      fiberlb create listener front --set protocol=http --set port=80 --set default_pool_id=web
      fiberlb create member web/10.0.0.3:80 --set weight=2
      fiberlb create certificate main --set certificate=file:a.pem --set private_key=file:a.key
      fiberlb create policy -f policy.yaml --reason "ticket 4711"
    """
    fields = merged(kind.cls, sets)
    several = from_file(kind.cls, file) if file is not None else [{}]
    if len(several) > 1 and (name or fields):
        raise Failed(f"{file}: holds {len(several)} objects; NAME and --set are for one")
    for one in several:
        _create(client, intent, printer, kind, name, {**one, **fields})


def _create(
    client: Client,
    intent: Intent,
    printer: Printer,
    kind: ObjectKind,
    name: str | None,
    body: dict[str, Any],
) -> None:
    if kind.single:
        target, method = kind.target(name or ""), "PUT"
    else:
        target, method = _home(kind, name, body), "POST"
    done = client.write(method, target, body, intent)
    tell(printer, kind, "Created", done, name)


def _home(kind: ObjectKind, name: str | None, body: dict[str, Any]) -> str:
    """Where an object is made; its name is put into the body."""
    own = name
    parent = None
    if kind.within:
        parent, _, own = (name or "").partition("/")
        if not parent:
            raise Failed(f"say where: fiberlb create {kind.word} {kind.form}")
        if own and "address" not in body:
            body.update({**_short_form(kind, own), **body})
    if own:
        body.setdefault("name", own)
    return kind.list_target(parent)


def _short_form(kind: ObjectKind, text: str) -> dict[str, Any]:
    """What the short form of an object means, such as C{10.0.0.1:80 weight=2} of a member."""
    expand = getattr(kind.cls, "expand", None)
    found = None if expand is None else expand(text, (), Loading())
    return dict(found) if isinstance(found, dict) and found is not REFUSED else {}


@click.command("update")
@kind_argument
@name_argument
@_set
@_unset
@_file
@prints
@writes_matching
@asks
def update(
    client: Client,
    intent: Intent,
    printer: Printer,
    kind: ObjectKind,
    name: str,
    sets: tuple[str, ...],
    unset: tuple[str, ...],
    file: str | None,
) -> None:
    """
    Change fields of an object (--set, --unset), or replace it by a file's.

    What a file leaves out takes its default; lists of what is within stay.

    \b
    Examples:
      fiberlb update pool web --set algorithm=least_connections
      fiberlb update listener front --set timeouts.tunnel=5m --if-match 17
      fiberlb update member web/10.0.0.1:80 --set weight=0 --reason "slow disk"
      fiberlb show pool web -o yaml > web.yaml; fiberlb update pool web -f web.yaml
    """
    fields = merged(kind.cls, sets, unset)
    if file is None:
        if not fields:
            raise Failed("nothing to change: see --set, --unset and --file")
        done = client.write("PATCH", kind.target(name), fields, intent)
    else:
        several = from_file(kind.cls, file)
        if len(several) > 1:
            raise Failed(f"{file}: holds {len(several)} objects; one is to be replaced")
        done = client.write("PUT", kind.target(name), {**several[0], **fields}, intent)
    tell(printer, kind, "Updated", done, name)


@click.command("delete")
@kind_argument
@name_argument
@writes_matching
@asks
def delete(client: Client, intent: Intent, kind: ObjectKind, name: str) -> None:
    """
    Delete an object, with what is in it; what others use is refused.

    \b
    Examples:
      fiberlb delete pool web
      fiberlb delete member web/10.0.0.1:80 --reason "decommissioned"
    """
    done = client.write("DELETE", kind.target(name), None, intent)
    tell(Printer(), kind, "Deleted", done, name)


def tell(printer: Printer, kind: ObjectKind, what: str, done: Any, name: str | None) -> None:
    """What became of a write, or of a dry run."""
    if done is not None and printer.document(done):
        return
    found = done or {}
    if found.get("dry_run"):
        printer.text("Nothing was done. What would be:")
        for change in found["changes"]:
            called = change["name"] or change["id"]
            printer.text(f"  {change['op']} {called} of {change['collection']}")
        return
    called = found.get("name") or name or found.get("id", "")
    at = f" (revision {found['revision']})" if found.get("revision") else ""
    printer.text(f"{what} {kind.word} {called}{at}")
