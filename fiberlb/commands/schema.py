"""C{fiberlb schema}: what can be written in a configuration file, for editors."""

from __future__ import annotations

import json

import click

from fiberlb.model.file_schema import file_schema


@click.command("schema")
def schema() -> None:
    """
    Print the JSON Schema (2020-12) of the configuration file.

    An editor that knows YAML completes and checks the file by it, with this as its first line:
    # yaml-language-server: $schema=fiberlb.schema.json

    \b
    Example: fiberlb schema > fiberlb.schema.json
    """
    click.echo(json.dumps(file_schema(), indent=2))
