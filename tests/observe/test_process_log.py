"""Tests of L{fiberlb.observe.process_log}."""

from __future__ import annotations

import os
from typing import cast

from twisted.logger import ILogObserver, LogEvent, Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import Log, LogLevel
from fiberlb.observe.process_log import CHATTY, direct


class DirectTests(SynchronousTestCase):
    """What is written, and where to."""

    def setUp(self) -> None:
        """A publisher with one observer, as twistd makes it."""
        self.seen: list[str] = []
        self.publisher = LogPublisher()
        self.publisher.addObserver(cast(ILogObserver, self.see))

    def see(self, event: LogEvent) -> None:
        """The observer."""
        self.seen.append(event["log_format"])

    def logger(self, namespace: str = "fiberlb.x") -> Logger:
        """A logger to this publisher."""
        return Logger(namespace, observer=self.publisher)

    def test_level(self) -> None:
        """Messages below the level are not written."""
        direct(self.publisher, Log(level=LogLevel.WARN))
        self.logger().info("little")
        self.logger().warn("much")
        self.assertEqual(self.seen, ["much"])

    def test_debug(self) -> None:
        """The least level lets everything pass."""
        direct(self.publisher, Log(level=LogLevel.DEBUG))
        self.logger().debug("least")
        self.assertEqual(self.seen, ["least"])

    def test_chatty(self) -> None:
        """What Twisted tells of each connection is not written at the usual level."""
        direct(self.publisher, Log())
        for namespace in CHATTY:
            self.logger(namespace + ".Something").info("noise")
            self.logger(namespace + ".Something").error("trouble")
        self.assertEqual(self.seen, ["trouble"] * len(CHATTY))

    def test_file(self) -> None:
        """A file takes the place of what twistd arranged."""
        path = self.mktemp()
        direct(self.publisher, Log(path=path))
        self.logger().info("kept")
        self.assertEqual(self.seen, [])
        with open(path, encoding="utf-8") as file:
            self.assertIn("kept", file.read())

    def test_no_such_directory(self) -> None:
        """A file that cannot be opened is told at once, and nothing changes."""
        with self.assertRaises(OSError):
            direct(self.publisher, Log(path=os.path.join(self.mktemp(), "x", "y")))
        self.logger().info("still here")
        self.assertEqual(self.seen, ["still here"])
