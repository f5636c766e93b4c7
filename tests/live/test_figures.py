"""Listeners of figures: a real process, asked by curl."""

from __future__ import annotations

import subprocess

from tests.live.crew_case import PLAIN, CrewCase
from tests.support.clients import request
from tests.support.ports import free_port
from tests.support.programs import need

_MORE = "  - {{name: figures, address: 127.0.0.1, port: {figures}, protocol: prometheus}}\n"


class FiguresTests(CrewCase):
    """Control answers, whoever carries the traffic."""

    def test_workers(self) -> None:
        """The page counts what workers do; the listener comes and goes with changes."""
        need("curl")
        figures = free_port()
        text = PLAIN + _MORE.replace("{figures}", str(figures))
        self.crew(text)
        self.program().wait_until(lambda: request(figures, "/metrics").status == 200)
        self.good()
        told = 'fiberlb_listener_requests_total{listener="web"} 1.0'
        self.program().wait_until(lambda: told in request(figures, "/metrics").text)
        url = f"http://127.0.0.1:{figures}"
        done = subprocess.run(
            ["curl", "-sI", f"{url}/metrics", f"{url}/v1/status"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertIn("HTTP/1.1 200 OK", done.stdout)
        self.assertIn("HTTP/1.1 404 Not Found", done.stdout)
        states = {one["name"]: one["state"] for one in self.ask("/v1/status")["listeners"]}
        self.assertEqual(states, {"web": "listening", "figures": "listening"})
        self.assertIn(f"{figures} (listener figures, prometheus)", self.balancer.output)
        added = free_port()
        body = {"name": "more", "port": added, "protocol": "prometheus", "address": "127.0.0.1"}
        self.ask("/v1/listeners", "POST", body)
        self.assertEqual(request(added, "/metrics").status, 200)
        self.ask("/v1/listeners/more", "DELETE")
        self.assertRaises(OSError, request, added, "/metrics")
