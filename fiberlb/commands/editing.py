"""C{fiberlb edit}: an object in an editor, and back; nobody's change in between is lost."""

from __future__ import annotations

import os
import tempfile

import attrs
import click

from fiberlb.commands.asking import Client, Intent, asks
from fiberlb.commands.bodies import from_file
from fiberlb.commands.completing import name_argument
from fiberlb.commands.exits import Failed
from fiberlb.commands.object_kinds import ObjectKind, kind_argument
from fiberlb.commands.objects import tell
from fiberlb.commands.printing import Printer
from fiberlb.commands.writing import writes
from fiberlb.control.yaml_text import yaml_text


@click.command("edit")
@kind_argument
@name_argument
@writes
@asks
def edit(client: Client, intent: Intent, kind: ObjectKind, name: str) -> None:
    """
    Open an object in an editor (VISUAL, EDITOR), and replace it by what was saved.

    It is refused, with exit code 4, when somebody else has changed the object meanwhile. What
    was written is kept in a file then, as it is after a mistake.

    \b
    Example: fiberlb edit pool web --reason "more weight"
    """
    target = kind.target(name)
    answer = client.good("GET", target)
    before = yaml_text(answer.document)
    after = click.edit(before, extension=".yaml")
    if after is None or after == before:
        click.echo("Nothing was changed")
        return
    kept = _kept(after)
    intent = attrs.evolve(intent, if_match=answer.headers.get("etag", "").strip('"'))
    try:
        several = from_file(kind.cls, kept)
        if len(several) != 1:
            raise Failed(f"{len(several)} objects are written; one is to be replaced")
        done = client.write("PUT", target, several[0], intent)
    except Failed as why:
        said = f"What was written is in {kept}: fiberlb update {kind.word} {name} -f {kept}"
        raise Failed(why.message, why.code, (*why.lines, said)) from None
    os.unlink(kept)
    tell(Printer(), kind, "Updated", done, name)


def _kept(text: str) -> str:
    """A file of this user's own with a text."""
    number, path = tempfile.mkstemp(suffix=".yaml", prefix="fiberlb-", text=True)
    with open(number, "w", encoding="utf-8") as file:
        file.write(text)
    return path
