"""Workers under load: nothing that happens to them, or to control, costs a request."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from tests.live.crew_case import CrewCase
from tests.live.processes import template
from tests.support.clients import RawClient, request
from tests.support.load import Load

_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class CalmTests(CrewCase):
    """Changes that everything survives."""

    def unharmed(self, load: Load) -> None:
        """Nothing went wrong for anybody."""
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)
        self.assertGreater(told.requests, 500, told.text)

    def test_restart(self) -> None:
        """Three restarts one by one, with new connections and with kept ones: no error."""
        self.crew()
        before = self.pids(self.balancer)
        for kept in (False, True):
            load = Load(self.port, 2, kept=kept)
            for _ in range(3):
                answer = self.ask("/v1/workers/restart", "POST")
                self.assertEqual(answer["workers"], {"wanted": 2, "serving": 2})
            self.unharmed(load)
        self.program().wait_until(lambda: len(self.pids(self.balancer)) == 2)
        self.assertFalse(set(before) & set(self.pids(self.balancer)))

    def test_number(self) -> None:
        """From two workers to three to one under load, by the file: no error."""
        self.crew()
        for kept in (False, True):
            load = Load(self.port, 3, kept=kept)
            for count in (3, 1, 2):
                self.balancer.workers = count
                self.balancer.write(self.text)
                self.balancer.reload()
                self.wait_for_workers(count)
            self.unharmed(load)
        self.program().wait_until(lambda: len(self.pids(self.balancer)) == 2)

    def test_control_killed(self) -> None:
        """Control dies, another one takes the workers over and replaces them: no error."""
        self.crew()
        before = self.pids(self.balancer)
        load = Load(self.port, 5)
        self.program().crash()
        self.assertEqual(self.pids(self.balancer), before)
        self.good()
        self.balancer.start(self.port)
        self.program().wait_for_line("2 workers of an earlier process are taken over")
        self.wait_for_workers(2)
        self.unharmed(load)
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))

    def test_upgrade(self) -> None:
        """SIGUSR2: the same pid, new workers, no error."""
        self.crew()
        before = self.pids(self.balancer)
        load = Load(self.port, 5)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("2 workers of an earlier process are taken over")
        self.balancer.wait_for_ports(self.balancer.admin)
        self.wait_for_workers(2)
        self.unharmed(load)
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))

    def test_upgrade_refused(self) -> None:
        """A file that the installed code does not take: nothing is upgraded."""
        self.crew()
        before = self.pids(self.balancer)
        self.balancer.write("nonsense: 1\n")
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("No upgrade")
        self.good()
        self.assertEqual(self.pids(self.balancer), before)


class DeathTests(CrewCase):
    """What a dead process costs."""

    def test_worker_killed(self) -> None:
        """A worker's own connections are lost; the other's live; the next ones are served."""
        self.crew()
        clients = [RawClient(self.port) for _ in range(12)]
        for client in clients:
            self.addCleanup(client.close)
            client.send(_HEAD)
            client.read_until(b"member a\n")
        victim, other = self.pids(self.balancer)
        os.kill(victim, signal.SIGKILL)
        for _ in range(30):
            self.good()
        self.wait_for_workers(2)
        lost = 0
        for client in clients:
            try:
                client.send(_HEAD)
                lost += b"member a\n" not in client.read_until(b"member a\n")
            except OSError:
                lost += 1
        self.assertLess(lost, len(clients))
        self.assertGreater(lost, 0)
        self.assertIn(other, self.pids(self.balancer))

    def test_worker_hangs(self) -> None:
        """A stopped worker does not confirm a change: it is replaced, the change is answered."""
        self.crew()
        victim = self.pids(self.balancer)[0]
        os.kill(victim, signal.SIGSTOP)
        self.ask("/v1/pools", "POST", {"name": "p"})
        self.program().wait_until(lambda: victim not in self.pids(self.balancer))
        self.wait_for_workers(2)
        for _ in range(10):
            self.good()

    def test_template_killed(self) -> None:
        """A new template, and new workers from it; the load notices nothing."""
        self.crew()
        before = self.pids(self.balancer)
        load = Load(self.port, 3)
        os.kill(template(self.program().pid), signal.SIGKILL)
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))
        self.wait_for_workers(2)
        self.assertEqual(load.result().errors, 0)

    def test_stop(self) -> None:
        """SIGTERM: not ready first, accepting for the grace, then the end of all processes."""
        self.crew(grace="30s")
        self.program().signal(signal.SIGTERM)
        self.program().wait_until(lambda: request(self.balancer.admin, "/readyz").status == 503)
        self.good()
        self.program().signal(signal.SIGTERM)
        self.assertEqual(self.program().wait(), -signal.SIGTERM)
        self.assertEqual(self.pids(self.balancer), [])

    def test_stop_within_upgrade(self) -> None:
        """SIGTERM in any moment of an upgrade ends the workers too, in order."""
        for line in ("Upgrade: ", "starting up", "AdminSite starting"):
            self.crew()
            program = self.program()
            before = len(program.lines)
            program.signal(signal.SIGUSR2)
            program.wait_for_line(line, after=before)
            program.signal(signal.SIGTERM)
            self.assertEqual(program.wait(60), -signal.SIGTERM)
            self.assertEqual(self.pids(self.balancer), [])
            self.assertNotIn("is refused", program.output)

    def test_signals(self) -> None:
        """No thread but the main one takes a signal: during an upgrade it would be lost there."""
        self.crew()
        main = self.program().pid
        tasks = Path(f"/proc/{main}/task")
        self.program().wait_until(lambda: len(list(tasks.iterdir())) > 2)
        for task in tasks.iterdir():
            (blocked,) = re.findall(r"^SigBlk:\s*(\w+)$", (task / "status").read_text(), re.M)
            held = int(blocked, 16) >> (signal.SIGTERM - 1) & 1
            self.assertEqual(held, task.name != str(main), (task / "comm").read_text())

    def test_refused_start(self) -> None:
        """A control process that cannot start leaves the workers of the last one alone."""
        self.crew()
        before = self.pids(self.balancer)
        self.program().crash()
        good = self.text
        self.balancer.write("pools: [{nam: x}]\n")
        self.assertEqual(self.balancer.spawn("-c", str(self.balancer.path)).wait(), 1)
        self.good()
        self.assertEqual(self.pids(self.balancer), before)
        self.balancer.write(good)
        self.balancer.start(self.port)
        self.wait_for_workers(2)
