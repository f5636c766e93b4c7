"""Tests of fiberlb.commands.completing."""

from __future__ import annotations

from click.testing import CliRunner

from fiberlb.cli import main
from tests.commands.answering import Answering


class CompletingTests(Answering):
    """What a shell is told."""

    def completed(self, words: str, number: int, *names: str) -> list[str]:
        """The completions of the last word, where the process that is asked knows these names."""
        self.answers.clear()
        items = [{"name": name, "id": f"id-of-{name}"} for name in names]
        self.serve({"items": items, "next": None})
        environ = {
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
            "_FIBERLB_COMPLETE": "bash_complete",
            "FIBERLB_URL": f"unix:{self.directory}/s",
        }
        found = CliRunner(env=environ).invoke(main, [], prog_name="fiberlb")
        return [line.partition(",")[2] for line in found.output.splitlines()]

    def test_commands(self) -> None:
        """Commands and kinds."""
        self.assertIn("create", self.completed("fiberlb cr", 1))
        self.assertEqual(self.completed("fiberlb show poo", 2), ["pool"])

    def test_names(self) -> None:
        """Names of the objects that there are."""
        self.assertEqual(self.completed("fiberlb show pool w", 3, "web", "api"), ["web"])
        self.assertEqual(self.targets[-1], "/v1/pools?limit=200")
        self.assertEqual(self.completed("fiberlb ls members ", 3, "web"), ["web"])

    def test_within(self) -> None:
        """First the parent, then what is in it."""
        self.assertEqual(self.completed("fiberlb delete member w", 3, "web", "x"), ["web/"])
        self.assertEqual(self.completed("fiberlb delete member web/", 3, "a"), ["web/a"])
        self.assertEqual(self.targets[-1], "/v1/pools/web/members?limit=200")

    def test_nobody(self) -> None:
        """Nobody can be asked: there is nothing to complete, and no error."""
        self.socket.close()
        environ = {
            "COMP_WORDS": "fiberlb show pool w",
            "COMP_CWORD": "3",
            "_FIBERLB_COMPLETE": "bash_complete",
            "FIBERLB_URL": f"unix:{self.directory}/s",
        }
        found = CliRunner(env=environ).invoke(main, [], prog_name="fiberlb")
        self.assertEqual(found.output.strip(), "")

    def test_scripts(self) -> None:
        """Each shell has its own script."""
        for shell, word in (("bash", "complete -"), ("zsh", "compdef"), ("fish", "complete --")):
            found = CliRunner().invoke(main, ["completion", shell])
            self.assertEqual(found.exit_code, 0)
            self.assertIn(word, found.output)
            self.assertIn("_FIBERLB_COMPLETE", found.output)
