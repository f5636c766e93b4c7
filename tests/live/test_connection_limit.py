"""A listener's limit of connections, over all workers, and the figures that tell of it."""

from __future__ import annotations

import os
import select
import signal
from time import monotonic

from prometheus_client.parser import text_string_to_metric_families

from tests.live.crew_case import PLAIN, CrewCase
from tests.support.clients import RawClient, request

_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class LimitTests(CrewCase):
    """Clients that stay, and clients that wait."""

    def limited(self, limit: int | None) -> str:
        """A configuration with a limit, or without."""
        extra = "" if limit is None else f", connection_limit: {limit}"
        return PLAIN.replace("default_pool_id: web}}", f"default_pool_id: web{extra}}}}}")

    def clients(self, count: int) -> list[RawClient]:
        """So many that have asked for something."""
        made = [RawClient(self.port) for _ in range(count)]
        for client in made:
            self.addCleanup(client.close)
            client.send(_HEAD)
        return made

    def served(self, clients: list[RawClient], count: int) -> list[RawClient]:
        """Wait until so many have an answer; those. No more have one a while later."""
        until = monotonic() + 15
        found: list[RawClient] = []
        quiet = 0.0
        while monotonic() < until and not (len(found) == count and monotonic() - quiet > 0.4):
            rest = [c for c in clients if c not in found]
            ready, _, _ = select.select([c.socket for c in rest], [], [], 0.1)
            new = [c for c in rest if c.socket in ready]
            found += new
            if new:
                quiet = monotonic()
        self.assertEqual(len(found), count)
        for client in found:
            client.read_until(b"member a\n")
        return found

    def reload(self, text: str) -> None:
        """Another file."""
        self.balancer.write(text.format(member=self.member.address, port=self.port))
        self.balancer.reload()

    def check(self, workers: int) -> None:
        """Waiting clients are served one for one as others leave, and all without the limit."""
        self.crew(self.limited(3), workers=workers)
        clients = self.clients(8)
        first = self.served(clients, 3)
        told = self.ask("/v1/status")["listeners"][0]
        self.assertEqual(told["connection_limit"], 3)
        self.program().wait_until(
            lambda: self.ask("/v1/listeners/web")["status"]["connections"] == 3
        )
        spent = self.spent()
        rest = [c for c in clients if c not in first]
        for client in first[:2]:
            client.close()
        more = self.served(rest, 2)
        self.assertLess(self.spent() - spent, 0.6, "it spins")
        self.reload(self.limited(5))
        rest = [c for c in rest if c not in more]
        more = self.served(rest, 2)
        self.reload(self.limited(None))
        self.served([c for c in rest if c not in more], 1)

    def spent(self) -> float:
        """Seconds of processor time of all processes that carry traffic."""
        found = 0.0
        for pid in self.pids(self.balancer) or [self.program().pid]:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return found

    def test_one_process(self) -> None:
        """With workers: 0."""
        self.check(0)

    def test_workers(self) -> None:
        """With two workers, who see what the other one holds."""
        self.check(2)

    def test_dead_worker(self) -> None:
        """What a killed worker held is free again; a new control process keeps the limit."""
        self.crew(self.limited(4))
        clients = self.clients(4)
        self.served(clients, 4)
        self.program().crash()
        self.balancer.start()
        self.program().wait_for_line("2 workers of an earlier process are taken over")
        self.wait_for_workers(2)
        late = self.clients(1)
        self.served(late, 0)
        for client in clients:
            client.close()
        self.served(late, 1)
        for pid in self.pids(self.balancer):
            os.kill(pid, signal.SIGKILL)
        self.served(self.clients(4), 4)


class FigureTests(CrewCase):
    """GET /metrics of a running process."""

    def samples(self) -> dict[str, float]:
        """Every sample by its name and labels."""
        text = request(self.balancer.admin, "/metrics").text
        return {
            " ".join([sample.name, *sorted(sample.labels.values())]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def check(self, workers: int) -> None:
        """Totals of 30 requests, also when their workers are gone."""
        self.crew(workers=workers)
        for _ in range(30):
            self.good()
        request(self.port, "/", headers={"Transfer-Encoding": "nonsense"})
        name = "fiberlb_listener_answers_total 2xx web"
        self.program().wait_until(lambda: self.samples()[name] == 30)
        before = self.samples()
        self.assertEqual(before["fiberlb_workers_wanted"], workers)
        self.assertGreaterEqual(sum(v for k, v in before.items() if "reasons_total" in k), 1)
        for pid in self.pids(self.balancer):
            os.kill(pid, signal.SIGKILL)
        if workers:
            self.program().wait_until(lambda: self.samples()["fiberlb_workers_died_total"] == 2)
            self.wait_for_workers(workers)
        after = self.samples()
        totals = [k for k in before if k.split()[0].endswith("_total")]
        self.assertEqual([k for k in totals if after[k] < before[k]], [])
        self.good()
        self.program().wait_until(lambda: self.samples()[name] == 31)
        self.program().wait_until(lambda: self.samples()["fiberlb_listener_connections web"] == 0)

    def test_one_process(self) -> None:
        """With workers: 0."""
        self.check(0)

    def test_workers(self) -> None:
        """With two workers."""
        self.check(2)
