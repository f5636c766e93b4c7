"""
Nothing that is done to a running FiberLB costs a connection.

C{FIBERLB_UNHARMED=1} does as much as the promise says: 200 WebSockets, 50
downloads, 1,000 changes, 10 restarts and 3 upgrades; else it is a fraction.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.crew_case import CrewCase
from tests.live.lasting import Lasting, origin
from tests.support.certificates import leaf
from tests.support.clients import RawClient, request
from tests.support.load import Load
from tests.support.ports import free_port, free_ports

WHOLE = os.environ.get("FIBERLB_UNHARMED", "") == "1"
SOCKETS, DOWNLOADS, CHANGES = (200, 50, 1000) if WHOLE else (40, 8, 120)
RESTARTS, UPGRADES = (10, 3) if WHOLE else (2, 1)
_TEXT = """
certificates: [{{{{name: main, certificate: "file:main.pem"}}}}]
pools:
  - {{{{name: web, members: ["{{member}}"]}}}}
  - {{{{name: last, members: ["{last} weight={weight}"]}}}}
listeners:
  - {{{{name: web, address: 127.0.0.1, port: {{port}}, protocol: http, default_pool_id: web}}}}
  - {{{{name: last, address: 127.0.0.1, port: {lasting}, protocol: http, default_pool_id: last}}}}
  - name: secure
    address: 127.0.0.1
    port: {secure}
    protocol: https
    tls_config: {{{{certificate_id: main}}}}
    default_pool_id: web
"""
_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class UnharmedCase(CrewCase):
    """A crew before quick members and one for what lasts."""

    def start(self, **options: Any) -> None:
        """Everything, without clients."""
        self.last = origin()
        self.addCleanup(self.last.stop)
        self.lasting, self.secure = free_ports(2)
        self.weight = 1
        self.made: dict[str, list[str]] = {}
        self.plain_text = self.configuration()
        self.prepared = False
        self.crew(self.plain_text, **options)
        self.balancer.wait_for_ports(self.lasting, self.secure)

    def configuration(self) -> str:
        """The file, but for what a L{CrewCase} fills in."""
        return _TEXT.format(
            last=self.last.address, weight=self.weight, lasting=self.lasting, secure=self.secure
        )

    def equip(self, directory: str) -> None:
        """The certificate that the file names."""
        own = leaf("t.test")
        Path(directory, "main.pem").write_text(own.chain + own.key_pem())

    def last_ones(self) -> Lasting:
        """What lasts, through the crew."""
        made = Lasting(self.lasting, SOCKETS, DOWNLOADS)
        made.talk()
        return made

    def usage(self) -> dict[str, tuple[int, int]]:
        """Resident KiB and descriptors of control and of each worker that serves."""
        found = {}
        pids = {"control": self.program().pid}
        pids.update({f"worker {n}": pid for n, pid in enumerate(self.pids(self.balancer))})
        for name, pid in pids.items():
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            found[name] = (pages * 4, len(os.listdir(f"/proc/{pid}/fd")))
        return found

    @contextmanager
    def loaded(self, seconds: int) -> Iterator[None]:
        """Kept and new connections, plain and TLS, none of which may see an error."""
        loads = [
            Load(port, seconds, kept=kept, connections=4, scheme=scheme)
            for port, scheme in ((self.port, "http"), (self.secure, "https"))
            for kept in (True, False)
        ]
        yield
        for load in loads:
            told = load.result()
            self.assertEqual(told.errors, 0, told.text)
            self.assertGreater(told.requests, 20, told.text)


class ChangeTests(UnharmedCase):
    """Changes of every kind, with connections that last."""

    def change(self, chance: random.Random, number: int) -> None:
        """One by chance."""
        kinds = (self.pools, self.listeners, self.policies, self.certificates, self.file)
        chance.choice(kinds)(chance, number)

    def keep(self, collection: str, body: Any, chance: random.Random) -> None:
        """Make one more, or take one away when there are some."""
        made = self.made.setdefault(collection, [])
        if len(made) > 5 or (made and chance.random() < 0.4):
            self.ask(f"/v1/{collection}/{made.pop(0)}", "DELETE")
        else:
            made.append(self.ask(f"/v1/{collection}", "POST", body)["id"])

    def pools(self, chance: random.Random, number: int) -> None:
        """Pools, and members in them."""
        made = self.made.get("pools", [])
        if made and chance.random() < 0.5:
            member = {"address": "127.0.0.1", "port": 1 + number % 60000}
            self.ask(f"/v1/pools/{chance.choice(made)}/members", "POST", member)
        else:
            self.keep("pools", {"name": f"p{number}", "members": []}, chance)

    def listeners(self, chance: random.Random, number: int) -> None:
        """Listeners, their timeouts and limits."""
        made = self.made.get("listeners", [])
        if made and chance.random() < 0.5:
            body = {
                "timeouts": {"keep_alive": f"{chance.randrange(5, 90)}s"},
                "connection_limit": chance.choice((-1, 5, 500)),
            }
            self.ask(f"/v1/listeners/{chance.choice(made)}", "PATCH", body)
            return
        port = free_port()
        named = {"name": f"l{number}", "port": port, "protocol": "http", "address": "127.0.0.1"}
        self.keep("listeners", {**named, "default_pool_id": "web"}, chance)

    def policies(self, chance: random.Random, number: int) -> None:
        """Policies of the listener that is in use, with rules that match nothing of it."""
        rules = [{"path": f"/none{number}"}, {"host_name": "nobody.example"}]
        body = {"name": f"y{number}", "action": "reject", "rules": rules}
        self.keep("l7_policies", {**body, "listener_id": chance.choice(("web", "last"))}, chance)

    def certificates(self, chance: random.Random, number: int) -> None:
        """Certificates in the store."""
        own = leaf(f"c{number}.test")
        body = {"name": f"c{number}", "certificate": own.chain, "private_key": own.key_pem()}
        self.keep("certificates", body, chance)

    def file(self, chance: random.Random, number: int) -> None:
        """The file again, with another weight and another certificate."""
        self.weight = 1 + number % 50
        if chance.random() < 0.5:
            self.equip(self.balancer.directory)
        text = self.configuration().format(member=self.member.address, port=self.port)
        self.balancer.write(text)
        before = self.ask("/v1/status")["file_generation"]
        self.balancer.reload()
        self.program().wait_until(lambda: self.ask("/v1/status")["file_generation"] == before + 1)

    def check(self, workers: int, changes: int) -> None:
        """All that lasts goes on, and nothing piles up."""
        self.start(workers=workers)
        lasting = self.last_ones()
        pids = self.pids(self.balancer)
        chance = random.Random(workers)
        for number in range(changes // 5):
            self.change(chance, number)
        early = self.usage()
        for number in range(changes // 5, changes):
            self.change(chance, number)
            if number % 50 == 0:
                self.assertEqual(lasting.trouble, [])
        lasting.talk()
        late = self.usage()
        print(f"{changes} changes, workers: {workers}: {early} -> {late} (KiB, descriptors)")
        self.assertEqual(self.pids(self.balancer), pids)
        self.assertEqual(lasting.finish(), [])
        for name, (memory, files) in late.items():
            self.assertLess(memory - early[name][0], 40_000, (name, early, late))
            self.assertLess(files - early[name][1], 30, (name, early, late))

    def test_workers(self) -> None:
        """Changes with two workers."""
        self.check(2, CHANGES)

    def test_one_process(self) -> None:
        """Changes with one process."""
        self.check(0, CHANGES // 2)


class ReplacedTests(UnharmedCase):
    """Workers that are replaced, with clients of every kind."""

    def settled(self, before: list[int]) -> None:
        """Wait until none of those that were is left, and two serve."""
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))
        self.wait_for_workers(2)

    def test_restarts(self) -> None:
        """Rolling restarts: no error for anybody; memory and descriptors of control stay."""
        self.start()
        self.ask("/v1/workers/restart", "POST")
        early = self.usage()["control"]
        with self.loaded(3 + 3 * RESTARTS):
            for _ in range(RESTARTS):
                answer = self.ask("/v1/workers/restart", "POST")
                self.assertEqual(answer["workers"], {"wanted": 2, "serving": 2})
        self.program().wait_until(lambda: len(self.pids(self.balancer)) == 2)
        late = self.usage()["control"]
        print(f"{RESTARTS} restarts: control {early} -> {late} (KiB, descriptors)")
        self.assertLess(late[0] - early[0], 15_000)
        self.assertLess(late[1] - early[1], 12)

    def test_upgrades(self) -> None:
        """Upgrades: the same."""
        self.start()
        with self.loaded(3 + 7 * UPGRADES):
            for _ in range(UPGRADES):
                before = self.pids(self.balancer)
                lines = len(self.program().lines)
                self.program().signal(signal.SIGUSR2)
                self.program().wait_for_line("earlier process are taken over", after=lines)
                self.balancer.wait_for_ports(self.balancer.admin)
                self.settled(before)

    def test_control_killed(self) -> None:
        """Control is killed and another one takes over: the same; what lasts goes on."""
        self.start()
        lasting = Lasting(self.lasting, 10, 2)
        with self.loaded(10):
            before = self.pids(self.balancer)
            self.program().crash()
            lasting.talk()
            self.balancer.start()
            self.program().wait_for_line("2 workers of an earlier process are taken over")
            self.wait_for_workers(2)
        self.assertTrue(set(before) <= set(self.pids(self.balancer)), "they drain")
        self.assertEqual(lasting.finish(), [])
        self.settled(before)

    def test_number(self) -> None:
        """From two to three to one: the same; what lasts goes on."""
        self.start()
        lasting = Lasting(self.lasting, 10, 2)
        with self.loaded(9):
            for count in (3, 1):
                self.balancer.workers = count
                self.balancer.write(self.text)
                self.balancer.reload()
                self.wait_for_workers(count)
        self.assertEqual(lasting.finish(), [])
        self.program().wait_until(lambda: len(self.pids(self.balancer)) == 1)

    def test_worker_killed(self) -> None:
        """Only its own connections are lost; new ones are answered at once, all of them."""
        self.start()
        clients = [RawClient(self.port) for _ in range(20)]
        owners: dict[int, list[RawClient]] = {}
        for client in clients:
            self.addCleanup(client.close)
            client.send(_HEAD)
            client.read_until(b"member a\n")
            owners.setdefault(self.owner(client), []).append(client)
        victim = next(iter(owners))
        os.kill(victim, signal.SIGKILL)
        for _ in range(40):
            self.good()
        for pid, several in owners.items():
            for client in several if pid != victim else ():
                client.send(_HEAD)
                client.read_until(b"member a\n")
        self.wait_for_workers(2)

    def owner(self, client: RawClient) -> int:
        """The worker that has a connection, by the system's own account."""
        here = client.socket.getsockname()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            local, remote = (int(word.split(":")[1], 16) for word in fields[1:3])
            if (local, remote) == (self.port, here):
                inode = f"socket:[{fields[9]}]"
                for pid in self.pids(self.balancer):
                    for name in os.listdir(f"/proc/{pid}/fd"):
                        if os.readlink(f"/proc/{pid}/fd/{name}") == inode:
                            return pid
        raise AssertionError("nobody has it")


class FrozenTests(UnharmedCase):
    """Workers that do not answer, or do not live."""

    def test_frozen(self) -> None:
        """A stopped worker is replaced within its time, and the write that met it is answered."""
        self.start()
        victim, _ = self.pids(self.balancer)
        os.kill(victim, signal.SIGSTOP)
        answer = request(
            self.balancer.admin,
            "/v1/pools",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps({"name": "p"}).encode(),
        )
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["fiberlb-workers-applied"], "1/2")
        self.program().wait_until(lambda: victim not in self.pids(self.balancer))
        self.wait_for_workers(2)

    def test_crashes(self) -> None:
        """One that crashes again and again is replaced later and later; the others serve."""
        self.start()
        for _ in range(5):
            pids = self.pids(self.balancer)
            if len(pids) < 2:
                break
            os.kill(pids[-1], signal.SIGKILL)
            self.program().wait_until(lambda p=pids[-1]: p not in self.pids(self.balancer))  # type: ignore[misc]
            self.good()
        self.wait_for_workers(2)

    def test_both_killed(self) -> None:
        """Workers and control killed at once: the next start serves."""
        self.start()
        pids = self.pids(self.balancer)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.program().crash()
        self.balancer.start(self.port)
        self.wait_for_workers(2)
        self.good()


class EndTests(UnharmedCase):
    """SIGTERM and SIGINT."""

    def test_in_turn(self) -> None:
        """Not ready first, accepting for the grace, then kept connections end, tunnels last."""
        self.start(grace="2s", deadline="4s")
        lasting = Lasting(self.lasting, 5, 1)
        kept = RawClient(self.port)
        self.addCleanup(kept.close)
        kept.send(_HEAD)
        kept.read_until(b"member a\n")
        self.program().signal(signal.SIGTERM)
        self.program().wait_until(lambda: request(self.balancer.admin, "/readyz").status == 503)
        self.good()
        kept.send(_HEAD)
        self.assertIn(b"200 OK", kept.read_until(b"member a\n"))
        lasting.talk()
        self.assertEqual(kept.read_all(), b"")
        # The grace is over; what lasts is not.
        lasting.talk(1)
        self.assertEqual(lasting.trouble, [])
        self.assertEqual(self.program().wait(), -signal.SIGTERM)
        self.assertEqual(self.pids(self.balancer), [])
        lasting.finish()

    def test_at_once(self) -> None:
        """SIGINT does not wait, nor does a second SIGTERM."""
        for first, second in ((signal.SIGINT, None), (signal.SIGTERM, signal.SIGTERM)):
            self.start(grace="60s", deadline="60s")
            lasting = Lasting(self.lasting, 5, 1)
            self.program().signal(first)
            if second is not None:
                self.program().wait_until(
                    lambda: request(self.balancer.admin, "/readyz").status == 503
                )
                self.program().signal(second)
            self.program().wait(10)
            self.assertEqual(self.pids(self.balancer), [])
            lasting.finish()
