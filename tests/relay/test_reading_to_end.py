"""The last bytes of a peer, and its end with them."""

from __future__ import annotations

from fiberlb.relay.connection import READ_SIZE, Connection
from fiberlb.relay.loop import PEER_CLOSED, READ
from fiberlb.relay.reading_to_end import read_to_end
from tests.relay.test_connection import ConnectionTestCase, Listener
from tests.support.relay_links import Link


class ReadingToEndTests(ConnectionTestCase):
    """One connection that is watched for its peer's end while it is read."""

    def setUp(self) -> None:
        """It, and whether each of its bytes were said to be the last."""
        super().setUp()
        self.conn, self.link, self.side = self.watched()
        self.last: list[bool] = []
        self.side.then["received"] = lambda: self.last.append(self.conn.last)

    def watched(self) -> tuple[Connection, Link, Listener]:
        """A connection that is watched for both."""
        link, side = self.loop.link(), Listener()
        conn = Connection(self.loop, link.near, side)
        conn.start(READ | PEER_CLOSED)
        return conn, link, side

    def calls(self) -> int:
        """How often it has been read."""
        return self.conn.sock.calls["recv"]

    def test_together(self) -> None:
        """Both are told in one turn, and whoever hears the bytes knows."""
        self.link.send(b"bye", run=False)
        self.link.end(run=False)
        self.loop.batch()
        self.assertEqual((self.side.data, self.side.heard), (b"bye", ["received", "ended"]))
        self.assertEqual((self.last, self.conn.events, self.conn.last), ([True], 0, False))

    def test_bytes(self) -> None:
        """Bytes that others may follow cost one read."""
        self.link.send(b"abc")
        self.assertEqual((self.side.heard, self.last, self.calls()), (["received"], [False], 1))
        self.link.end()
        self.assertEqual((self.side.heard, self.last), (["received", "ended"], [False]))

    def test_many(self) -> None:
        """No more than one read's worth is told of at once."""
        self.link.send(b"x" * (READ_SIZE + 5), run=False)
        self.link.end(run=False)
        self.loop.batch()
        self.assertEqual((len(self.side.data), self.side.heard), (READ_SIZE, ["received"]))
        self.loop.run()
        self.assertEqual((len(self.side.data), self.last), (READ_SIZE + 5, [False, True]))

    def test_broken(self) -> None:
        """What came before the connection broke is told, and does not count as the last."""
        self.link.send(b"abc", run=False)
        self.link.reset(run=False)
        read_to_end(self.conn)
        self.assertEqual((self.side.data, self.side.heard), (b"abc", ["received", "lost"]))
        self.assertEqual(self.last, [False])

    def test_nothing(self) -> None:
        """An event that came to nothing."""
        read_to_end(self.conn)
        self.link.send(b"abc", run=False)
        read_to_end(self.conn)
        self.assertEqual((self.side.heard, self.last), (["received"], [False]))
        self.assertFalse(self.conn.closed)

    def test_closed(self) -> None:
        """Who closes it hears nothing more."""
        self.side.then["received"] = self.conn.close
        self.link.send(b"abc", run=False)
        self.link.end()
        self.assertEqual((self.side.heard, self.conn.closed), (["received"], True))

    def test_paused(self) -> None:
        """Its end is told, though nobody wants to read it just now: there is nothing left."""
        self.side.then["received"] = self.conn.pause
        self.link.send(b"abc", run=False)
        self.link.end()
        self.assertEqual((self.side.heard, self.conn.events), (["received", "ended"], 0))
