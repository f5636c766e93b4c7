"""Tests of fiberlb.control.token_files_watch."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import execute
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import load_file
from fiberlb.control.file_watch import PATIENCE
from fiberlb.control.looking import INTERVAL
from fiberlb.control.token_files_watch import TokenFilesWatch
from fiberlb.model.access import digest
from tests.control.loading import written
from tests.control.stage import Stage

TEXT = """\
admin:
  tokens:
  - {name: here, role: read, token: a-token-of-the-file-itself}
  - {name: boss, token: "file:sub/boss"}
"""
FIRST, SECOND = "first-token-of-boss", "second-token-of-boss"


class WatchTests(SynchronousTestCase):
    """Tokens in files that change while a node runs."""

    def setUp(self) -> None:
        """A node with a token in a file."""
        self.begin(TEXT)

    def begin(self, text: str) -> None:
        """A node."""
        self.directory = Path(written(self, {"f.yaml": text}))
        (self.directory / "sub").mkdir()
        self.file = self.directory / "sub" / "boss"
        self.file.write_text(FIRST + "\n")
        self.stage = Stage(self, start=False)
        layer = load_file(str(self.directory / "f.yaml"), {})
        self.stage.result(self.stage.control.start(layer))
        self.watch = TokenFilesWatch(self.stage.control, self.stage.clock, execute)
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.tick()

    def tick(self, looks: int = 1) -> None:
        """Some looks."""
        for _ in range(looks):
            self.stage.clock.advance(INTERVAL)

    def good(self) -> list[str]:
        """The digests of the tokens in force."""
        return [one.token for one in self.stage.control.state.file.settings.admin.tokens]

    def test_changed(self) -> None:
        """The new one is good and the old one is not, once; the other token stays."""
        here = digest("a-token-of-the-file-itself")
        self.assertEqual(self.good(), [here, digest(FIRST)])
        generation = self.stage.control.file_generation
        self.file.write_text(SECOND)
        self.tick()
        self.assertEqual(self.good(), [here, digest(SECOND)])
        self.tick(3)
        self.assertEqual(self.stage.control.file_generation, generation + 1)

    def test_refused(self) -> None:
        """What is no token is told once, and in the status as long as it is so."""
        for text in ("short!", None, "a-token-of-the-file-itself"):
            with capturedLogs() as events:
                if text is None:
                    self.file.unlink()
                else:
                    self.file.write_text(text)
                self.tick(PATIENCE + 4)
            (told,) = [formatEvent(e) for e in events if "old token stays" in formatEvent(e)]
            self.assertNotIn(text or FIRST, told)
            self.assertEqual(self.good()[1], digest(FIRST))
            self.assertEqual(self.stage.control.problems, (told,))
        self.file.write_text(SECOND)
        self.tick(2)
        self.assertEqual(self.good()[1], digest(SECOND))
        self.assertEqual(self.stage.control.problems, ())

    def test_alone(self) -> None:
        """A token that is no list, in its short form."""
        self.begin('admin: {tokens: "file:sub/boss"}\n')
        self.file.write_text(SECOND)
        self.tick()
        self.assertEqual(self.good(), [digest(SECOND)])

    def test_read_again(self) -> None:
        """A configuration file that names other files ends the watch of these."""
        self.file.write_text("short!")
        self.tick(PATIENCE)
        self.assertEqual(len(self.stage.control.problems), 1)
        self.stage.result(self.stage.control.reload(self.stage.file("")))
        self.tick()
        self.assertEqual(self.stage.control.problems, ())
        self.assertEqual(self.good(), [])
