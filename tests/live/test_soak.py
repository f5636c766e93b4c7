"""
Everything at once for a while: all kinds of traffic, members that fail, a configuration that moves.

C{FIBERLB_SOAK_SECONDS} and C{FIBERLB_SOAK_SEED} are for running it longer, and
as it ran before. Clients and members do what they do by chance from the seed;
what happens when is still up to the machine.
"""

from __future__ import annotations

import json
import os
import random
import ssl
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.hostile_clients import Figures, LeanBalancer, eventually
from tests.live.soaking import Outcome, Soak
from tests.support.certificates import authority, leaf
from tests.support.chaos import CONDUCTS
from tests.support.clients import Answer, request
from tests.support.members import Member
from tests.support.ports import free_ports
from tests.support.programs import Program
from tests.support.sources import ROOT

SECONDS = float(os.environ.get("FIBERLB_SOAK_SECONDS", "45"))
SEED = int(os.environ.get("FIBERLB_SOAK_SEED", "20261123"))
#: The part of the time after which everything that is kept has been made once.
_WARM = 0.4
#: Octets that memory may grow by after that.
_GROWTH = 12 << 20
#: Pipes for bulk bytes and connections to members that may stay for a while.
_KEPT_DESCRIPTORS = 2 * 64 + 16
#: Why a GET may fail whose member is killed without notice while it answers.
_KILLED = {"member_reset", "member_closed", "truncated", "all_members_down", "connect_refused"}
#: Why a request with a body may fail whose member closes an idle connection just then.
_CLOSED = {"member_reset", "member_closed"}
_FILE = """\
version: 1
state_directory: {directory}/state
admin: {{listen: "127.0.0.1:{admin}"}}
workers: 0
access_log: {{format: json, path: {directory}/access.log}}
pools:
  - {{name: filed, timeouts: {{member_keep_alive: 1s}}, members: [{members}]}}
"""


class SoakTests(SynchronousTestCase):
    """One process, and everything that can happen to it."""

    def setUp(self) -> None:
        """Members, FiberLB, its configuration, most of it through the API."""
        self.chance = random.Random(SEED)
        print(f"soak: seed {SEED}, {SECONDS:.0f} s")
        self.good = free_ports(5)
        self.wild = dict(zip(CONDUCTS, free_ports(len(CONDUCTS)), strict=True))
        self.steady = self.members(*(f"{p}={'good' if p % 2 else 'fickle'}" for p in self.good))
        self.chaos = self.members(*(f"{port}={name}" for name, port in self.wild.items()))
        self.nginx = [Member("a").start(), Member("b").start()]
        for member in self.nginx:
            self.addCleanup(member.stop)
        self.made = 0
        self.port, self.secure_port = free_ports(2)
        self.balancer = LeanBalancer(settings="version: 1\n")
        self.addCleanup(self.balancer.stop)
        self.write_file()
        program = self.balancer.start().program
        assert program is not None
        ready = "/readyz"
        program.wait_until(lambda: request(self.balancer.admin, ready).status == 200)
        self.configure()
        self.balancer.wait_for_ports(self.port, self.secure_port)
        self.figures: Figures = self.balancer.figures

    def members(self, *ports: str) -> Program:
        """A process of members."""
        command = [sys.executable, "-m", "tests.support.chaos", str(SEED), *ports]
        program = Program(command, cwd=str(ROOT))
        self.addCleanup(program.stop)
        program.wait_for_line("^ready$")
        return program

    # The configuration.

    def write_file(self) -> None:
        """The file, with weights by chance."""
        members = (f'"127.0.0.1:{p} weight={self.chance.randrange(1, 9)}"' for p in self.good[:3])
        text = _FILE.format(
            directory=self.balancer.directory,
            admin=self.balancer.admin,
            members=", ".join(members),
        )
        self.balancer.path.write_text(text)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request to the admin API, which must succeed."""
        data = None if body is None else json.dumps(body).encode()
        fields = {"Content-Type": "application/json"} if data else {}
        answer = request(self.balancer.admin, path, method=method, headers=fields, body=data)
        self.assertLess(answer.status, 300, f"seed {SEED}: {method} {path}: {answer.text}")
        return answer

    def configure(self) -> None:
        """What the API adds to the file."""
        quick = {"member_keep_alive": "1s", "member_connect": "500ms"}
        slow = {"member_response": "1s", "member_body_idle": "1s", **quick}
        monitor = {"type": "tcp", "interval": "300ms", "timeout": "250ms", "rise": 1, "fall": 1}
        pools = {
            "good": ([f"127.0.0.1:{p}" for p in self.good[:3]], quick, None),
            "chaos": ([f"127.0.0.1:{p}" for p in self.wild.values()], slow, None),
            "nginx": ([member.address for member in self.nginx], quick, monitor),
        }
        for name, (members, timeouts, health) in pools.items():
            made = {"name": name, "members": members, "timeouts": timeouts}
            self.ask("POST", "/v1/pools", {**made, "health_monitor": health})
        self.ask("POST", "/v1/certificates", {"name": "soak", **self.certificate()})
        self.ask("POST", "/v1/listeners", self.listener("front", self.port))
        secure = {"protocol": "https", "tls_config": {"certificate_id": "soak"}}
        self.ask("POST", "/v1/listeners", {**self.listener("secure", self.secure_port), **secure})

    def listener(self, name: str, port: int) -> dict[str, Any]:
        """A listener with a policy for each pool but one."""
        policies = [
            {
                "name": f"{name}-{pool}",
                "action": "redirect_to_pool",
                "redirect_pool_id": pool,
                "rules": [
                    {"rule_type": "path", "compare_type": "starts_with", "value": f"/{pool}"}
                ],
            }
            for pool in ("chaos", "filed", "good")
        ]
        return {
            "name": name,
            "address": "127.0.0.1",
            "port": port,
            "protocol": "http",
            "default_pool_id": "nginx",
            "l7_policies": policies,
        }

    def certificate(self) -> dict[str, str]:
        """A new one."""
        self.made += 1
        made = leaf("soak.example", serial=self.made)
        return {"certificate": made.chain, "private_key": made.key_pem()}

    # What happens meanwhile.

    def weigh(self) -> None:
        """Another weight; the first member always has one."""
        port = self.chance.choice(self.good[1:3])
        weight = {"weight": self.chance.randrange(0, 6)}
        self.ask("PATCH", f"/v1/pools/good/members/127.0.0.1:{port}", weight)

    def come_and_go(self) -> None:
        """A member more, or less."""
        there = [
            m["port"] for m in json.loads(self.ask("GET", "/v1/pools/good/members").body)["items"]
        ]
        port = self.chance.choice(self.good[3:])
        if port in there:
            self.ask("DELETE", f"/v1/pools/good/members/127.0.0.1:{port}")
        else:
            self.ask("POST", "/v1/pools/good/members", {"address": "127.0.0.1", "port": port})

    def forbid(self) -> None:
        """A policy that matches nothing of the traffic comes, and the one before goes."""
        if self.made_policy:
            self.ask("DELETE", f"/v1/l7_policies/{self.made_policy}")
        self.made += 1
        document = {"listener_id": "front", "name": f"p{self.made}", "action": "reject"}
        rules = [{"path": f"/nothing-{self.made}"}]
        made = self.ask("POST", "/v1/l7_policies", {**document, "rules": rules})
        self.made_policy = json.loads(made.body)["id"]

    made_policy = ""

    def certify(self) -> None:
        """Another certificate."""
        self.ask("PATCH", "/v1/certificates/soak", self.certificate())

    def reload(self) -> None:
        """The file is read again."""
        self.write_file()
        self.balancer.reload()

    def limit(self) -> None:
        """Other limits for the next requests, none of which is near them."""
        limits = {"header_count": self.chance.randrange(60, 128)}
        self.ask("PATCH", "/v1/listeners/front", {"limits": limits})

    def kill(self) -> None:
        """An nginx dies; the one that died before comes back first."""
        member = self.nginx[self.chance.randrange(2)]
        for each in self.nginx:
            if each.program is None or not each.program.running:
                each.start()
                return
        member.kill()

    def meddle(self, soak: Soak, until: float) -> None:
        """Change something, again and again."""
        changes: list[Callable[[], None]] = [self.weigh, self.come_and_go, self.forbid]
        changes += [self.certify, self.reload, self.limit, self.kill]
        while monotonic() < until:
            self.chance.choice(changes)()
            soak.enough.wait(self.chance.random() * 0.4)

    # The test.

    def test_soak(self) -> None:
        """Each gets its own, failures have reasons, and afterwards nothing is left."""
        context = ssl.create_default_context(cadata=authority().pem)
        begun = monotonic()
        with Soak(SEED, self.port, self.secure_port, context, self.nginx[0]) as soak:
            self.meddle(soak, begun + SECONDS * _WARM)
            resident = self.figures.resident
            self.meddle(soak, begun + SECONDS)
        grown = self.figures.resident - resident
        tally = soak.tally
        print(f"soak: {tally.counts()}, grown by {grown >> 10} KiB")
        about = f"seed {SEED}"
        self.assertEqual(tally.trouble[:5], [], about)
        self.assertNotIn("Traceback", self.balancer.output, about)
        self.assertNotIn("Unhandled", self.balancer.output, about)
        self.check_left(about)
        self.assertLess(grown, _GROWTH, about)
        self.check_members(tally.outcomes, about)
        self.check_log(tally.outcomes, about)
        self.assertEqual(self.balancer.stop(), -15)

    def check_left(self, about: str) -> None:
        """No request, connection or descriptor is left."""

        def figures() -> list[tuple[int, int]]:
            listed = json.loads(self.ask("GET", "/v1/members?limit=1000").body)["items"]
            return [(m["status"]["in_flight"], m["status"]["sessions"]) for m in listed]

        self.assertTrue(eventually(lambda: set(figures()) == {(0, 0)}), f"{about}: {figures()}")
        most = 40 + _KEPT_DESCRIPTORS
        self.assertTrue(eventually(lambda: self.figures.descriptors < most), about)
        listening = {self.port, self.secure_port}
        self.assertTrue(eventually(lambda: not connections(listening)), connections(listening))

    def check_members(self, outcomes: list[Outcome], about: str) -> None:
        """Members have seen correct requests only, and each POST at most once."""
        said = [*self.steady.lines, *self.chaos.lines]
        self.assertEqual([line for line in said if line.startswith("malformed")][:5], [], about)
        served = Counter(line.split()[2] for line in said if line.startswith("served POST"))
        self.assertGreater(len(served), 100, about)
        self.assertEqual([ident for ident, times in served.items() if times > 1], [], about)
        for outcome in outcomes:
            if outcome.method == b"POST" and outcome.good and outcome.kind != "chaos":
                self.assertIn(outcome.target.rpartition("?")[2], served, about)

    def check_log(self, outcomes: list[Outcome], about: str) -> None:
        """Each request that was sent has one line, which says why where it failed."""
        path = Path(self.balancer.directory, "access.log")
        wanted = {outcome.target for outcome in outcomes if outcome.status}
        lines: list[dict[str, Any]] = []

        def written() -> bool:
            lines[:] = [json.loads(line) for line in path.read_text().splitlines()]
            return wanted <= {str(line["target"]) for line in lines}

        self.assertTrue(eventually(written), f"{about}: lines are missing")
        targets = Counter(str(line["target"]) for line in lines if line["target"])
        self.assertEqual([t for t, times in targets.items() if times > 1][:5], [], about)
        reasons = {str(line["target"]): line["reason"] for line in lines}
        print(f"soak: {Counter((o.kind, reasons.get(o.target)) for o in outcomes if not o.good)}")
        self.assertNotIn("internal", set(reasons.values()), about)
        for outcome in outcomes:
            self.check_reason(outcome, reasons.get(outcome.target), f"{about}: {outcome}")

    def check_reason(self, outcome: Outcome, reason: str | None, about: str) -> None:
        """Whether this outcome may be, with this reason."""
        if outcome.given_up:
            return
        if outcome.good or (outcome.kind == "chaos" and outcome.status == 413 and outcome.whole):
            self.assertIsNone(reason, about)
        elif outcome.kind == "chaos":
            self.assertIsNotNone(reason, about)
        elif outcome.kind == "download":
            self.assertIn(reason, _KILLED, about)
        elif outcome.status and outcome.method in (b"POST", b"PUT"):
            self.assertIn(reason, _CLOSED, about)
        else:
            # Never reached a member: the end of a connection that had been told of.
            self.assertEqual((outcome.status, reason), (0, None), about)


def connections(ports: set[int]) -> list[str]:
    """Connections of this machine to these ports that are not closed."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        # Listening, and waiting for nothing but time to pass, does not count.
        if int(local.partition(":")[2], 16) in ports and state not in ("0A", "06"):
            found.append(line)
    return found
