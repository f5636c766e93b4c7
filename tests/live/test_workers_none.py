"""From workers to one process, while connections come in: nothing is lost on the way."""

from __future__ import annotations

import signal

from tests.live.crew_case import CrewCase
from tests.support.clients import RawClient
from tests.support.load import Load

_HEAD = b"GET /late/3 HTTP/1.1\r\nHost: x\r\n\r\n"


class FewerTests(CrewCase):
    """C{workers: 0} where there were two."""

    def unharmed(self, load: Load) -> None:
        """Nothing went wrong for anybody."""
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)
        self.assertGreater(told.requests, 100, told.text)

    def say(self, workers: int) -> None:
        """The file has another number."""
        self.balancer.workers = workers
        self.balancer.write(self.text)

    def settled(self) -> None:
        """The one process serves, and no worker is left; it serves at every socket there was."""
        self.program().wait_for_line("workers of an earlier process hand over their sockets")
        self.balancer.wait_for_ports(self.balancer.admin)
        self.wait_for_workers(0)
        self.program().wait_until(lambda: not self.pids(self.balancer))
        for _ in range(40):
            self.good()

    def test_killed(self) -> None:
        """Control dies, and the next process is one without workers."""
        self.crew()
        lasting = RawClient(self.port)
        self.addCleanup(lasting.close)
        load = Load(self.port, 6)
        lasting.send(_HEAD)
        self.program().crash()
        self.say(0)
        self.balancer.start(self.port)
        self.settled()
        self.assertIn(b"200 OK", lasting.read_until(b"0\r\n\r\n"))
        self.unharmed(load)

    def test_upgrade(self) -> None:
        """The same process becomes one without workers."""
        self.crew()
        load = Load(self.port, 6)
        self.say(0)
        self.program().signal(signal.SIGUSR2)
        self.settled()
        self.unharmed(load)

    def test_changes(self) -> None:
        """What was taken over moves to another listener, and is let go with the last one."""
        self.crew()
        self.program().crash()
        self.say(0)
        self.balancer.start(self.port)
        self.settled()
        load = Load(self.port, 3)
        before = self.ask("/v1/status")["file_generation"]
        self.text = self.text.replace("name: web, address", "name: other, address")
        self.say(0)
        self.balancer.reload()
        self.program().wait_until(lambda: self.ask("/v1/status")["file_generation"] > before)
        self.unharmed(load)
        self.assertEqual([one["name"] for one in self.ask("/v1/status")["listeners"]], ["other"])
