"""Tests of fiberlb.commands.writing."""

from __future__ import annotations

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.asking import Intent
from fiberlb.commands.writing import reasoned, writes, writes_matching


class WritingTests(SynchronousTestCase):
    """The options of commands that change something."""

    def test_intent(self) -> None:
        """They become one value; the revision only where one is meant."""
        seen: list[Intent] = []

        @click.command()
        @writes
        def create(intent: Intent) -> None:
            seen.append(intent)

        @click.command()
        @writes_matching
        def update(intent: Intent) -> None:
            seen.append(intent)

        @click.command()
        @reasoned
        def rotate(intent: Intent) -> None:
            seen.append(intent)

        run = CliRunner().invoke
        self.assertEqual(run(rotate, ["--dry-run"]).exit_code, 2)
        self.assertEqual(run(create, []).exit_code, 0)
        self.assertEqual(run(create, ["--dry-run", "--reason", "ticket\n 4711"]).exit_code, 0)
        self.assertEqual(run(update, ["--if-match", '"7"']).exit_code, 0)
        self.assertEqual(run(create, ["--if-match", "7"]).exit_code, 2)
        self.assertEqual(
            seen,
            [Intent(), Intent(dry_run=True, reason="ticket 4711"), Intent(if_match="7")],
        )
