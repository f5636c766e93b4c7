"""What may not take the place of a file that is in force."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import load_file
from fiberlb.errors import ConfigurationError
from fiberlb.model.settings import Settings
from tests.control.loading import written


class AgainTests(SynchronousTestCase):
    """L{load_file}, for a reload."""

    def setUp(self) -> None:
        self.path = f"{written(self, {'f.yaml': ''})}/f.yaml"

    def refused(self) -> str:
        """Why it is."""
        with self.assertRaises(ConfigurationError) as caught:
            load_file(self.path, {}, again=True)
        return str(caught.exception)

    def test_empty(self) -> None:
        """A file that holds nothing is one that is being written, but for one that says so."""
        for text in ("", "# later\n"):
            Path(self.path).write_text(text)
            self.assertEqual(load_file(self.path, {}).settings, Settings())
            self.assertIn("f.yaml is empty; for a file without anything write {}", self.refused())
        Path(self.path).write_text("{}")
        self.assertEqual(load_file(self.path, {}, again=True).settings, Settings())

    def test_pipe(self) -> None:
        """A pipe, of which nobody knows whether anything comes, is not waited for."""
        os.unlink(self.path)
        os.mkfifo(self.path)
        self.assertIn("f.yaml: not a regular file", self.refused())
