"""What every command that writes takes: a dry run, a reason, and the revision that is meant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from fiberlb.commands.asking import Intent

F = TypeVar("F", bound=Callable[..., Any])

_DRY = click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
_IF_MATCH = click.option(
    "--if-match", default="", metavar="REVISION", help="Only if the object is still of this one."
)


def writes(function: F) -> F:
    """A command that changes something: it is given an L{Intent} as C{intent}."""
    return _with_intent(function, matching=False)


def writes_matching(function: F) -> F:
    """The same where an object is changed that was read before: with C{--if-match}."""
    return _with_intent(function, matching=True)


def reasoned(function: F) -> F:
    """The same where a dry run is not possible: with C{--reason} alone."""
    done: Any = _REASON(_taking(function))
    return done


def _with_intent(function: Any, matching: bool) -> Any:
    done: Any = _REASON(_DRY(_taking(function)))
    return _IF_MATCH(done) if matching else done


def _taking(function: Any) -> Any:
    @functools.wraps(function)
    def writing(
        *words: Any, reason: str, dry_run: bool = False, if_match: str = "", **options: Any
    ) -> Any:
        intent = Intent(dry_run, " ".join(reason.split()), if_match.strip().strip('"'))
        return function(*words, intent=intent, **options)

    return writing
