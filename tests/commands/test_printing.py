"""Tests of fiberlb.commands.printing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import click
import yaml
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.printing import Printer, prints, table
from fiberlb.control.yaml_text import yaml_text

#: A table on a terminal.
_PROGRAM = (
    "from fiberlb.commands.printing import Printer;"
    " Printer().table(('A', 'STATE'), [('x', 'down')])"
)


class PrintingTests(SynchronousTestCase):
    """What commands print."""

    def printed(self, *words: str) -> str:
        """The output of a command that has found something."""

        @click.command()
        @prints
        def command(printer: Printer) -> None:
            if not printer.document([{"name": "a", "port": 80}]):
                printer.table(("NAME", "PORT"), [("a", "80")])

        found = CliRunner().invoke(command, words)
        self.assertEqual(found.exit_code, 0, found.output)
        return found.output

    def test_forms(self) -> None:
        """A table for people, JSON and YAML for programs."""
        self.assertEqual(self.printed(), "NAME  PORT\na     80\n")
        found = [{"name": "a", "port": 80}]
        self.assertEqual(json.loads(self.printed("-o", "json")), found)
        self.assertEqual(json.loads(self.printed("--json")), found)
        self.assertEqual(self.printed("-o", "yaml"), "- name: a\n  port: 80\n")

    def test_yaml(self) -> None:
        """Texts stay texts in both versions of YAML; those of several lines can be read."""
        found = {"a": "off", "b": "22:22", "c": "x\ny\n", "list": [{"d": 1}], "none": None}
        text = yaml_text(found)
        self.assertEqual(yaml.safe_load(text), found)
        self.assertIn("c: |\n  x\n  y\n", text)
        self.assertIn("list:\n  - d: 1\n", text)

    def test_table(self) -> None:
        """Columns line up, whatever their style, and no line ends with blanks."""
        self.assertEqual(table([("A", "B"), ("long", "")]), ["A     B", "long"])
        styled = click.style("x", dim=True)
        self.assertEqual(table([(styled, "1"), ("yy", "2")]), [f"{styled}   1", "yy  2"])

    def test_fields(self) -> None:
        """Names and values."""

        @click.command()
        def command() -> None:
            Printer().fields([("name", "a"), ("protocol", "http")])

        self.assertEqual(CliRunner().invoke(command).output, "name      a\nprotocol  http\n")

    def test_terminal(self) -> None:
        """On a terminal what is wrong is seen at a glance."""
        ours, theirs = pty.openpty()
        environ = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], stdout=theirs, env=environ, timeout=120, check=False
        )
        os.close(theirs)
        output = os.read(ours, 65536)
        os.close(ours)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"\x1b[31mdown", output)
