"""Flows while workers are replaced, become more and fewer, and die."""

from __future__ import annotations

import os
import resource
import signal

from tests.live.test_udp import UdpCase
from tests.support.clients import request
from tests.support.datagrams import Stream


class FlowTests(UdpCase):
    """Two workers, and clients that ask all the time; round robin would show every mistake."""

    workers = 2
    algorithm = "round_robin"

    def setUp(self) -> None:
        """More descriptors than the system gives by itself, for both sides."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 8192 <= hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (8192, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        super().setUp()

    def stream(self) -> Stream:
        """Clients that ask."""
        made = Stream(self.port)
        made.wait(self.program().wait_until)
        return made

    def stayed(self, stream: Stream) -> None:
        """Nothing was lost, and no member has noticed anything."""
        self.assertEqual((stream.stop(), stream.wrong), (0, []), self.balancer.output)
        # Each client has had one member, by one socket.
        self.assertEqual({len(members) for members in stream.members}, {1})
        self.assertEqual({m[0][0] for m in stream.members}, {"a", "b"})

    def test_restart(self) -> None:
        """Workers replaced again and again: the same members by the same sockets."""
        stream = self.stream()
        for _ in range(3):
            self.ask("/v1/workers/restart", "POST")
            stream.wait(self.program().wait_until)
        self.stayed(stream)

    def test_thousands(self) -> None:
        """Thousands of flows change hands; each is asked before and after."""
        stream = Stream(self.port, clients=2000, window=1, size=20)
        stream.wait(self.program().wait_until, 4000)
        self.ask("/v1/workers/restart", "POST")
        stream.wait(self.program().wait_until, 4000)
        self.stayed(stream)

    def test_number(self) -> None:
        """So it is when there are more, and fewer, of them."""
        stream = self.stream()
        for wanted in (3, 1, 4):
            self.balancer.workers = wanted
            text = self.balancer.path.read_text()
            self.balancer.path.write_text(
                "\n".join(
                    f"workers: {wanted}" if line.startswith("workers:") else line
                    for line in text.splitlines()
                )
            )
            self.balancer.reload()
            self.wait_for_workers(wanted)
            stream.wait(self.program().wait_until)
        self.stayed(stream)

    def test_control_killed(self) -> None:
        """Workers go on without control; those of the next one take the flows over."""
        stream = self.stream()
        first = self.pids(self.balancer)
        self.program().crash()
        self.balancer.start()
        self.wait_for_workers(2)
        self.program().wait_until(lambda: not set(first) & set(self.pids(self.balancer)))
        stream.wait(self.program().wait_until)
        self.stayed(stream)

    def test_upgrade(self) -> None:
        """The same when control becomes another image."""
        stream = self.stream()
        first = self.pids(self.balancer)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_until(lambda: not set(first) & set(self.pids(self.balancer)))
        self.wait_for_workers(2)
        stream.wait(self.program().wait_until)
        self.stayed(stream)


class KilledTests(UdpCase):
    """What is lost with a worker."""

    workers = 2

    def deaths(self) -> int:
        """How many workers have died."""
        page = request(self.balancer.admin, "/metrics").text
        return int(float(page.partition("\nfiberlb_workers_died_total ")[2].split()[0]))

    def test_worker_killed(self) -> None:
        """A client's flow begins anew, with the same member where its address decides."""
        clients = [self.client() for _ in range(20)]
        before = [client.member() for client in clients]
        for pid in self.pids(self.balancer):
            os.kill(pid, signal.SIGKILL)
        self.program().wait_until(lambda: self.deaths() == 2)
        self.wait_for_workers(2)
        self.assertEqual([client.member() for client in clients], before)
