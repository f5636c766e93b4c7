"""From workers to one process and back, while connections come in: nothing is lost on the way."""

from __future__ import annotations

import signal

from tests.live.crew_case import CrewCase
from tests.support.clients import RawClient
from tests.support.load import Load

_HEAD = b"GET /late/12 HTTP/1.1\r\nHost: x\r\n\r\n"


class NumberCase(CrewCase):
    """A crew whose number changes at a start."""

    def unharmed(self, load: Load) -> None:
        """Nothing went wrong for anybody."""
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)
        self.assertGreater(told.requests, 100, told.text)

    def say(self, workers: int) -> None:
        """The file has another number."""
        self.balancer.workers = workers
        self.balancer.write(self.text)


class FewerTests(NumberCase):
    """C{workers: 0} where there were two."""

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
        lasting.socket.settimeout(90)
        lasting.send(_HEAD)
        self.program().crash()
        self.say(0)
        self.balancer.start(self.port)
        self.assertIn(b"200 OK", lasting.read_until(b"0\r\n\r\n"))
        self.settled()
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


class MoreTests(NumberCase):
    """Workers where there was one process, which so becomes another image of itself."""

    def become(self, workers: int) -> None:
        """The file has another number, and the process is told to begin anew."""
        lines = len(self.program().lines)
        self.say(workers)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("of an earlier process", after=lines)
        self.balancer.wait_for_ports(self.balancer.admin)
        self.wait_for_workers(workers)

    def check(self, *numbers: int) -> None:
        """One after the other, under load, with a request that runs all the time."""
        self.crew(workers=numbers[0])
        pid = self.program().pid
        kept = [RawClient(self.port) for _ in range(4)]
        for client in kept:
            self.addCleanup(client.close)
            client.socket.settimeout(90)
            client.send(_HEAD)
        loads = [Load(self.port, 8 * len(numbers), kept=kept) for kept in (False, True)]
        for number in numbers[1:]:
            self.become(number)
        for client in kept:
            self.assertIn(b"200 OK", client.read_until(b"0\r\n\r\n"))
        for load in loads:
            self.unharmed(load)
        self.assertEqual(self.program().pid, pid)
        self.program().wait_until(lambda: len(self.pids(self.balancer)) == numbers[-1])
        for _ in range(40):
            self.good()

    def test_more(self) -> None:
        """From one process to two workers."""
        self.check(0, 2)

    def test_same(self) -> None:
        """From one process to one: an upgrade without workers."""
        self.check(0, 0)

    def test_there_and_back(self) -> None:
        """From two workers to one process and back."""
        self.check(2, 0, 2)
