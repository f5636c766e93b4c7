"""Clients that come too often, or all at once, and a process that is too slow: real workers."""

from __future__ import annotations

import math
from time import monotonic

from tests.live.crew_case import PLAIN, CrewCase
from tests.support.clients import RawClient, request
from tests.support.programs import Program, need

_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class RateTests(CrewCase):
    """C{rate_limit} and C{client_connection_limit}, of two workers together."""

    def limited(self, extra: str) -> str:
        """A configuration with this limit."""
        return PLAIN.replace("default_pool_id: web}}", f"default_pool_id: web, {extra}}}}}")

    def test_rate(self) -> None:
        """Both workers together let in what the rate allows, and say when to come again."""
        self.crew(self.limited("rate_limit: {{rate: 20/s, burst: 10}}"))
        began, admitted, refused = monotonic(), 0, 0
        # Each connection comes to either worker.
        while refused < 50 or admitted < 15:
            answer = request(self.port, "/")
            if answer.status == 200:
                admitted += 1
            else:
                self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "1"))
                refused += 1
        # One more of both: what came while the time was being looked at.
        self.assertLessEqual(admitted, 10 + math.ceil(20 * (monotonic() - began)) + 2)
        self.assertEqual(self.serving(), {"wanted": 2, "serving": 2})

    def test_connections(self) -> None:
        """Both together let in as many as one client may have; who leaves makes room."""
        self.crew(self.limited("client_connection_limit: 5"))
        clients = [RawClient(self.port) for _ in range(20)]
        for client in clients:
            self.addCleanup(client.close)
        served = []
        for client in clients:
            # Who is one too many is told so, whether it asks or not.
            try:
                client.send(_HEAD)
            except OSError:
                continue
            if b" 200 " in client.read_until(b"\r\n"):
                served.append(client)
        self.assertEqual(len(served), 5)
        for client in served:
            client.close()
        self.program().wait_until(lambda: request(self.port, "/").status == 200)


class SlowTests(CrewCase):
    """C{overload}: a crowd that never pauses, and thresholds that are far below what it makes."""

    def overload(self) -> dict[str, int]:
        """What the status tells."""
        found: dict[str, int] = self.ask("/v1/status")["overload"]
        return found

    def test_sheds_and_recovers(self) -> None:
        """A share is turned away while it lasts; afterwards everybody is served again."""
        self.crew("overload: {{stop_keep_alive: 1ms, refuse: 2ms}}\n" + PLAIN, workers=1)
        target = f"http://127.0.0.1:{self.port}/"
        crowd = Program([need("wrk"), "-t1", "-c300", "-d60", target], cwd=self.balancer.directory)
        self.addCleanup(crowd.stop)
        self.program().wait_until(lambda: self.overload()["refusing"] == 1)
        self.program().wait_for_line("Overloaded: what is ready waits .* turned away")
        while (answer := request(self.port, "/")).status == 200:
            pass
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertEqual(answer.headers["fiberlb-reason-code"], "overloaded")
        # Those who would take it out of service are told that it serves.
        self.assertEqual(request(self.balancer.admin, "/readyz").status, 200)
        crowd.stop()
        self.program().wait_until(lambda: self.overload()["closing"] == 0)
        self.assertEqual(self.overload()["refusing"], 0)
        self.program().wait_for_line("No longer overloaded")
        for _ in range(20):
            self.good()
