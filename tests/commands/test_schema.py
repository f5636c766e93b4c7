"""Tests of fiberlb.commands.schema."""

from __future__ import annotations

import json

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import main
from fiberlb.model.file_schema import file_schema


class SchemaTests(SynchronousTestCase):
    """C{fiberlb schema}."""

    def test_printed(self) -> None:
        """The whole schema, and nothing else."""
        found = CliRunner().invoke(main, ["schema"])
        self.assertEqual(found.exit_code, 0)
        self.assertEqual(json.loads(found.output), json.loads(json.dumps(file_schema())))
