"""A worker that is alive and takes too long for a change: it is replaced, and not killed."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from time import monotonic

from tests.live.crew_case import CrewCase
from tests.support.clients import RawClient, request
from tests.support.programs import PATIENCE

#: Seconds that a throttled worker stands still, then waits at most for a moment of a processor.
STANDS, RUNS = 0.8, 0.3
#: Members of the pool whose arrival is a lot of work.
MEMBERS = 9000
#: Seconds that the change, and what runs, may take.
LONG = 90.0
#: Answered half a minute later.
_HEAD = b"GET /late/30 HTTP/1.1\r\nHost: x\r\n\r\n"


class Throttle:
    """Lets a process have a small share of a processor, until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                os.kill(self._pid, signal.SIGSTOP)
                self._over.wait(STANDS)
                spent = self._spent()
                os.kill(self._pid, signal.SIGCONT)
                until = monotonic() + RUNS
                # However busy the machine is, its heart may beat.
                while self._spent() == spent and monotonic() < until:
                    self._over.wait(0.005)
        except (ProcessLookupError, FileNotFoundError):
            pass

    def _spent(self) -> int:
        """Hundredths of a second that it has been on a processor."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def stop(self) -> None:
        """It runs as others do."""
        self._over.set()
        self._thread.join(PATIENCE)


class SlowTests(CrewCase):
    """Two workers, one of which gets hardly any time."""

    def clients(self) -> list[RawClient]:
        """Connections with a request that runs; some of them are the slow worker's."""
        made = [RawClient(self.port) for _ in range(16)]
        for client in made:
            self.addCleanup(client.close)
            client.socket.settimeout(LONG)
            client.send(_HEAD)
        return made

    def test_replaced(self) -> None:
        """The write does not wait for it, another one takes its place, and nobody is cut off."""
        self.crew()
        clients = self.clients()
        slow, other = self.pids(self.balancer)
        throttle = Throttle(slow)
        self.addCleanup(throttle.stop)
        members = [{"address": "127.0.0.1", "port": 1 + n} for n in range(MEMBERS)]
        answer = request(
            self.balancer.admin,
            "/v1/pools",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps({"name": "many", "members": members}).encode(),
            within=LONG,
        )
        self.assertEqual(answer.status, 201)
        # 2/2 where the new worker served already when the answer was written.
        self.assertIn(answer.headers["fiberlb-workers-applied"], ("1/2", "2/2"))
        self.program().wait_for_line("works too long on what is in force; it is replaced")
        self.wait_for_workers(2)
        # It has its connections still, and is not ended by force.
        self.assertIn(slow, self.pids(self.balancer))
        throttle.stop()
        for client in clients:
            self.assertIn(b"200 OK", client.read_until(b"0\r\n\r\n"))
        self.program().wait_for_line(rf"\(pid {slow}\) has drained")
        self.assertIn(other, self.pids(self.balancer))
        self.assertNotIn("does not answer", self.balancer.output)
