"""Tests of fiberlb.commands.exits."""

from __future__ import annotations

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import Commands
from fiberlb.commands.exits import OK, PENDING, REFUSED, STALE, UNREACHABLE, Failed


class ExitTests(SynchronousTestCase):
    """The ends of commands."""

    def test_codes(self) -> None:
        """They are those of the product page."""
        self.assertEqual((OK, REFUSED, PENDING, UNREACHABLE, STALE), (0, 1, 2, 3, 4))

    def test_failed(self) -> None:
        """What went wrong is said on the error output, and nothing else."""
        group = Commands("x")

        @group.command()
        def stale() -> None:
            raise Failed("it was changed", STALE, ("  by ann",))

        found = CliRunner().invoke(group, ["stale"])
        self.assertEqual(found.exit_code, STALE)
        self.assertEqual((found.stdout, found.stderr), ("", "it was changed\n  by ann\n"))

    def test_pending(self) -> None:
        """A command may end with a code of its own without having failed."""
        group = Commands("x")

        @group.command()
        @click.pass_context
        def pending(context: click.Context) -> None:
            context.exit(PENDING)

        self.assertEqual(CliRunner().invoke(group, ["pending"]).exit_code, PENDING)
