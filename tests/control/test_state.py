"""The state: one value for one moment."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.control.stage import Stage


class StateTests(SynchronousTestCase):
    """What was read stays as it was."""

    def test_immutable(self) -> None:
        """A write makes another state; the one that a reader holds does not change."""
        stage = Stage(self)
        before = stage.control.state
        stage.create("pools", {"name": "a"})
        self.assertEqual((before.revision, before.configuration.objects["pools"]), (0, {}))
        self.assertEqual(stage.control.state.revision, 1)
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            before.generation = 5  # type: ignore[misc]

    def test_tags(self) -> None:
        """Its tags are of its own moment."""
        stage = Stage(self)
        before = stage.control.state
        stage.create("pools", {"name": "a"})
        self.assertEqual((before.tags.whole, stage.control.state.tags.whole), ("0", "1"))
