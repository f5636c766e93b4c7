"""What a running FiberLB holds: descriptors, memory, processor time, under clients that want it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.front import connect
from tests.live.hostile_clients import (
    BROWSER,
    Crowd,
    Figures,
    LeanBalancer,
    Stranger,
    Victim,
    eventually,
    room_for,
)
from tests.support.certificates import leaf
from tests.support.clients import request
from tests.support.members import Member
from tests.support.ports import free_ports

MIB = 1 << 20
#: Pipes for bulk bytes that are kept, and connections to members: what a quiet process may hold.
_KEPT_DESCRIPTORS = 2 * 64 + 16
_CONFIGURATION = """
pools:
  - name: web
    members: ["{member}"]
    health_monitor: {{type: tcp, interval: 500ms, timeout: 400ms, fall: 1}}
  - {{name: other, members: ["{other}"]}}
listeners:
  - name: front
    address: 127.0.0.1
    port: {port}
    protocol: http
    default_pool_id: web
    timeouts: {timeouts}
  - {{name: other, address: 127.0.0.1, port: {other_port}, protocol: http, default_pool_id: other}}
  - name: secure
    address: 127.0.0.1
    port: {secure_port}
    protocol: https
    tls_config: {{certificate_id: main}}
    default_pool_id: other
certificates:
  - {{name: main, certificate: "file:main.pem"}}
"""


class ResourceCase(SynchronousTestCase):
    """One FiberLB with a listener for the hostile and one for the others, each with an nginx."""

    def front(self, timeouts: str) -> None:
        """Start everything; room is made for thousands of connections."""
        room_for(12_000)
        member, other = Member("a").start(), Member("b").start()
        self.addCleanup(member.stop)
        self.addCleanup(other.stop)
        self.port, self.other_port, self.secure_port = free_ports(3)
        self.balancer = LeanBalancer(
            _CONFIGURATION.format(
                member=member.address,
                other=other.address,
                port=self.port,
                other_port=self.other_port,
                secure_port=self.secure_port,
                timeouts=timeouts,
            )
        )
        self.addCleanup(self.balancer.stop)
        own = leaf("t.test")
        Path(self.balancer.directory, "main.pem").write_text(own.chain + own.key_pem())
        self.balancer.start(self.port, self.other_port, self.secure_port)
        self.figures: Figures = self.balancer.figures
        # Parts that are imported or allocated once belong to the quiet state.
        with Crowd(self.port) as crowd:
            new = crowd.open(50, BROWSER)
            self.assertTrue(crowd.run(lambda: all(one.received for one in new)))
        self.descriptors = self.quiet_descriptors()
        self.resident = self.figures.resident
        self.addCleanup(lambda: self.assertNotIn("Traceback", self.balancer.output))

    def quiet_descriptors(self) -> int:
        """How many descriptors there are once idle connections to the member have ended."""
        seen = self.figures.descriptors

        def settled() -> bool:
            nonlocal seen
            seen, before = self.figures.descriptors, seen
            return seen == before and seen < 40

        eventually(settled)
        return seen

    def check_returned(self, *, memory: int = 24 * MIB) -> None:
        """Descriptors are back, and memory within a bound."""
        most = self.descriptors + _KEPT_DESCRIPTORS
        self.assertTrue(
            eventually(lambda: self.figures.descriptors <= most), self.figures.descriptors
        )
        self.assertLess(self.figures.resident - self.resident, memory)

    def check_victim(self, victim: Victim) -> None:
        """The normal client was served all the time, each answer within a second."""
        self.assertEqual(victim.trouble, [])
        self.assertGreater(victim.served, 5)
        self.assertLess(victim.worst, 1.0)


class SlowClientTests(ResourceCase):
    """A thousand clients that take their time cost a normal one nothing, and end in time."""

    def endure(self, crowd: Crowd, within: float) -> None:
        """Let them drip until all have ended, with a victim beside them."""
        with Victim(self.other_port) as victim:
            over = crowd.run(lambda: not crowd.left, within=within)
        self.assertTrue(over, f"{crowd.left} are still there")
        self.check_victim(victim)
        self.check_returned()

    def check_ends(self, ended: list[Stranger], answer: bytes, least: float, most: float) -> None:
        """All were answered so, and ended within that time of their opening."""
        self.assertEqual([one for one in ended if not one.received.startswith(answer)][:3], [])
        self.assertGreater(min(one.lasted for one in ended), least)
        self.assertLess(max(one.lasted for one in ended), most)

    def test_slow_heads(self) -> None:
        """Heads that never end get 408 when the time for a head is over, however they drip."""
        self.front("{client_header: 3s, member_keep_alive: 500ms}")
        start = b"GET / HTTP/1.1\r\nHost: t.test\r\nX-A: b"
        with Crowd(self.port) as crowd:
            crowd.open(200, start)
            crowd.open(400, start, drip=b"c")
            crowd.open(400, start + b"\r\n", drip=b"X-A: c\r\n")
            self.endure(crowd, within=10)
            self.check_ends(crowd.strangers, b"HTTP/1.1 408 ", 2.5, 6.0)

    def test_slow_bodies(self) -> None:
        """Bodies that stop or drip get 408, the former by the idle time, the latter by the rate."""
        self.front("{client_body_idle: 2s, member_keep_alive: 500ms}")
        start = b"POST /body HTTP/1.1\r\nHost: t.test\r\n"
        length, coding = b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
        with Crowd(self.port) as crowd:
            silent = crowd.open(400, start + length + b"hello")
            silent += crowd.open(100, start + coding)
            dripping = crowd.open(400, start + length, drip=b"x" * 50)
            dripping += crowd.open(100, start + coding + b"fffff\r\n", drip=b"x" * 50)
            self.endure(crowd, within=20)
        self.check_ends(silent, b"HTTP/1.1 408 ", 1.5, 5.0)
        self.check_ends(dripping, b"HTTP/1.1 408 ", 9.0, 14.0)

    def test_slow_reading(self) -> None:
        """Who takes nothing of a large answer is cut off when the time for that is over."""
        self.front("{client_write_idle: 2s, member_keep_alive: 500ms}")
        # More than the system takes off FiberLB's hands by itself.
        ask = b"GET /bytes/16777216 HTTP/1.1\r\nHost: t.test\r\n\r\n"
        with Crowd(self.port, reads=False, receive_buffer=4096) as crowd:
            crowd.open(1000, ask)
            self.endure(crowd, within=30)
            self.assertTrue(all(one.reset for one in crowd.strangers))


class CostlyClientTests(ResourceCase):
    """Clients whose bytes are harder to read than to send."""

    def test_costly(self) -> None:
        """A normal client does not wait while others send bodies in the smallest of chunks."""
        self.front("{}")
        start = b"POST /body HTTP/1.1\r\nHost: t.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        bodies = (b"1\r\na\r\n", b"0001\r\na\r\n", b"10\r\n" + b"a" * 16 + b"\r\n")
        with Crowd(self.port) as crowd:
            for body in bodies:
                crowd.open(5, start, drip=body * 10_000)
            crowd.run(lambda: False, within=1, every=0.02)
            with Victim(self.other_port) as victim:
                crowd.run(lambda: False, within=3, every=0.02)
            self.assertEqual(crowd.left, 15)
            # In order, they would have everything read that they have sent.
            crowd.close(abruptly=True)
        self.check_victim(victim)
        self.check_returned()


class ManyConnectionTests(ResourceCase):
    """Four thousand connections that do nothing."""

    def settle(self, crowd: Crowd, count: int) -> None:
        """Open so many, a few at a time as clients come, each with three answers behind it."""
        while len(crowd.strangers) < count:
            new = crowd.open(100, BROWSER)
            for _ in range(2):
                self.answered(crowd, new)
                for one in new:
                    one.received = b""
                    one.sock.send(BROWSER)
            self.answered(crowd, new)

    def answered(self, crowd: Crowd, some: list[Stranger]) -> None:
        """Wait until each of them has an answer."""
        self.assertTrue(crowd.run(lambda: all(one.received for one in some)))

    def test_idle(self) -> None:
        """
        Each that waits between two requests costs at most 2.5 KiB, and nothing once it is gone.

        That is so even at once, while the last head is still held in case it
        comes again. They go all together, with a reset.
        """
        self.front("{client_header: 2s, keep_alive: 60s, member_keep_alive: 500ms}")
        with Crowd(self.port) as crowd, Victim(self.other_port) as victim:
            self.settle(crowd, 4000)
            self.assertEqual(crowd.left, 4000)
            each = (self.figures.resident - self.resident) / 4000
            crowd.close(abruptly=True)
            self.check_returned()
        self.check_victim(victim)
        self.assertLess(each, 2.5 * 1024)

    def test_again(self) -> None:
        """Memory that thousands of connections gave back is used for the next thousands."""
        self.front("{client_header: 2s, keep_alive: 60s, member_keep_alive: 500ms}")
        after = []
        for _ in range(2):
            with Crowd(self.port) as crowd:
                self.settle(crowd, 1500)
                crowd.close(abruptly=True)
            self.check_returned()
            after.append(self.figures.resident)
        self.assertLess(after[1] - after[0], 2 * MIB)

    def test_given_back(self) -> None:
        """What a crowd over TLS held is given back to the system soon after it has gone."""
        self.front("{member_keep_alive: 500ms}")
        for _ in range(2):
            crowd = [connect(self.secure_port, True) for _ in range(700)]
            self.assertEqual(request(self.other_port).status, 200)
            held = self.figures.resident - self.resident
            self.assertGreater(held, 8 * MIB)
            for one in crowd:
                one.socket.close()
            self.assertTrue(
                eventually(lambda: self.figures.resident - self.resident < 5 * MIB), held
            )

    def test_silent(self) -> None:
        """Who says nothing at all is closed when the time for a head is over, or has closed."""
        self.front("{client_header: 2s, member_keep_alive: 500ms}")
        with Crowd(self.port) as crowd, Victim(self.other_port) as victim:
            silent = crowd.open(3000)
            finished = crowd.open(1000)
            for one in finished:
                one.sock.shutdown(socket.SHUT_WR)
            self.assertTrue(crowd.run(lambda: not crowd.left, within=10), crowd.left)
        self.check_victim(victim)
        self.assertLess(max(one.lasted for one in finished), 2.0)
        self.assertLess(max(one.lasted for one in silent), 6.0)
        self.assertGreater(min(one.lasted for one in silent), 1.5)
        self.check_returned()


class ExhaustionTests(ResourceCase):
    """No descriptors are left."""

    def setUp(self) -> None:
        self.front("{client_header: 20s, keep_alive: 20s, member_keep_alive: 500ms}")
        self.crowd = Crowd(self.port)
        self.addCleanup(self.crowd.close)

    def exhaust(self) -> None:
        """Connect until FiberLB takes no more."""
        self.figures.limit_descriptors(self.descriptors + 40)
        self.crowd.open(100)
        self.assertTrue(eventually(lambda: "accepts nothing" in self.balancer.output))

    def test_accepting(self) -> None:
        """It waits without turning in circles, says so once, and goes on when some are free."""
        self.exhaust()
        before = self.figures.cpu
        self.assertFalse(self.crowd.run(lambda: self.crowd.left < 100, within=3))
        self.assertLess(self.figures.cpu - before, 0.5)
        self.assertEqual(self.balancer.output.count("accepts nothing"), 1)
        self.crowd.close()
        self.assertEqual(request(self.port, within=4).status, 200)
        self.exhaust_again()

    def exhaust_again(self) -> None:
        """The next time is told again."""
        self.crowd.open(100)
        self.assertTrue(eventually(lambda: self.balancer.output.count("accepts nothing") == 2))
        self.crowd.close()
        self.assertEqual(request(self.port, within=4).status, 200)

    def test_members(self) -> None:
        """Who has been accepted is told that there is nothing left to reach a member with."""
        self.exhaust()
        first = self.crowd.strangers[0]
        first.sock.sendall(b"GET / HTTP/1.1\r\nHost: t.test\r\n\r\n")
        self.assertTrue(self.crowd.run(lambda: bool(first.received)))
        self.assertTrue(first.received.startswith(b"HTTP/1.1 503 "), first.received)
        self.assertIn(b"FiberLB-Reason-Code: overloaded\r\n", first.received)
        # Those that closed in order leave room; the one that was refused is served now.
        for one in self.crowd.strangers[1:]:
            one.sock.shutdown(socket.SHUT_RDWR)
        self.assertTrue(self.crowd.run(lambda: self.crowd.left == 1))
        first.received = b""
        first.sock.sendall(b"GET / HTTP/1.1\r\nHost: t.test\r\n\r\n")
        self.assertTrue(self.crowd.run(lambda: bool(first.received)))
        self.assertTrue(first.received.startswith(b"HTTP/1.1 200 "), first.received)

    def test_checks(self) -> None:
        """A check that cannot be made says nothing about the member."""
        before = self.health()
        self.exhaust()
        self.crowd.run(lambda: False, within=2)
        self.crowd.close()
        self.assertEqual(request(self.port, within=4).status, 200)
        self.assertEqual(self.health(), before)

    def health(self) -> list[object]:
        """The member's state, and how often it has changed."""
        (member,) = json.loads(request(self.balancer.admin, "/v1/pools/web/members").body)["items"]
        return [member["status"][key] for key in ("health", "transitions")]
