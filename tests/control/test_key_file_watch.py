"""Tests of fiberlb.control.key_file_watch."""

from __future__ import annotations

import base64

from twisted.internet.defer import execute
from twisted.logger import capturedLogs, formatEvent

from fiberlb.control.file_watch import PATIENCE
from fiberlb.control.key_file_watch import AGAIN, KeyFileWatch
from fiberlb.control.keys import KeyUse
from fiberlb.control.looking import INTERVAL
from fiberlb.store.sealed import key_id
from tests.control.stage import ORIGIN, Stage
from tests.control.test_keys import OLD, SEALED, KeysCase

NEW = b"2" * 32


class WatchTests(KeysCase):
    """A key file that changes while a node runs."""

    def setUp(self) -> None:
        """The node, watching."""
        super().setUp()
        self.watch = KeyFileWatch(self.stage.control, self.stage.clock, execute)
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.tick()

    def tick(self, looks: int = 1) -> None:
        """Some looks."""
        for _ in range(looks):
            self.stage.clock.advance(INTERVAL)

    def put(self, *keys: bytes) -> None:
        """Have these in the file."""
        self.path.write_bytes(b"\n".join(map(base64.b64encode, keys)) + b"\n")

    def test_changed(self) -> None:
        """Everything is sealed with the new first key, once; then the old one may go."""
        self.put(NEW, OLD)
        self.tick()
        self.assertEqual(self.uses(), [KeyUse(key_id(NEW), SEALED), KeyUse(key_id(OLD), 0)])
        revision = self.stage.control.revision
        self.tick(3)
        self.assertEqual(self.stage.control.revision, revision)
        self.put(NEW)
        self.tick()
        self.assertEqual(self.uses(), [KeyUse(key_id(NEW), SEALED)])

    def test_refused(self) -> None:
        """The old keys stay; told once, and in the status until the file is good again."""
        for content in (b"nonsense\n", None, base64.b64encode(NEW)):
            with capturedLogs() as events:
                if content is None:
                    self.path.unlink()
                else:
                    self.path.touch(mode=0o600)
                    self.path.write_bytes(content)
                self.tick(PATIENCE + 2 * AGAIN)
            (told,) = [formatEvent(event) for event in events]
            self.assertIn("The key file has changed and is not in use: ", told)
            self.assertNotIn("nonsense", told)
            self.assertEqual(self.uses(), [KeyUse(key_id(OLD), SEALED)])
            self.assertEqual(self.stage.control.problems, (told[0].lower() + told[1:],))
        self.put(OLD)
        self.tick(2)
        self.assertEqual(self.stage.control.problems, ())

    def test_own_change(self) -> None:
        """What a rotation writes is no news."""
        done = self.stage.result(self.keys.rotate(ORIGIN))
        self.tick(3)
        self.assertEqual(self.stage.control.revision, done.revision)

    def test_no_file(self) -> None:
        """Keys of this process alone are not looked for."""
        stage = Stage(self)
        before = len(stage.clock.getDelayedCalls())
        watch = KeyFileWatch(stage.control, stage.clock, execute)
        watch.start()
        self.assertEqual(len(stage.clock.getDelayedCalls()), before)
        watch.stop()
