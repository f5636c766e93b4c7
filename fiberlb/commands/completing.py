"""Names that a shell completes, asked of the process that runs; and C{fiberlb completion}."""

from __future__ import annotations

import os
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from fiberlb.commands.asking import Client, with_query
from fiberlb.commands.exits import Failed
from fiberlb.commands.object_kinds import ObjectKind, kinds
from fiberlb.commands.where import Asked, where

#: Seconds that somebody waits who has pressed a key, and names that are of use then.
_PATIENCE, _MOST = 2.0, 200


def object_names(context: click.Context, parameter: Any, incomplete: str) -> list[CompletionItem]:
    """
    Names of objects of the kind that was typed, C{PARENT/NAME} within a parent; nothing where
    nobody can be asked.
    """
    kind = context.params.get("kind")
    if not isinstance(kind, ObjectKind):
        return []
    if parameter.name == "parent" or kind.single:
        parent = kind.cls.PARENT[1] if kind.cls.PARENT else "pools"
        return _matching(_names(context, f"/v1/{parent}"), incomplete)
    head, slash, _ = incomplete.partition("/")
    if not kind.within:
        return _matching(_names(context, f"/v1/{kind.collection}"), incomplete)
    if not slash:
        assert kind.cls.PARENT is not None
        names = _names(context, f"/v1/{kind.cls.PARENT[1]}")
        return _matching([f"{name}/" for name in names], incomplete)
    within = _names(context, kind.list_target(head))
    return _matching([f"{head}/{name}" for name in within], incomplete)


def pool_names(context: click.Context, parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Names of pools."""
    return _matching(_names(context, "/v1/pools"), incomplete)


def listener_names(context: click.Context, parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Names of listeners."""
    return _matching(_names(context, "/v1/listeners"), incomplete)


def member_names(context: click.Context, parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Names of members, of the pool that was typed or with their pool."""
    pool = context.params.get("pool")
    if pool:
        return _matching(_names(context, kinds()["members"].list_target(pool)), incomplete)
    context.params["kind"] = kinds()["members"]
    return object_names(context, parameter, incomplete)


name_argument = click.argument("name", shell_complete=object_names)


def _matching(names: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _names(context: click.Context, target: str) -> list[str]:
    given = context.params
    asked = Asked(
        url=given.get("url"),
        path=given.get("path"),
        token_file=given.get("token_file"),
        ca=given.get("ca"),
        certificate=given.get("client_cert"),
        key=given.get("client_key"),
    )
    try:
        client = Client(where(asked, os.environ), _PATIENCE)
        items = client.get(with_query(target, {"limit": _MOST}))["items"]
    except (Failed, LookupError, TypeError):
        # Whoever completes a word is not interrupted by what is wrong.
        return []
    return [one.get("name") or one["id"] for one in items]


_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """
    Print what makes a shell complete commands, options and the names of objects.

    \b
    Examples:
      eval "$(fiberlb completion bash)"     in ~/.bashrc
      eval "$(fiberlb completion zsh)"      in ~/.zshrc, after compinit
      fiberlb completion fish > ~/.config/fish/completions/fiberlb.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    made = found(context.find_root().command, {}, "fiberlb", "_FIBERLB_COMPLETE")
    click.echo(made.source())
