"""Clients that abuse long uploads, which the kernel moves between two sockets."""

from __future__ import annotations

import random
import socket
import struct
from pathlib import Path

from tests.live.front import FrontCase, connect, get, post
from tests.live.hostile_clients import Crowd, Figures, Victim, eventually, room_for
from tests.live.origin import Caller
from tests.live.strict import framing

MIB = 1 << 20
_ABORT = struct.pack("ii", 1, 0)
#: What hides in a body, and would be served if its end were not found.
_HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: t.test\r\n\r\n"
#: Descriptors that may be left: idle connections to the member, and pipes that wait to be closed.
_SOME = 20


class _Uploads(FrontCase):
    timeouts = "{client_body_idle: 3s, member_keep_alive: 500ms}"

    def setUp(self) -> None:
        room_for(8000)
        self.targets: list[bytes] = []
        self.front(self.member)
        with Victim(self.port):
            eventually(lambda: len(self.targets) > 50)
        self.processes = self.carriers()

    def carriers(self) -> list[Figures]:
        """The processes that carry traffic."""
        assert self.balancer.program is not None
        if not self.workers:
            return [Figures(self.balancer.program.pid)]
        found = Path(self.balancer.directory, "state").glob("worker-*")
        return [Figures(int(path.name.removeprefix("worker-"))) for path in found]

    def member(self, caller: Caller) -> None:
        """Takes what comes, and answers with how much it was; C{/refuse} without reading it."""
        while (message := caller.request_head()) is not None:
            self.targets.append(message.target)
            length = framing(message) or 0
            if message.target == b"/refuse":
                caller.reply(b"no", b"413 Too Large", b"Connection: close\r\n")
                return
            left = length - len(caller.take(min(length, len(caller.held))))
            while left:
                piece = caller.socket.recv(min(left, MIB))
                if not piece:
                    return
                left -= len(piece)
            caller.reply(b"%d" % length)

    def descriptors(self) -> int:
        """How many all of them have."""
        return sum(process.descriptors for process in self.processes)

    def check_returned(self, before: int) -> None:
        """Descriptors are back where they were."""
        returned = eventually(lambda: self.descriptors() <= before + _SOME)
        self.assertTrue(returned, (before, self.descriptors()))

    def check_hidden(self) -> None:
        """What follows a body is the next request, and what is in it is none."""
        for extra in range(12):
            body = (_HIDDEN * (5 * MIB // len(_HIDDEN)))[: 300_000 * (extra + 1) + extra]
            after = get(b"/after-%d" % extra)
            client = connect(self.port)
            client.send(post(b"/take", b"Content-Length: %d" % len(body)) + body + after * 2)
            for expected in (b"%d" % len(body), b"0", b"0"):
                answer = client.answer()
                assert answer is not None
                self.assertEqual(answer.body, expected)
            client.socket.close()
        self.assertNotIn(b"/hidden", self.targets)
        self.assertEqual(self.targets.count(b"/after-7"), 2)

    def check_aborts(self) -> None:
        """Clients that go at any moment leave nothing."""
        chance = random.Random(3)
        before = self.descriptors()
        for _ in range(200):
            client = connect(self.port)
            size = chance.choice((70_000, 200_000, 2 * MIB))
            client.send(post(b"/take", b"Content-Length: %d" % (2 * size)))
            client.socket.settimeout(0.01)
            try:
                client.socket.send(b"x" * chance.randrange(1, size))
            except TimeoutError:
                pass
            if chance.random() < 0.5:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            client.socket.close()
        self.check_returned(before)

    def check_drips(self) -> None:
        """A crowd that begins fast and drips then: 408, a victim beside it is served at once."""
        before = self.descriptors()
        memory = sum(process.resident for process in self.processes)
        first = post(b"/take", b"Content-Length: 1000000000") + b"x" * 200_000
        with Crowd(self.port) as crowd:
            crowd.open(150, first, drip=b"y" * 20)
            with Victim(self.port) as victim:
                self.assertTrue(crowd.run(lambda: not crowd.left, within=40))
            answers = {one.received[:12] for one in crowd.strangers}
        self.assertEqual((answers, victim.trouble), ({b"HTTP/1.1 408"}, []))
        self.assertLess(victim.worst, 1.0)
        self.check_returned(before)
        self.assertLess(sum(p.resident for p in self.processes) - memory, 24 * MIB)

    def check_refused(self) -> None:
        """Who uploads into a refusal reads it, whatever is on its way."""
        for _ in range(10):
            client = connect(self.port)
            client.send(post(b"/refuse", b"Content-Length: 50000000"))
            try:
                for _ in range(300):
                    client.send(b"x" * 65536)
            except OSError:
                pass
            answer = client.answer()
            assert answer is not None
            self.assertEqual((answer.status, answer.body), (413, b"no"))
            client.socket.close()


class HostileUploadTests(_Uploads):
    """One process."""

    def test_hidden(self) -> None:
        """Nothing behind a body is swallowed, nothing in it served."""
        self.check_hidden()

    def test_aborts(self) -> None:
        """No descriptor is lost."""
        self.check_aborts()

    def test_drips(self) -> None:
        """No pipe is kept by who does not use it."""
        self.check_drips()

    def test_refused(self) -> None:
        """An early answer is delivered."""
        self.check_refused()


class CrewUploadTests(_Uploads):
    """Two worker processes."""

    workers = 2

    def test_all(self) -> None:
        """The same holds for each of them."""
        self.check_hidden()
        self.check_aborts()
        self.check_refused()
        self.check_drips()
