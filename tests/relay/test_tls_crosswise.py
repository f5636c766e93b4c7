"""Tests of fiberlb.relay.tls_stream with an OpenSSL that wants what real ones hardly ever do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.loop import READ, WRITE
from fiberlb.relay.tls_stream import TlsStream
from tests.relay.tls_client import RecordingSide, StepLoop, pair


class Scripted:
    """An OpenSSL that wants what real ones hardly ever do."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.calls: list[tuple[str, Any]] = []

    def _next(self, name: str, argument: Any) -> Any:
        self.calls.append((name, bytes(argument) if name == "send" else argument))
        found = self.script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def recv(self, size: int) -> Any:
        """The next of the script."""
        return self._next("recv", size)

    def send(self, data: Any) -> Any:
        """The next of the script."""
        return self._next("send", data)

    def shutdown(self) -> Any:
        """The next of the script."""
        return self._next("shutdown", None)

    def pending(self) -> int:
        """Nothing."""
        return 0


class CrosswiseTests(SynchronousTestCase):
    """Reading that wants to write, and writing that wants to read."""

    def setUp(self) -> None:
        """A stream on a scripted OpenSSL; the sockets are real."""
        self.loop, self.side, self.ssl = StepLoop(), RecordingSide(), Scripted()
        ours, self.peer = pair()
        self.conn = TlsStream(self.loop, ours, self.ssl, self.side)  # type: ignore[arg-type]
        self.conn.start()
        self.addCleanup(self.loop.close)
        self.addCleanup(self.peer.close)

    def names(self) -> list[str]:
        """What was called."""
        return [name for name, argument in self.ssl.calls]

    def test_read_wants_write(self) -> None:
        """Until it can write the loop is not asked for readability; then reading is tried again."""
        self.peer.send(b"anything")
        self.ssl.script = [SSL.WantWriteError(), b"data", SSL.WantReadError()]
        self.conn.readable()
        self.assertEqual(self.conn.events, WRITE)
        self.loop.step()
        self.assertEqual(self.side.data, b"data")
        self.assertEqual(self.conn.events, READ)

    def test_read_wants_write_while_paused(self) -> None:
        """A pause meanwhile holds: nothing is read."""
        self.ssl.script = [SSL.WantWriteError()]
        self.conn.readable()
        self.conn.pause()
        self.loop.settle()
        self.assertEqual(self.conn.events, 0)
        self.ssl.script = [b"data", SSL.WantReadError()]
        self.conn.resume()
        self.peer.send(b"anything")
        self.loop.step()
        self.assertEqual(self.side.data, b"data")

    def test_write_wants_read(self) -> None:
        """The same bytes are sent again when it can read, also while paused."""
        self.conn.pause()
        self.ssl.script = [SSL.WantReadError()]
        self.assertFalse(self.conn.write(b"some"))
        self.assertFalse(self.conn.write(b" more"))
        self.assertEqual(self.conn.events, READ)
        self.loop.settle()
        self.peer.send(b"anything")
        self.ssl.script = [9]
        self.loop.step()
        self.assertEqual(self.ssl.calls, [("send", b"some"), ("send", b"some more")])
        self.assertEqual(self.side.heard, ["drained"])
        self.assertEqual(self.conn.events, 0)

    def test_retried_with_the_same_bytes(self) -> None:
        """After a send that found no room the next one begins with what that one had."""
        self.ssl.script = [3, SSL.WantWriteError()]
        self.assertFalse(self.conn.write(b"abcdef"))
        self.conn.write(b"ghi")
        self.ssl.script = [SSL.WantWriteError()]
        self.loop.step()
        self.ssl.script = [6]
        self.loop.step()
        self.assertEqual(
            [argument for name, argument in self.ssl.calls],
            [b"abcdef", b"def", b"defghi", b"defghi"],
        )

    def test_failure_while_sending_on(self) -> None:
        """A failure in the middle is told once, after the batch."""
        self.ssl.script = [3, SSL.Error([("", "", "broken")])]
        self.conn.write(b"abcdef")
        self.assertEqual(self.side.heard, [])
        self.ssl.script = [SSL.Error([])] * 3
        self.loop.settle()
        self.assertEqual(self.side.heard, ["lost"])

    def test_refused_goodbye(self) -> None:
        """A goodbye that fails does not keep the connection."""
        actions: list[tuple[Callable[[], None], bool]] = [
            (self.conn.end_output, False),
            (self.conn.close, True),
        ]
        for action, closed in actions:
            self.ssl.script = [SSL.Error([("", "", "shutdown while in init")])]
            action()
            self.assertEqual(self.conn.closed, closed)
