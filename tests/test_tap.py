"""Tests of L{fiberlb.tap}."""

from __future__ import annotations

import io
import os
import sys

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.node import Node
from fiberlb.started import REFUSED
from fiberlb.tap import Options, makeService


class OptionsTests(SynchronousTestCase):
    """What the command line may say."""

    def parsed(self, *words: str) -> Options:
        """The options of a command line."""
        options = Options()
        options.parseOptions(words)
        return options

    def test_file(self) -> None:
        """A path is made absolute at once: twistd changes its directory."""
        self.assertEqual(self.parsed("-c", "x.yaml")["config"], os.path.abspath("x.yaml"))

    def test_members(self) -> None:
        """Without a file: where from and where to, several times."""
        options = self.parsed("--from", ":8080", "--to", "127.0.0.1:1", "--to", "127.0.0.1:2")
        self.assertEqual(options["from"], ":8080")
        self.assertEqual(options["to"], ["127.0.0.1:1", "127.0.0.1:2"])

    def test_nothing_shared(self) -> None:
        """Two command lines do not share their members."""
        self.parsed("--from", "1", "--to", "127.0.0.1:1")
        self.assertEqual(self.parsed("--from", "1", "--to", "127.0.0.1:2")["to"], ["127.0.0.1:2"])

    def test_both(self) -> None:
        """A file and the others exclude each other."""
        for more in (["--from", ":1", "--to", "127.0.0.1:1"], ["--to", "127.0.0.1:1"]):
            self.assertIn("--config goes without --from", self.refusal("-c", "x.yaml", *more))

    def test_neither(self) -> None:
        """Something must be given, and all of it; what is missing is told."""
        self.assertIn("give -c FILE, or --from", self.refusal())
        self.assertIn("such as --to", self.refusal("--from", ":1"))
        self.assertIn("such as --from", self.refusal("--to", "127.0.0.1:1"))

    def test_misspelt(self) -> None:
        """An option that there is not is told, with the one that was meant."""
        wrong = "option --too not recognized (did you mean '--to'?)"
        self.assertEqual(self.refusal("--from", ":1", "--too", "127.0.0.1:1"), wrong)
        self.assertEqual(self.refusal("--zzzzz"), "option --zzzzz not recognized")

    def refusal(self, *words: str) -> str:
        """Why a command line is refused."""
        with self.assertRaises(UsageError) as caught:
            self.parsed(*words)
        return str(caught.exception)

    def test_help(self) -> None:
        """The help names every option."""
        text = str(self.parsed("--from", ":1", "--to", "127.0.0.1:1"))
        for option in ("--config=", "--from=", "--to=", "--version"):
            self.assertIn(option, text)


class MakeServiceTests(SynchronousTestCase):
    """From options to a service."""

    def make(self, text: str) -> object:
        """The service of a file."""
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        options = Options()
        options.parseOptions(["-c", path])
        return makeService(options)

    def test_service(self) -> None:
        """A good file makes a service that holds a node, and starts nothing."""
        service = self.make("version: 1\nstore: 'memory:'\n")
        self.assertIsInstance(service._node, Node)  # type: ignore[attr-defined]
        self.assertFalse(service.running)  # type: ignore[attr-defined]

    def test_refused(self) -> None:
        """A bad file ends the process with an exit code, every problem on the standard error."""
        stderr = io.StringIO()
        self.patch(sys, "stderr", stderr)
        with self.assertRaises(SystemExit) as caught:
            self.make("version: 1\nlisteners: [{nam: x}]\npoools: []\n")
        self.assertEqual(caught.exception.code, REFUSED)
        self.assertIn("poools", stderr.getvalue())
        self.assertIn("did you mean 'pools'", stderr.getvalue())
        self.assertIn(":2:", stderr.getvalue())
