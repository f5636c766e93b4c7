"""Large bodies through a running FiberLB: whole, and never more of them held than needed."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator

from tests.live.front import FrontCase, chunk, connect, get, post
from tests.live.hostile_clients import Figures, eventually
from tests.live.origin import Caller
from tests.live.strict import framing
from tests.support.clients import PATIENCE

MIB = 1 << 20
SIZE = 100 * MIB
#: Enough to show that somebody waits, which is so long before its end.
STALLING = 56 * MIB
_CODED = b"Transfer-Encoding: chunked"
#: What a side may be sent while the other one takes nothing, and what that may cost.
MOST_TAKEN = 40_000_000
MOST_MEMORY = 64 * MIB


def pieces(size: int) -> Iterator[bytes]:
    """A body of that size, no part of which is like another."""
    block = hashlib.shake_128(b"bulk").digest(MIB)
    for number in range(size // MIB):
        yield b"%08d" % number + block[8:]


def digest_of(parts: Iterator[bytes]) -> bytes:
    """What tells one body from another."""
    digest = hashlib.blake2b()
    for part in parts:
        digest.update(part)
    return digest.digest()


WHOLE = {size: digest_of(pieces(size)) for size in (SIZE, STALLING)}


class BulkCase(FrontCase):
    """A member that takes bodies and gives them."""

    timeouts = "{client_body_idle: 60s, client_write_idle: 60s, member_body_idle: 60s}"

    def setUp(self) -> None:
        self.size = SIZE
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self.addCleanup(self.go_on.set)
        #: What the member was able to send.
        self.sent = 0
        self.front(self.member)
        self.figures: Figures = self.balancer.figures

    def member(self, caller: Caller) -> None:
        """C{/sized} and C{/coded} give a body, C{/take} takes one, C{/stall} waits before."""
        while (message := caller.request_head()) is not None:
            target = message.target
            if target == b"/stall":
                self.stalled.set()
                if not self.go_on.wait(PATIENCE * 4):
                    raise TimeoutError
            if target in (b"/take", b"/stall"):
                found = digest_of(self.body(caller, framing(message) or 0))
                caller.reply(found)
            elif not self.give(caller, target == b"/coded"):
                return

    def give(self, caller: Caller, coded: bool) -> bool:
        """Send a body; false when it is not wanted to its end."""
        framed = _CODED if coded else b"Content-Length: %d" % self.size
        caller.send(b"HTTP/1.1 200 OK\r\n" + framed + b"\r\n\r\n")
        caller.socket.settimeout(PATIENCE * 4)
        for piece in pieces(self.size):
            data = memoryview(chunk(piece) if coded else piece)
            while data:
                try:
                    count = caller.socket.send(data)
                except ConnectionError:
                    return False
                self.sent += count
                data = data[count:]
        caller.send(chunk(b"") if coded else b"")
        return True

    def body(self, reader: Caller, length: int) -> Iterator[bytes]:
        """The pieces of a body as they come, -1: in chunks."""
        if length == -1:
            while size := int(reader.line(), 16):
                yield from self.sized(reader, size)
                reader.take(2)
            reader.line()
        else:
            yield from self.sized(reader, length)

    def sized(self, reader: Caller, left: int) -> Iterator[bytes]:
        """So many bytes, as they come."""
        while left:
            if not reader.held and not reader.more():
                raise EOFError(left)
            piece = reader.take(min(left, len(reader.held)))
            left -= len(piece)
            yield piece

    def head(self, client: Caller) -> int:
        """Read the head of an answer of 200; the length of its body."""
        self.assertEqual(client.line(), b"HTTP/1.1 200 OK")
        length = 0
        while line := client.line().lower():
            if line == _CODED.lower():
                length = -1
            elif line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return length

    def measure(self) -> None:
        """From now on memory counts."""
        self.figures.forget_peak()
        self.before = self.figures.resident

    def check_memory(self) -> None:
        """It has never grown much."""
        self.assertLess(self.figures.peak - self.before, MOST_MEMORY)


class WholeTests(BulkCase):
    """A hundred mebibytes each way, plain and over TLS, with a length and in chunks."""

    def test_down(self) -> None:
        """Answers reach the client as they are, and memory does not grow with them."""
        self.measure()
        for tls in (False, True):
            for target in (b"/sized", b"/coded"):
                client = connect(self.secure if tls else self.port, tls)
                client.send(get(target))
                found = digest_of(self.body(client, self.head(client)))
                self.assertEqual(found, WHOLE[self.size], f"{target!r} tls={tls}")
                client.socket.close()
        self.check_memory()

    def test_up(self) -> None:
        """Requests reach the member as they are, and memory does not grow with them."""
        self.measure()
        for tls in (False, True):
            for coded in (False, True):
                client = connect(self.secure if tls else self.port, tls)
                client.send(post(b"/take", _CODED if coded else b"Content-Length: %d" % self.size))
                for piece in pieces(self.size):
                    client.send(chunk(piece) if coded else piece)
                client.send(chunk(b"") if coded else b"")
                answer = client.answer()
                assert answer is not None
                self.assertEqual(answer.body, WHOLE[self.size], f"coded={coded} tls={tls}")
                client.socket.close()
        self.check_memory()


class StallTests(BulkCase):
    """One side stalls: the other one is made to wait, and goes on afterwards."""

    def setUp(self) -> None:
        super().setUp()
        self.size = STALLING

    def test_member(self) -> None:
        """A member that reads nothing makes the client wait."""
        self.measure()
        for tls in (False, True):
            for coded in (False, True):
                self.stalled.clear()
                self.go_on.clear()
                client = connect(self.secure if tls else self.port, tls)
                client.send(post(b"/stall", _CODED if coded else b"Content-Length: %d" % self.size))
                self.assertTrue(self.stalled.wait(PATIENCE))
                self.upload_stalling(client, coded)
        self.check_memory()

    def upload_stalling(self, client: Caller, coded: bool) -> None:
        """Send until nothing is taken any more; then let the member read, and send the rest."""
        taken = 0
        client.socket.settimeout(1)
        for piece in pieces(self.size):
            data = memoryview(chunk(piece) if coded else piece)
            while data:
                try:
                    count = client.socket.send(data)
                except (TimeoutError, ssl.SSLWantWriteError):
                    # Once: from then on the member reads.
                    self.assertFalse(self.go_on.is_set(), "it does not go on")
                    self.assertLess(taken, MOST_TAKEN)
                    self.go_on.set()
                    client.socket.settimeout(PATIENCE)
                    continue
                taken += count
                data = data[count:]
        self.assertTrue(self.go_on.is_set(), "it never stalled")
        client.send(chunk(b"") if coded else b"")
        answer = client.answer()
        assert answer is not None
        self.assertEqual(answer.body, WHOLE[self.size])
        client.socket.close()

    def test_client(self) -> None:
        """A client that reads nothing makes the member wait."""
        self.measure()
        for tls in (False, True):
            for target in (b"/sized", b"/coded"):
                self.sent = 0
                client = connect(self.secure if tls else self.port, tls)
                client.send(get(target))
                self.assertTrue(eventually(self.stands_still))
                self.assertLess(self.sent, MOST_TAKEN)
                found = digest_of(self.body(client, self.head(client)))
                self.assertEqual(found, WHOLE[self.size], f"{target!r} tls={tls}")
                client.socket.close()
        self.check_memory()

    def stands_still(self) -> bool:
        """Whether the member has sent something, but nothing more for a while."""
        before = self.sent
        return not eventually(lambda: self.sent != before, 0.5) and before > 0
