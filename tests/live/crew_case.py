"""What the live tests of workers share."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.clients import request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import Program

PLAIN = """
pools: [{{name: web, members: ["{member}"]}}]
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""


class CrewCase(SynchronousTestCase):
    """
    A member, and a FiberLB with workers before it.

    @ivar port: of its listener.
    """

    def setUp(self) -> None:
        """The member; the balancer is the test's."""
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.port = free_port()

    def crew(self, text: str = PLAIN, *, workers: int = 2, **options: Any) -> Balancer:
        """A balancer that has started."""
        text = text.format(member=self.member.address, port=self.port)
        self.balancer = balancer = Balancer(text, workers=workers, **options)
        self.equip(balancer.directory)
        self.text = text
        self.addCleanup(self.end)
        balancer.start(self.port)
        # A worker that has nothing to serve yet ends with its control process.
        self.wait_for_workers(workers)
        return balancer

    def equip(self, directory: str) -> None:
        """Put files into its directory that its configuration names."""

    def end(self) -> None:
        """Stop the balancer, and see that none of its workers is left."""
        self.balancer.stop()
        for pid in self.pids(self.balancer):
            os.kill(pid, signal.SIGKILL)

    def pids(self, balancer: Balancer) -> list[int]:
        """The worker processes that have not ended."""
        found = Path(balancer.directory).glob("**/state/worker-*")
        pids = [int(path.name.removeprefix("worker-")) for path in found]
        return sorted(pid for pid in pids if Path(f"/proc/{pid}").exists())

    def program(self) -> Program:
        """The control process."""
        assert self.balancer.program is not None
        return self.balancer.program

    def ask(self, target: str, method: str = "GET", body: Any = None) -> Any:
        """The admin API's answer, which must be a good one."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if method == "GET" else {"Content-Type": "application/json"}
        answer = request(self.balancer.admin, target, method=method, headers=headers, body=data)
        self.assertLess(answer.status, 300, answer.text)
        return json.loads(answer.body) if answer.body else None

    def serving(self) -> dict[str, int]:
        """C{workers} of the status."""
        found: dict[str, int] = self.ask("/v1/status")["workers"]
        return found

    def wait_for_workers(self, wanted: int) -> None:
        """Wait until so many workers serve."""
        self.program().wait_until(lambda: self.serving() == {"wanted": wanted, "serving": wanted})

    def good(self) -> None:
        """A request is answered by the member."""
        answer = request(self.port, "/")
        self.assertEqual((answer.status, answer.text), (200, "member a\n"))
