"""Tests of L{fiberlb.control.state_directory}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.state_directory import SYSTEM, state_directory


class StateDirectoryTests(SynchronousTestCase):
    """Where state is kept, the first that is given wins."""

    def test_setting(self) -> None:
        """The file's setting wins over everything."""
        self.assertEqual(state_directory("/a", {"STATE_DIRECTORY": "/b"}, True), "/a")

    def test_systemd(self) -> None:
        """The service manager's directory; the first, if it gives several."""
        self.assertEqual(state_directory(None, {"STATE_DIRECTORY": "/b:/c"}, True), "/b")

    def test_root(self) -> None:
        """Root has the system's place."""
        self.assertEqual(state_directory(None, {"HOME": "/root"}, True), SYSTEM)

    def test_user(self) -> None:
        """Others have theirs, by the XDG rules."""
        environment = {"XDG_STATE_HOME": "/x", "HOME": "/h"}
        self.assertEqual(state_directory(None, environment, False), "/x/fiberlb")
        self.assertEqual(state_directory(None, {"HOME": "/h"}, False), "/h/.local/state/fiberlb")
