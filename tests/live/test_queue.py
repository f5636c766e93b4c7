"""Limits of members and the queue of a pool: never more than so many at once, in all workers."""

from __future__ import annotations

import os
import select
import signal
import threading
from time import monotonic

from tests.live.crew_case import CrewCase
from tests.live.origin import Caller, Origin
from tests.support.clients import PATIENCE, RawClient, request

POOL = """
pools:
  - {{name: web, protocol: %(kind)s, member_max_connections: %(most)d, members: ["%(address)s"],
      queue: {{size: %(size)d, timeout: %(timeout)s}}}}
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: %(kind)s, default_pool_id: web}}
"""


class SlowMember:
    """
    A member that counts what it has to do.

    @ivar pause: seconds that each request takes, unless C{go} is set before.
    @ivar most: requests that it has had at the same time.
    @ivar order: their targets, as they came.
    """

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.go = threading.Event()
        self.most = self.running = 0
        self.order: list[bytes] = []
        self._lock = threading.Lock()
        self.origin = Origin(self._serve)

    def _serve(self, caller: Caller) -> None:
        held = b""
        while True:
            while b"\r\n\r\n" not in held:
                try:
                    piece = caller.socket.recv(65536)
                except ConnectionError:
                    return
                if not piece:
                    return
                held += piece
            head, _, held = held.partition(b"\r\n\r\n")
            with self._lock:
                self.running += 1
                self.most = max(self.most, self.running)
                self.order.append(head.split()[1])
            self.go.wait(self.pause)
            with self._lock:
                self.running -= 1
            try:
                caller.reply(b"done\n")
            except ConnectionError:
                return


class QueueCase(CrewCase):
    """
    A member that is slow.

    @ivar asked: requests so far.
    """

    asked = 0

    def slow(self, most: int, workers: int, *, pause: float = PATIENCE, **queue: object) -> None:
        """Start it, and a FiberLB before it."""
        self.slow_member = slow = SlowMember(pause)
        self.addCleanup(slow.origin.stop)
        self.addCleanup(slow.go.set)
        known = {"kind": "http", "size": 1000, "timeout": "60s", "most": most}
        self.crew(POOL % {**known, "address": slow.origin.address, **queue}, workers=workers)

    def clients(self, count: int) -> list[RawClient]:
        """So many that have asked, one after the other."""
        made = []
        for _ in range(count):
            self.asked += 1
            client = RawClient(self.port)
            self.addCleanup(client.close)
            target = b"GET /%d HTTP/1.1\r\n" % self.asked
            client.send(target + b"Host: a\r\nConnection: close\r\n\r\n")
            made.append(client)
        return made

    def queued(self) -> int:
        """How many wait, as the API tells."""
        found: int = self.ask("/v1/pools/web")["status"]["queued"]
        return found

    def wait_queued(self, count: int) -> None:
        """Until so many wait."""
        self.program().wait_until(lambda: self.queued() == count)

    def reasons(self, clients: list[RawClient], count: int) -> list[str]:
        """The reasons that so many clients are refused for, waiting for them; those are gone."""
        until = monotonic() + PATIENCE
        found: list[str] = []
        while len(found) < count and monotonic() < until:
            for sock in select.select([c.socket for c in clients], [], [], 0.1)[0]:
                client = next(c for c in clients if c.socket is sock)
                clients.remove(client)
                answer = client.read_all()
                self.assertIn(b" 503 ", answer)
                found.append(answer.partition(b"FiberLB-Reason-Code: ")[2].split()[0].decode())
        self.assertEqual(len(found), count)
        return sorted(found)


class LimitTests(QueueCase):
    """Over HTTP."""

    def check_bounded(self, workers: int) -> None:
        """All are answered, and the member never has more to do than it may."""
        self.slow(3, workers, pause=0.05)
        for client in self.clients(40):
            self.assertIn(b" 200 OK", client.read_all())
        self.assertEqual((self.slow_member.most, self.slow_member.origin.failures), (3, []))
        self.wait_queued(0)

    def test_bounded(self) -> None:
        """In one process."""
        self.check_bounded(0)

    def test_bounded_workers(self) -> None:
        """In two, of which one has what the other one waits for."""
        self.check_bounded(2)

    def test_order(self) -> None:
        """First come, first served."""
        self.slow(1, 0)
        made = []
        for number in range(6):
            made += self.clients(1)
            self.wait_queued(number)
            self.program().wait_until(lambda: self.slow_member.running == 1)
        self.slow_member.go.set()
        for client in made:
            self.assertIn(b" 200 OK", client.read_all())
        self.assertEqual(self.slow_member.order, [b"/%d" % n for n in range(1, 7)])

    def check_refused(self, workers: int) -> None:
        """Some wait in vain, some not at all."""
        self.slow(1, workers, size=2, timeout="8s")
        most = 2 * (workers or 1)
        clients = self.clients(1)
        self.program().wait_until(lambda: self.slow_member.running == 1)
        clients += self.clients(30)
        full = self.reasons(clients, 30 - most)
        self.assertEqual(set(full), {"queue_full"})
        self.assertEqual(self.queued() if not workers else most, most)
        self.assertEqual(self.reasons(clients, most), ["queue_timeout"] * most)
        self.slow_member.go.set()
        self.assertIn(b" 200 OK", clients[0].read_all())
        self.wait_figure('reasons_total{reason="queue_timeout"}', most)
        self.wait_figure('reasons_total{reason="queue_full"}', 30 - most)
        self.wait_figure('pool_queued{pool="web"}', 0)

    def wait_figure(self, name: str, wanted: float) -> None:
        """Until a figure is this."""

        def told() -> bool:
            text = request(self.balancer.admin, "/metrics").text
            return float(text.partition(f"\nfiberlb_{name} ")[2].split("\n")[0] or -1) == wanted

        self.program().wait_until(told)

    def test_refused(self) -> None:
        """In one process."""
        self.check_refused(0)

    def test_refused_workers(self) -> None:
        """In two, each with a queue of its own."""
        self.check_refused(2)

    def test_gone(self) -> None:
        """Clients that go leave the queue; a higher limit serves who is left."""
        self.slow(1, 2)
        clients = self.clients(1)
        self.program().wait_until(lambda: self.slow_member.running == 1)
        clients += self.clients(6)
        self.wait_queued(6)
        for client in clients[-3:]:
            client.close()
        self.wait_queued(3)
        text = self.text.replace("member_max_connections: 1", "member_max_connections: 4")
        self.balancer.write(text)
        self.balancer.reload()
        self.program().wait_until(lambda: self.slow_member.running == 4)
        self.wait_queued(0)
        self.slow_member.go.set()
        for client in clients[:4]:
            self.assertIn(b" 200 OK", client.read_all())

    def test_dead_workers(self) -> None:
        """What killed workers had in flight does not count any more."""
        self.slow(2, 2)
        self.clients(2)
        self.program().wait_until(lambda: self.slow_member.running == 2)
        for pid in self.pids(self.balancer):
            os.kill(pid, signal.SIGKILL)
        self.program().wait_until(lambda: self.serving()["serving"] == 2)
        self.clients(2)
        self.program().wait_until(lambda: len(self.slow_member.order) == 4)


class SessionTests(QueueCase):
    """Over TCP."""

    def check(self, workers: int) -> None:
        """All are served, no more than two at a time."""
        self.slow(2, workers, pause=0.05, kind="tcp")
        clients = {client.socket: client for client in self.clients(16)}
        while clients:
            ready = select.select(list(clients), [], [], PATIENCE)[0]
            self.assertNotEqual(ready, [])
            for sock in ready:
                client = clients.pop(sock)
                self.assertIn(b" 200 OK", client.read_until(b"done\n"))
                client.close()
        self.assertEqual(self.slow_member.most, 2)

    def test_one_process(self) -> None:
        """In one process."""
        self.check(0)

    def test_workers(self) -> None:
        """In two."""
        self.check(2)
