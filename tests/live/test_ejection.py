"""Members that fail without any check, live: after they are found out nobody notices them."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

from tests.live.sticky_case import StickyCase
from tests.support.clients import request
from tests.support.load import Load
from tests.support.members import Member

JUDGED = "passive_health: {statuses: ['500-504'], eject_for: 10m}"
QUICK = "timeouts: {member_response: 500ms}"
CHECKED = "health_monitor: {url_path: /, interval: 1s, timeout: 1s, rise: 2, fall: 3}"


class EjectionCase(StickyCase):
    """Members, of which the last one is wrong with C{/wrong}."""

    def setUp(self) -> None:
        """The last one answers 500, the others their names."""
        super().setUp()
        last = [*self.members][-1]
        self.members[last].stop()
        wrong = "location = /wrong {{ return {status} '{name}'; }}"
        for name in self.members:
            self.members[name].stop()
            extra = wrong.format(status=500 if name == last else 200, name=name)
            self.members[name] = Member(name, port=self.members[name].port, extra=extra).start()
            self.addCleanup(self.members[name].stop)

    def hang(self, name: str) -> None:
        """A member is replaced by somebody who never answers."""
        self.members[name].stop()
        sock = socket.create_server(("127.0.0.1", self.members[name].port), backlog=200)
        self.addCleanup(sock.close)

    def get(self, target: str = "/") -> int:
        """The status of one request."""
        return request(self.port, target).status

    def health(self) -> dict[str, str]:
        """The health of each member."""
        members: list[dict[str, Any]] = self.ask("/v1/pools/web/members")["items"]
        return {one["name"]: one["status"]["health"] for one in members}

    def ejected(self) -> list[str]:
        """Who is ejected."""
        return [name for name, health in self.health().items() if health == "ejected"]

    def find_out(self, count: int = 1, target: str = "/") -> None:
        """Ask until so many are ejected."""
        for _ in range(400):
            if len(self.ejected()) == count:
                return
            self.get(target)
        self.fail(f"{self.health()} after 400 requests")

    def check_unharmed(self, target: str = "/") -> None:
        """Not one request fails."""
        self.assertEqual({self.get(target) for _ in range(60)}, {200})
        told = Load(self.port, 3, kept=True, connections=8).result()
        self.assertEqual(told.errors, 0, told.text)
        self.assertGreater(told.requests, 100)


class KindTests(EjectionCase):
    """What members may fail with."""

    def check(self, workers: int) -> None:
        """One that answers 500, and one that hangs."""
        self.begin(self.text(f"{JUDGED}, {QUICK}"), workers)
        self.find_out(target="/wrong")
        self.assertEqual(self.ejected(), ["c"])
        self.check_unharmed("/wrong")
        self.reload(self.text(f"passive_health: null, {QUICK}"))
        self.assertEqual(self.ejected(), [])
        self.reload(self.text(f"{JUDGED}, {QUICK}, slow_start: 0s"))
        self.hang("b")
        self.find_out()
        self.assertEqual(self.ejected(), ["b"])
        self.check_unharmed()
        self.assertIn("of pool web is ejected for 10m", self.balancer.output)
        self.assertIn("is not ejected any more", self.balancer.output)

    def test_in_one(self) -> None:
        """In one process."""
        self.check(0)

    def test_in_workers(self) -> None:
        """In workers, which tell each other."""
        self.check(2)


class BoundTests(EjectionCase):
    """Not everybody."""

    COUNT = 4

    def check(self, workers: int) -> None:
        """Half of them at most, and the last one that serves never."""
        self.begin(self.text(f"{JUDGED}, {QUICK}"), workers)
        for name in "bcd":
            self.members[name].stop()
        self.find_out(2)
        self.check_unharmed()
        self.assertEqual(len(self.ejected()), 2)
        self.members["a"].stop()
        self.assertLessEqual({self.get() for _ in range(60)}, {502, 503})
        self.assertLessEqual(len(self.ejected()), 2)
        for name in "abcd":
            self.members[name].start()
        self.check_unharmed()

    def test_in_one(self) -> None:
        """In one process."""
        self.check(0)

    def test_in_workers(self) -> None:
        """In workers."""
        self.check(2)


class ReturnTests(EjectionCase):
    """Beside checks."""

    def check(self, workers: int) -> None:
        """A member that was killed is back as soon as it has passed its checks."""
        self.begin(self.text(f"{CHECKED}, {JUDGED}"), workers)
        program = self.program()
        program.wait_until(lambda: set(self.health().values()) == {"up"})
        load = Load(self.port, 20, connections=8)
        self.members["b"].kill()
        program.wait_until(lambda: self.health()["b"] != "up", within=30)
        self.members["b"].start()
        program.wait_until(lambda: self.health()["b"] == "up", within=30)
        program.wait_until(lambda: b"member b" in self.body(), within=30)
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)

    def body(self) -> bytes:
        """Who serves one request."""
        return request(self.port, "/").body

    def test_in_one(self) -> None:
        """In one process."""
        self.check(0)

    def test_in_workers(self) -> None:
        """In workers."""
        self.check(2)


class RestartTests(EjectionCase):
    """Another process."""

    def test_kept(self) -> None:
        """Control dies or becomes another image: who is ejected stays so, and nobody notices."""
        self.begin(self.text(f"{JUDGED}, {QUICK}"), 2)
        self.find_out(target="/wrong")
        self.program().wait_until(Path(self.balancer.directory, "state/ejected.json").exists)
        load = Load(self.port, 8, kept=True, connections=4)
        self.program().crash()
        self.balancer.start(self.port)
        self.program().wait_for_line("is still ejected")
        self.assertEqual(self.ejected(), ["c"])
        self.check_unharmed("/wrong")
        lines = len(self.program().lines)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("is still ejected", after=lines)
        self.balancer.wait_for_ports(self.balancer.admin)
        self.program().wait_until(lambda: self.ask("/v1/status")["workers"]["serving"] == 2)
        self.assertEqual(self.ejected(), ["c"])
        self.check_unharmed("/wrong")
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)


class PanicTests(EjectionCase):
    """Too few."""

    def test_panic(self) -> None:
        """All are used and the status says so, until enough are well."""
        self.begin(self.text(f"{CHECKED}, {JUDGED}, panic_threshold_percent: 60"), 2)
        program = self.program()
        program.wait_until(lambda: set(self.health().values()) == {"up"})
        for name in "bc":
            self.members[name].stop()
        program.wait_until(lambda: [p["name"] for p in self.panic()] == ["web"], within=60)
        self.assertEqual({self.get() for _ in range(30)}, {200})
        self.members["b"].start()
        program.wait_until(lambda: self.panic() == [], within=60)
        self.assertIn("all are used, whatever their health", self.balancer.output)

    def panic(self) -> list[dict[str, str]]:
        """The pools that use all of their members."""
        found: list[dict[str, str]] = self.ask("/v1/status")["panic"]
        return found
