"""Bodies in very small chunks, which nobody is to wait for."""

from __future__ import annotations

from fiberlb.relay.connection import READ_SIZE
from fiberlb.relay.uploading_h1 import MANY_SMALL, SHORT_READ
from tests.support.relay_world import RelayTestCase, answer, ask, asked

_CODED = b"Transfer-Encoding: chunked"
_SMALL = b"5\r\nhello\r\n"


class SmallChunkTests(RelayTestCase):
    """How much of a body is read at a time."""

    def reads(self, size: int, chunk: bytes) -> list[int]:
        """How many reads so many octets take, at first and after many such chunks."""
        world = self.world()
        client = world.client(ask(_CODED, method=b"POST"))
        member = world.members[0].link
        found = []
        for _ in range(2):
            data = chunk * (size // len(chunk))
            before = client.near.calls["recv"]
            client.send(data)
            member.take()
            found.append(client.near.calls["recv"] - before)
        client.send(b"0\r\n\r\n" + ask())
        member.take()
        member.send(answer())
        before = client.near.calls["recv"]
        client.send(ask(_CODED, method=b"POST", body=b"%x\r\n" % 50_000 + bytes(50_000)))
        found.append(client.near.calls["recv"] - before)
        self.assertIn(asked(), world.members[0].link.received)
        return found

    def test_small(self) -> None:
        """Many small chunks are read a little at a time, so that others get their turn."""
        size = READ_SIZE - READ_SIZE % len(_SMALL)
        self.assertGreater(size // len(_SMALL), MANY_SMALL)
        self.assertEqual(self.reads(size, _SMALL), [1, READ_SIZE // SHORT_READ, 1])

    def test_large(self) -> None:
        """Large ones are not."""
        large = b"3ff8\r\n" + bytes(0x3FF8) + b"\r\n"
        self.assertEqual(self.reads(4 * len(large), large), [1, 1, 1])
