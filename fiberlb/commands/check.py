"""C{fiberlb check}: what is wrong with a configuration file."""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

import click

from fiberlb.commands.exits import REFUSED
from fiberlb.control.cautions import cautions
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.expecting import failures
from fiberlb.control.validate import validated
from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.bounds import Limits
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.convert import overlaid
from fiberlb.model.listener import Listener
from fiberlb.tls.admin import context_of
from fiberlb.tls.weaknesses import weaknesses


@click.command()
@click.option(
    "-c",
    "--config",
    "path",
    required=True,
    metavar="FILE",
    help="The configuration file, or a directory of *.yaml files.",
)
def check(path: str) -> None:
    """
    Say what is wrong with a configuration file, all of it, without starting anything.

    \b
    Example: fiberlb check -c fiberlb.yaml
    """
    try:
        layer = load_file(path, os.environ)
        if layer.settings.admin.tls_config is not None:
            context_of(layer.settings.admin.tls_config)
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
    failed = failures(made, layer.settings)
    if failed:
        _refuse(ConfigurationError(layer.located(failed)))
    for warning in warnings(layer, made.configuration, time.time()):  # noqa: TID251
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{path}: ok: {summary(layer)}")


def warnings(layer: FileLayer, configuration: Configuration, now: float) -> list[str]:
    """
    What is no reason to refuse a file, each with its place: certificates that
    end soon or are odd, TLS that is weak, PROXY headers that nobody may send.

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
    found += cautions(configuration, layer.settings.trusted_proxies)
    return [str(problem) for problem in layer.located(found)]


def summary(layer: FileLayer) -> str:
    """How many objects of each kind there are, for one line."""
    objects = layer.configuration.objects
    words = {"listeners": "listener", "pools": "pool", "members": "member"}
    counts = [_counted(len(objects.get(key, ())), word, key) for key, word in words.items()]
    policies = _counted(len(objects.get("l7_policies", ())), "policy", "policies")
    tests = len(layer.settings.tests)
    passed = [_counted(tests, "test passes", "tests pass")] if tests else []
    return ", ".join([*counts, policies, *passed])


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _refuse(why: ConfigurationError) -> NoReturn:
    for problem in why.problems:
        click.echo(str(problem), err=True)
    sys.exit(REFUSED)
