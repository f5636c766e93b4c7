"""The admin API's certificate, in files that change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.admin_tls import AdminTlsWatch
from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.file_watch import PATIENCE
from fiberlb.control.looking import INTERVAL
from fiberlb.errors import ConfigurationError
from tests.support.certificates import Leaf, leaf
from tests.tls.test_admin import handshake

_FILE = """
version: 1
admin:
  listen: {address: "127.0.0.1:0", plaintext: false}
  tls_config: {certificate: "file:a.pem", private_key: "file:a.key"}
"""


class AdminTlsWatchTests(SynchronousTestCase):
    """Read again by itself."""

    def setUp(self) -> None:
        """A file, and the certificate beside it."""
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.clock = Clock()
        self.path = self.directory / "f.yaml"
        self.path.write_text(_FILE)
        self.one, self.two = leaf("one.example"), leaf("two.example")
        self.write(self.one)
        self.watch = AdminTlsWatch(self.layer(), self.clock, lambda work: maybeDeferred(work))
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.told = EventLoggingObserver()
        globalLogPublisher.addObserver(self.told)
        self.addCleanup(globalLogPublisher.removeObserver, self.told)

    def write(self, one: Leaf, key: Leaf | None = None) -> None:
        """Files, each in place of the one before."""
        for name, text in (("a.pem", one.chain), ("a.key", (key or one).key_pem())):
            draft = self.directory / "draft"
            draft.write_text(text)
            os.replace(draft, self.directory / name)

    def layer(self) -> FileLayer:
        """The configuration file as it is now."""
        return load_file(str(self.path), {})

    def shown(self) -> Any:
        """What a client gets to see."""
        assert self.watch.context is not None
        client = handshake(self.watch.context.serverConnectionForTLS(None))
        found = client.get_peer_certificate()
        assert found is not None
        return found.to_cryptography()

    def test_changed(self) -> None:
        """Another certificate in the files is shown."""
        self.clock.advance(INTERVAL)
        self.assertEqual(self.shown(), self.one.certificate)
        self.write(self.two)
        for _ in range(3):
            self.clock.advance(INTERVAL)
        self.assertEqual(self.shown(), self.two.certificate)
        lines = [event for event in self.told if "was read again" in event["log_format"]]
        self.assertEqual(len(lines), 1)

    def test_half_written(self) -> None:
        """What does not fit together is not shown, is told once, and is tried until it does."""
        self.write(self.two, self.one)
        for _ in range(PATIENCE + 3):
            self.clock.advance(INTERVAL)
        self.assertEqual(self.shown(), self.one.certificate)
        lines = [event for event in self.told if "are refused" in event["log_format"]]
        self.assertEqual(len(lines), 1)
        self.write(self.two)
        self.clock.advance(INTERVAL)
        self.assertEqual(self.shown(), self.two.certificate)

    def test_reload(self) -> None:
        """Another configuration file is prepared, then used; one that is wrong is neither."""
        self.write(self.two)
        use = self.watch.prepared(self.layer())
        self.assertEqual(self.shown(), self.one.certificate)
        use()
        self.assertEqual(self.shown(), self.two.certificate)
        self.write(self.one, self.two)
        self.assertRaises(ConfigurationError, self.watch.prepared, self.layer())

    def test_without(self) -> None:
        """Where no address speaks TLS there is nothing to do."""
        self.path.write_text("version: 1\n")
        watch = AdminTlsWatch(self.layer(), self.clock, lambda work: maybeDeferred(work))
        watch.start()
        self.assertIsNone(watch.context)
        watch.prepared(self.layer())()
        watch.stop()
