"""Asking the admin API of the process that a command is about."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from fiberlb.workers.commands import REFUSED, ask, leave, settings_of


def asked(path: str, target: str, method: str = "GET", body: Any = None) -> dict[str, Any]:
    """
    The answer to one request.

    @param path: of the configuration file.
    @param body: sent as JSON.
    @raise SystemExit: 1, it was refused; 3, nobody can be reached.
    """
    status, answer = ask(settings_of(path), method, target, body)
    if status != 200:
        errors = answer.get("errors", ())
        for error in errors if len(errors) > 1 else ():
            click.echo(f"{error['path'] or '/'}: {error['message']}", err=True)
        leave(REFUSED, str(answer.get("detail", answer)))
    return answer


def every(path: str, target: str) -> list[dict[str, Any]]:
    """
    All items of a list, page by page.

    @raise SystemExit: as of L{asked}.
    """
    items: list[dict[str, Any]] = []
    following: str | None = f"{target}?limit=1000"
    while following:
        answer = asked(path, following)
        items += answer["items"]
        following = answer["next"]
    return items


def segment(name: str) -> str:
    """A name as a part of an address."""
    return quote(name, safe="")
