"""The C{fiberlb} command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from fiberlb.build import VERSION
from fiberlb.commands.exits import REFUSED, Failed
from fiberlb.errors import nearest

#: Command -> where it is. Imported when it is asked for: some have to be there at once.
_COMMANDS = {
    "apply": "fiberlb.commands.applying:apply",
    "backup": "fiberlb.commands.backups:backup",
    "cert": "fiberlb.commands.certificates:certificates",
    "check": "fiberlb.commands.check:check",
    "check-member": "fiberlb.commands.operating:check_member",
    "completion": "fiberlb.commands.completing:completion",
    "confirm": "fiberlb.commands.applying:confirm",
    "create": "fiberlb.commands.objects:create",
    "delete": "fiberlb.commands.objects:delete",
    "drain": "fiberlb.commands.operating:drain",
    "edit": "fiberlb.commands.editing:edit",
    "explain": "fiberlb.commands.reasons:explain",
    "export": "fiberlb.commands.history:export",
    "health": "fiberlb.commands.health:health",
    "history": "fiberlb.commands.history:history",
    "import": "fiberlb.commands.history:import_",
    "keys": "fiberlb.commands.keys:keys",
    "ls": "fiberlb.commands.objects:listing",
    "maint": "fiberlb.commands.operating:maint",
    "member": "fiberlb.commands.members:members",
    "plan": "fiberlb.commands.applying:plan",
    "ready": "fiberlb.commands.operating:ready",
    "restore": "fiberlb.commands.backups:restore",
    "rollback": "fiberlb.commands.history:rollback",
    "schema": "fiberlb.commands.schema:schema",
    "show": "fiberlb.commands.objects:showing",
    "status": "fiberlb.commands.status:status",
    "tail": "fiberlb.commands.tail:tail",
    "token": "fiberlb.commands.tokens:tokens",
    "update": "fiberlb.commands.objects:update",
    "upgrade": "fiberlb.commands.workers:upgrade",
    "why": "fiberlb.commands.reasons:why",
    "workers": "fiberlb.commands.workers:workers",
}
#: Titles of C{fiberlb --help} -> the commands below each, in the order in which they are wanted.
#: What is in none comes last.
_GROUPS = {
    "Begin": "run check schema",
    "Look": "status ls show explain why tail cert",
    "Change objects": "create update edit delete",
    "Change everything": "plan apply confirm history rollback export import",
    "Members": "drain maint ready check-member member",
    "Operate": "workers upgrade keys token backup restore health completion",
}
#: Runs twistd of the Python that runs this, wherever its script is installed, on FiberLB's reactor.
#: Not C{--reactor=fiberlb}: twistd looks for that among all plugins, and where it has no cache of
#: them yet (the first start, or an installation that cannot be written to) it imports them all;
#: txtorcon's installs the stock reactor on its way.
_TWISTD = (
    "import sys; sys.argv[0] = 'fiberlb run'; import fiberlb.relay.reactor as lean; lean.install();"
    " from twisted.scripts.twistd import run; run()"
)


class Commands(click.Group):
    """A group whose exit code for wrong usage is 1; 2 has another meaning here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them, imported."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = place.partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Which one is called, by the first of the words.

        @raise click.UsageError: there is none of that name; with the one that was probably meant.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as why:
            guess = nearest(args[0], self.list_commands(ctx))
            if guess is None:
                raise
            message = f"{why.message} Did you mean {guess!r}?"
            raise click.UsageError(message, why.ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands below their titles; those of another group below one."""
        known = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        groups = {title: words.split() for title, words in _GROUPS.items()}
        placed = {name for names in groups.values() for name in names}
        groups["Commands"] = [name for name in known if name not in placed]
        width = formatter.width - max(map(len, known)) - 6
        for title, names in groups.items():
            found = [(name, known.get(name)) for name in names]
            rows = [(name, made.get_short_help_str(width)) for name, made in found if made]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run; leaves with C{SystemExit} when C{standalone_mode}, as click's does."""
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as why:
            if not standalone_mode:
                raise
            why.show()
            sys.exit(why.code if isinstance(why, Failed) else REFUSED)
        except click.Abort:
            if not standalone_mode:
                raise
            click.echo("Aborted!", err=True)
            sys.exit(REFUSED)
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


@click.group(cls=Commands)
@click.version_option(VERSION, prog_name="FiberLB", message="%(prog)s %(version)s")
def main() -> None:
    """
    An event-driven L4/L7 load balancer.

    Commands about a FiberLB that runs ask the one of --url, of -c FILE, of FIBERLB_URL, or the one
    that runs here. Exit codes: 0 done, 1 refused or failed, 2 changes pending (plan), 3 nobody can
    be reached, 4 somebody else changed it since.

    \b
    Examples:
      fiberlb run -c fiberlb.yaml
      fiberlb status
      fiberlb create pool web --set members=10.0.0.1:80,10.0.0.2:80
      fiberlb drain web/10.0.0.1:80 --wait
    """


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--uid", help="As root: the user to become once ports below 1024 are bound.")
@click.option("--gid", help="The group to become; that of the user unless given.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: Sequence[str], uid: str | None, gid: str | None) -> None:
    """
    Start in the foreground: twistd with the options that suit FiberLB.

    \b
    Examples:
      fiberlb run -c fiberlb.yaml
      fiberlb run --from :8080 --to 127.0.0.1:3000
    """
    # Here, as other commands have to be there at once.
    from twisted.python.util import gidFromString, uidFromString

    for kind, value, number in (("user", uid, uidFromString), ("group", gid, gidFromString)):
        try:
            number(value or "0")
        except KeyError:
            raise click.ClickException(f"there is no {kind} {value}") from None
    command = run_command(arguments, uid, gid)
    os.execv(command[0], command)


def run_command(
    arguments: Sequence[str], uid: str | None = None, gid: str | None = None
) -> list[str]:
    """
    What C{fiberlb run} becomes.

    @param arguments: of C{twistd fiberlb}, such as C{-c FILE}.
    @param uid: the user that it is to become, a name or a number.
    @param gid: the group likewise.
    """
    user = [f"--{name}={value}" for name, value in (("uid", uid), ("gid", gid)) if value]
    twistd = ["-n", "--pidfile=", *user, "fiberlb", *arguments]
    # -P: what lies in the working directory is not imported in place of a library.
    return [sys.executable, "-P", "-c", _TWISTD, *twistd]
