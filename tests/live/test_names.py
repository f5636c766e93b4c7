"""Members by name, and their addresses, with a DNS server that the test changes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPException, NotConnected
from pathlib import Path
from typing import Any

from tests.live.crew_case import CrewCase
from tests.live.origin import Origin
from tests.live.test_member_tls import answering
from tests.support.balancer import Balancer
from tests.support.certificates import leaf
from tests.support.clients import Session, request
from tests.support.members import Member
from tests.support.name_server import NameServer, Zone
from tests.support.ports import free_port
from tests.tls.members import ROOT, server

FILE = """
resolver: {{servers: "{server}", minimum_ttl: 200ms, maximum_ttl: 1s}}
pools:
- name: one
  members: ["web.test:{port}"]
  health_monitor: {{type: http, interval: 5s, timeout: 5s}}
- name: all
  members: ["dns:web.test:{port}"]
  health_monitor: {{type: http, interval: 5s, timeout: 5s}}
listeners:
- {{name: one, address: 127.0.0.1, port: {one}, protocol: http, default_pool_id: one}}
- {{name: all, address: 127.0.0.1, port: {every}, protocol: http, default_pool_id: all}}
"""


SECURE = """
resolver: {{servers: "{server}"}}
certificates: [{{name: ca, cert_type: client_ca, certificate: "file:ca.pem"}}]
pools:
- name: one
  protocol: https
  tls_config: {{ca_certificate_id: ca}}
  members: ["web.test:{port}"]
  health_monitor: {{interval: 5s, timeout: 5s}}
- name: all
  protocol: https
  tls_config: {{ca_certificate_id: ca}}
  members: ["dns:other.test:{port}"]
listeners:
- {{name: one, address: 127.0.0.1, port: {one}, protocol: http, default_pool_id: one}}
- {{name: all, address: 127.0.0.1, port: {every}, protocol: http, default_pool_id: all}}
"""


def at(*last: int) -> Zone:
    """C{web.test} at these addresses of 127.0.0.0/8."""
    return {"web.test": {"A": [f"127.0.0.{n}" for n in last], "ttl": 0}}


class Asking:
    """
    A client that asks all the time, on connections that it keeps.

    @ivar seen: how often each answer came, by status and body.
    """

    def __init__(self, port: int) -> None:
        self.seen: Counter[tuple[int, str]] = Counter()
        self.failures: list[str] = []
        self._port = port
        self._stopped = False
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._stopped:
            try:
                with Session(self._port) as session:
                    for _ in range(50):
                        answer = session.request("/")
                        self.seen[answer.status, answer.text.strip()] += 1
            except NotConnected:
                # The last answer said that it is the last one here.
                continue
            except (OSError, HTTPException) as why:
                self.failures.append(repr(why))

    def bad(self) -> dict[tuple[int, str], int]:
        """Answers that were no good ones."""
        return {what: count for what, count in self.seen.items() if what[0] != 200}

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        self._thread.join(60)


class NamesCase(CrewCase):
    """A name server, three members on one port of three addresses, and FiberLB before them."""

    workers = 0

    def setUp(self) -> None:
        """All but the balancer, which is the test's."""
        self.port, self.one, self.every = free_port(), free_port(), free_port()
        self.members = {}
        for number in (2, 3, 4):
            member = Member(f"m{number}", port=self.port, host=f"127.0.0.{number}").start()
            self.addCleanup(member.stop)
            self.members[number] = member
        self.server = NameServer(at(2))
        self.addCleanup(self.server.stop)

    def begin(self, text: str = FILE) -> Balancer:
        """A balancer that has started."""
        self.balancer = balancer = Balancer(
            text.format(server=self.server.address, port=self.port, one=self.one, every=self.every),
            workers=self.workers,
        )
        self.equip(balancer.directory)
        self.addCleanup(self.end)
        balancer.start(self.one, self.every)
        return balancer

    def status(self, pool: str) -> dict[str, Any]:
        """C{status} of the only member of a pool."""
        found: dict[str, Any] = self.ask(f"/v1/pools/{pool}/members")["items"][0]["status"]
        return found

    def addresses(self, pool: str = "all") -> list[str]:
        """The addresses of a pool's only member that are up."""
        found = self.status(pool)["resolution"]["addresses"]
        return [one["address"] for one in found if one["health"] == "up"]

    def wait_for(self, *last: int, pool: str = "all") -> None:
        """Wait until the member is at these addresses, and they are up."""
        wanted = [f"127.0.0.{n}" for n in last]
        self.program().wait_until(lambda: self.addresses(pool) == wanted)

    def answered_by(self, port: int, several: int = 8) -> set[str]:
        """Who answers."""
        answers = [request(port, "/") for _ in range(several)]
        self.assertEqual({answer.status for answer in answers}, {200})
        return {answer.text.strip().removeprefix("member ") for answer in answers}

    def wait_for_answers(self, wanted: set[str]) -> None:
        """Wait until these answer, and no others: workers are told a moment later."""
        self.program().wait_until(lambda: self.answered_by(self.every, 12) == wanted)


class OneProcessTests(NamesCase):
    """Everything in one process."""

    def test_moves(self) -> None:
        """A name that moves, while somebody asks all the time."""
        self.server.start()
        self.begin()
        self.assertEqual(self.answered_by(self.one), {"m2"})
        asking = Asking(self.one)
        self.addCleanup(asking.stop)
        self.server.write(at(3))
        self.wait_for(3, pool="one")
        self.program().wait_until(lambda: bool(asking.seen[200, "member m3"]))
        self.server.write(at(2, 3, 4))
        self.wait_for(2, 3, 4)
        self.assertEqual(self.answered_by(self.one), {"m3"}, "it stays where it is")
        asking.stop()
        self.assertEqual((asking.bad(), asking.failures), ({}, []))
        self.assertEqual(self.ask("/v1/status")["revision"], 0)

    def test_grows_and_shrinks(self) -> None:
        """Every address of a name, while somebody asks all the time."""
        self.server.start()
        self.begin()
        asking = Asking(self.every)
        self.addCleanup(asking.stop)
        steps: Sequence[tuple[int, ...]] = ((2, 3), (4, 3, 2), (3,), (4,), (2, 3, 4), (2,))
        for last in steps:
            self.server.write(at(*last))
            self.wait_for(*sorted(last))
            self.wait_for_answers({f"m{n}" for n in last})
        asking.stop()
        self.assertEqual((asking.bad(), asking.failures), ({}, []))
        self.assertEqual(len(asking.seen), 3)

    def test_server_dies(self) -> None:
        """The last good answer is kept, whatever the server does, and the status tells."""
        self.server.start()
        self.server.write(at(2, 3))
        self.begin()
        self.wait_for(2, 3)

        def error() -> str:
            return str(self.status("all")["resolution"]["error"])

        for break_, words in (
            (lambda: self.server.write({}), "there is no such name"),
            (lambda: self.server.write({"web.test": {}}), "the name has no address"),
            (lambda: self.server.write({"web.test": {"fails": "SERVFAIL"}}), "the server failed"),
            (self.server.stop, "connection refused"),
        ):
            break_()
            self.program().wait_until(lambda words=words: words in error())  # type: ignore[misc]
            self.assertEqual(self.addresses(), ["127.0.0.2", "127.0.0.3"])
            self.wait_for_answers({"m2", "m3"})
            (problem,) = self.ask("/v1/status")["problems"]
            self.assertIn(words, problem)
        self.server.write(at(4))
        self.server.start()
        self.wait_for(4)
        self.assertEqual(self.ask("/v1/status")["problems"], [])
        told = [line for line in self.balancer.output.splitlines() if "no such name" in line]
        self.assertEqual(len(told), 1, told)

    def test_server_comes(self) -> None:
        """Started without a server: unknown, 503, and good when it is there."""
        self.begin()
        self.assertEqual(self.status("one")["health"], "unknown")
        answer = request(self.one, "/")
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["fiberlb-reason-code"], "no_members")
        self.assertIn("not resolved: web.test", self.balancer.output)
        self.server.start()
        self.wait_for(2, pool="one")
        self.assertEqual(self.answered_by(self.one), {"m2"})

    def test_restart_of_process(self) -> None:
        """A process that begins while the server is dead goes on with what was known."""
        self.server.start()
        self.server.write(at(3, 4))
        balancer = self.begin()
        self.wait_for(3, 4)
        self.server.stop()
        balancer.stop()
        balancer.start(self.one, self.every)
        self.wait_for_answers({"m3", "m4"})
        (problem,) = self.ask("/v1/status")["problems"]
        self.assertIn("the last good answer is kept", problem)

    def test_host(self) -> None:
        """Checks name the member by its name; requests bear what the client sent."""
        self.server.start()
        self.begin()
        self.wait_for(2, pool="one")
        hosts = {one.host for one in self.members[2].requests() if "health" in one.user_agent}
        self.assertEqual(hosts, {f"web.test:{self.port}"})


class WorkersTests(OneProcessTests):
    """The same with two workers, which never ask anybody for a name."""

    workers = 2

    def test_restart(self) -> None:
        """Workers that come later know where the names are."""
        self.server.start()
        self.begin()
        self.server.write(at(3, 4))
        self.wait_for(3, 4)
        self.server.stop()
        self.ask("/v1/workers/restart", "POST")
        self.wait_for_answers({"m3", "m4"})


class TlsTests(NamesCase):
    """TLS to members by name."""

    def equip(self, directory: str) -> None:
        """Who is believed."""
        Path(directory, "ca.pem").write_text(ROOT.pem)

    def test_name(self) -> None:
        """A member's certificate is for its name, which checks and requests ask for."""
        names: list[str | None] = []
        context = server(leaf("web.test", issuer=ROOT))
        context.sni_callback = lambda sock, name, _: names.append(name)
        origin = Origin(answering, context)
        self.addCleanup(origin.stop)
        self.port = origin.port
        here = {"A": ["127.0.0.1"]}
        self.server.write({"web.test": here, "other.test": here})
        self.server.start()
        self.begin(SECURE)
        self.program().wait_until(lambda: self.status("one")["health"] == "up")
        self.assertEqual(request(self.one, "/").text, "fine")
        self.assertEqual(set(names), {"web.test"})
        answer = request(self.every, "/")
        self.assertEqual((answer.status, names[-1]), (502, "other.test"))
        self.assertEqual(answer.headers["fiberlb-reason-code"], "member_tls")
