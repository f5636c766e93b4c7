"""The C{fiberlb} command."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.build import VERSION
from fiberlb.cli import main, run_command
from tests.control.loading import written
from tests.support.commands import commands


def invoke(*arguments: str, **environ: str) -> Result:
    """The command's exit code and what it printed."""
    return CliRunner(env=environ).invoke(main, arguments)


class UsageTests(SynchronousTestCase):
    """Wrong usage."""

    def test_exit_codes(self) -> None:
        """It is an error, exit code 1: 2 means changes that are pending."""
        for arguments in ((), ("check",), ("nope",), ("check", "--nope")):
            result = invoke(*arguments)
            self.assertEqual(result.exit_code, 1, arguments)
            self.assertIn("Usage: ", result.stderr)

    def test_help(self) -> None:
        """Asked for, it is none."""
        for arguments in (("--help",), ("check", "--help")):
            result = invoke(*arguments)
            self.assertEqual(result.exit_code, 0)
            self.assertIn("Usage: ", result.stdout)

    def test_version(self) -> None:
        """The version is the package's, with the kind of build."""
        self.assertEqual(invoke("--version").stdout, f"FiberLB {VERSION}\n")

    def test_embedded(self) -> None:
        """Who calls it from Python gets exceptions and results, not exits."""
        with self.assertRaises(Exception) as caught:
            main.main(["nope"], standalone_mode=False)
        self.assertIn("No such command", str(caught.exception))

    def test_misspelled(self) -> None:
        """A command that there is not is told with the one that was probably meant."""
        result = invoke("statsu")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("No such command 'statsu'. Did you mean 'status'?", result.stderr)
        self.assertNotIn("Did you mean", invoke("--", "zzzz").stderr)


class HelpTests(SynchronousTestCase):
    """What C{--help} says."""

    def test_examples(self) -> None:
        """Every command has an example, and its words are those that call it."""
        for words, command in commands(main):
            called = "fiberlb " + " ".join(words[:1])
            self.assertIn(called, command.help or "", words)
            self.assertRegex(command.help or "", "Examples?:", words)

    def test_groups(self) -> None:
        """Each command stands below a title, once."""
        lines = invoke("--help").stdout.splitlines()
        for (name, *_), _ in commands(main):
            found = [line for line in lines if re.match(rf"  {name}  ", line)]
            self.assertEqual(len(found), 1, name)

    def test_names(self) -> None:
        """No option of a command has the name of another parameter of it."""
        for words, command in commands(main):
            names = [parameter.name for parameter in command.params]
            self.assertEqual(len(names), len(set(names)), words)


class RunTests(SynchronousTestCase):
    """C{fiberlb run}."""

    def test_command(self) -> None:
        """It is twistd of the same Python, in the foreground."""
        command = run_command(["-c", "f.yaml"])
        self.assertEqual(command[0], sys.executable)
        self.assertEqual(command[-5:], ["-n", "--pidfile=", "fiberlb", "-c", "f.yaml"])

    def test_user(self) -> None:
        """The user is twistd's concern; one that there is not is told."""
        command = run_command(["-c", "f"], "nobody", "7")
        self.assertEqual(command[-5:-2], ["--uid=nobody", "--gid=7", "fiberlb"])
        for words, said in ((("--uid", "no-such"), "no user"), (("--gid=no-such",), "no group")):
            found = invoke("run", *words, "-c", "f")
            self.assertEqual(found.exit_code, 1)
            self.assertIn(f"there is {said} no-such", found.output)

    def test_reactor(self) -> None:
        """FiberLB's reactor is there before twistd looks for plugins, which may install another."""
        command = run_command([])
        code = command[command.index("-n") - 1]
        shown = code.replace("run()", "from twisted.internet import reactor; print(type(reactor))")
        done = subprocess.run(
            [sys.executable, "-c", shown], capture_output=True, text=True, timeout=60, check=False
        )
        self.assertIn("LeanReactor", done.stdout, done.stderr)

    def test_twistd(self) -> None:
        """What is run is indeed twistd, and the working directory hides no library."""
        directory = written(self, {"twisted.py": "raise SystemExit(7)"})
        command = run_command([])
        at = command.index("-n")
        done = subprocess.run(
            [*command[:at], "--version"],
            cwd=directory,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("twistd (the Twisted daemon)", done.stdout)
