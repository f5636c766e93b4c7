"""The C{fiberlb} command."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import click
from twisted.python.util import gidFromString, uidFromString

from fiberlb.build import VERSION
from fiberlb.commands.certificates import certificates
from fiberlb.commands.keys import keys
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.validate import validated
from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.bounds import Limits
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.convert import overlaid
from fiberlb.model.listener import Listener
from fiberlb.tls.weaknesses import weaknesses
from fiberlb.workers.commands import upgrade, workers

#: Exit code of everything that is refused or fails (product page, "First five minutes").
REFUSED = 1
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
            sys.exit(REFUSED)
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
    """An event-driven L4/L7 load balancer."""


@main.command()
@click.option(
    "-c",
    "--config",
    "path",
    required=True,
    metavar="FILE",
    help="The configuration file, or a directory of *.yaml files.",
)
def check(path: str) -> None:
    """Say what is wrong with a configuration file, all of it, without starting anything."""
    try:
        layer = load_file(path, os.environ)
    except ConfigurationError as why:
        _refuse(why)
    try:
        made = validated(
            layer.configuration,
            limits=overlaid(Limits(), layer.settings.limits),
            clock=time.monotonic,
            report=lambda *_: None,
        )
    except ConfigurationError as why:
        _refuse(ConfigurationError(layer.located(why.problems)))
    for warning in warnings(layer, made.configuration, time.time()):  # noqa: TID251
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{path}: ok: {summary(layer)}")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--uid", help="As root: the user to become once ports below 1024 are bound.")
@click.option("--gid", help="The group to become; that of the user unless given.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: Sequence[str], uid: str | None, gid: str | None) -> None:
    """Start in the foreground: twistd with the options that suit FiberLB."""
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


def warnings(layer: FileLayer, configuration: Configuration, now: float) -> list[str]:
    """
    What is no reason to refuse a file, each with its place: certificates that
    end soon or are odd, TLS that is weak.

    @param now: seconds since the epoch.
    """
    facts = CertificateFacts()
    found = [
        Problem((Certificate.COLLECTION, ident, "certificate"), said)
        for ident, made in configuration.all(Certificate).items()
        for said in facts.warnings(made, now)
    ]
    found += [
        Problem((Listener.COLLECTION, ident, "tls_config", *path), said)
        for ident, listener in configuration.all(Listener).items()
        if listener.tls_config is not None
        for path, said in weaknesses(listener.tls_config)
    ]
    return [str(problem) for problem in layer.located(found)]


def summary(layer: FileLayer) -> str:
    """How many objects of each kind there are, for one line."""
    objects = layer.configuration.objects
    words = {"listeners": "listener", "pools": "pool", "members": "member"}
    counts = [_counted(len(objects.get(key, ())), word, key) for key, word in words.items()]
    policies = _counted(len(objects.get("l7_policies", ())), "policy", "policies")
    return ", ".join([*counts, policies])


main.add_command(certificates)
main.add_command(keys)
main.add_command(workers)
main.add_command(upgrade)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _refuse(why: ConfigurationError) -> NoReturn:
    for problem in why.problems:
        click.echo(str(problem), err=True)
    sys.exit(REFUSED)
