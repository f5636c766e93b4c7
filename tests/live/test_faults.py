"""Members that fail while clients ask without a pause."""

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import Event
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

from tests.live.hostile_clients import LeanBalancer
from tests.live.load import Load
from tests.live.origin import Caller, Origin
from tests.support.clients import PATIENCE, request
from tests.support.members import Member
from tests.support.ports import free_port

#: Seconds within which a dead member must not be asked any more, and a live one be asked again.
OUT, BACK = 4.0, 12.0
_CONFIGURATION = """
pools:
  - name: web
    members: [{members}]
    health_monitor: {{interval: 0.5s, timeout: 0.5s, rise: 2, fall: 2, url_path: /}}
listeners:
  - name: front
    address: 127.0.0.1
    port: {port}
    protocol: http
    default_pool_id: web
    timeouts: {{member_connect: 1s, member_response: {response}s}}
"""


class FaultCase(SynchronousTestCase):
    """One FiberLB before several members, and eight clients."""

    response = 10

    def setUp(self) -> None:
        """Two members that work."""
        self.members = [Member(name).start() for name in ("one", "two")]
        for member in self.members:
            self.addCleanup(member.stop)

    def front(self, *more: str) -> None:
        """FiberLB before the members, and these others."""
        self.port = free_port()
        names = [member.address for member in self.members] + list(more)
        configuration = _CONFIGURATION.format(
            members=", ".join(f'"{name}"' for name in names), port=self.port, response=self.response
        )
        self.balancer = LeanBalancer(configuration).start(self.port)
        self.addCleanup(self.balancer.stop)
        self.addCleanup(lambda: self.assertNotIn("Traceback", self.balancer.output))

    def bad(self, script: Callable[[Caller], None]) -> str:
        """A member that does as the script says with every connection; its address."""
        origin = Origin(script)
        self.addCleanup(origin.stop)
        return origin.address

    def wait_for_log(self, pattern: str, after: int = 0) -> float:
        """Wait for a line of FiberLB's log; how long it took."""
        begun = monotonic()
        assert self.balancer.program is not None
        self.balancer.program.wait_for_line(pattern, after=after, within=PATIENCE)
        return monotonic() - begun


class DeathTests(FaultCase):
    """Members that die, and come back."""

    def test_killed(self) -> None:
        """kill -9 under load: no request fails; when it is back it serves again."""
        self.front()
        one, two = self.members
        with Load(self.port) as load:
            load.wait_for(200)
            two.kill()
            load.wait_for(500)
            begun = monotonic()
            two.start()
            load.wait_for(20, of="two")
            self.assertLess(monotonic() - begun, BACK)
            one.kill()
            load.wait_for(300, of="two")
        self.assertEqual(load.failures, [])

    def test_flapping(self) -> None:
        """A member that dies over and over costs nobody a request."""
        self.front()
        with Load(self.port) as load:
            for _ in range(5):
                load.wait_for(100)
                self.members[1].kill()
                load.wait_for(100)
                self.members[1].start()
        self.assertEqual(load.failures, [])

    def test_stopped(self) -> None:
        """A member that ends in order too."""
        self.front()
        with Load(self.port) as load:
            load.wait_for(100)
            self.members[1].stop()
            load.wait_for(300)
        self.assertEqual(load.failures, [])

    def test_never_there(self) -> None:
        """A member that refuses from the beginning is nobody's trouble."""
        self.front(f"127.0.0.1:{free_port()}")
        with Load(self.port) as load:
            load.wait_for(500)
        self.assertEqual(load.failures, [])

    def test_all_down(self) -> None:
        """When nobody is left the answer is 503 at once; recovery needs nothing from anybody."""
        self.front()
        with Load(self.port, clients=4) as load:
            load.wait_for(50)
            for member in self.members:
                member.kill()
            load.wait_for_failures(50)
            begun = monotonic()
            answer = request(self.port)
            self.assertLess(monotonic() - begun, 1.0)
            self.assertIn(answer.status, (502, 503))
            begun = monotonic()
            for member in self.members:
                member.start()
            load.wait_for(50)
            self.assertLess(monotonic() - begun, BACK)
        self.assertEqual({f[:3] for f in load.failures} - {"502", "503"}, set())

    def test_even(self) -> None:
        """With everybody there, each gets the same share."""
        self.front()
        with Load(self.port) as load:
            load.wait_for(400)
        one, two = load.served["one"], load.served["two"]
        self.assertLess(abs(one - two), (one + two) * 0.05)


class BadTests(FaultCase):
    """Members that turn bad without going away."""

    response = 2

    def turncoat(self, bad: Callable[[Caller], None]) -> str:
        """A member that is good until C{self.turned}; its address."""
        self.turned = Event()

        def serve(caller: Caller) -> None:
            while caller.request_head() is not None:
                if self.turned.is_set():
                    bad(caller)
                    return
                caller.reply(fields=b"X-Member: bad\r\n")

        return self.bad(serve)

    def found_out(self, bad: Callable[[Caller], None], statuses: set[str]) -> None:
        """Until it is found out some requests may fail in the one way, none afterwards."""
        self.front(self.turncoat(bad))
        with Load(self.port) as load:
            load.wait_for(50, of="bad")
            self.turned.set()
            self.assertLess(self.wait_for_log("is down"), OUT)
            moment = monotonic() + 0.1
            load.wait_for(500)
            self.assertEqual(load.failed_since(moment), [])
        self.assertLessEqual(set(load.failures), statuses)

    def test_reset(self) -> None:
        """One that breaks connections before an answer: the others answer in its place."""
        self.found_out(Caller.reset, set())

    def test_close(self) -> None:
        """One that just closes them: the same."""
        self.found_out(lambda caller: None, set())

    def test_garbage(self) -> None:
        """One that answers rubbish: 502."""
        self.found_out(lambda caller: caller.send(b"\x00garbage\xff" * 100), {"502"})

    def test_huge(self) -> None:
        """One that answers with fields of two mebibytes: 502."""

        def bad(caller: Caller) -> None:
            try:
                caller.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (2 << 20))
            except OSError:
                pass

        self.found_out(bad, {"502"})

    def test_hanging(self) -> None:
        """One that takes requests and says nothing: 504 when the time for an answer is over."""

        def bad(caller: Caller) -> None:
            caller.gone()

        self.found_out(bad, {"504"})

    def test_frozen(self) -> None:
        """One whose process is stopped: the same; when it goes on it serves again."""
        self.front()
        two = self.members[1]
        assert two.program is not None
        with Load(self.port) as load:
            load.wait_for(100, of="two")
            two.program.signal(signal.SIGSTOP)
            self.assertLess(self.wait_for_log("is down"), OUT)
            moment = monotonic() + 0.1
            load.wait_for(200)
            begun = monotonic()
            two.program.signal(signal.SIGCONT)
            load.wait_for(20, of="two")
            self.assertLess(monotonic() - begun, BACK)
            self.assertEqual(load.failed_since(moment), [])
        self.assertLessEqual(set(load.failures), {"504"})


class HealthTests(FaultCase):
    """Members that say themselves that they do not want requests."""

    def test_drained(self) -> None:
        """One whose check answers 503 is left alone, and nobody notices."""
        well = [True]

        def serve(caller: Caller) -> None:
            while (message := caller.request_head()) is not None:
                checked = b"health-check" in b"".join(message.values(b"user-agent"))
                status = b"503 No" if checked and not well[0] else b"200 OK"
                caller.send(b"HTTP/1.1 " + status + b"\r\nX-Member: o\r\nContent-Length: 0\r\n\r\n")

        self.front(self.bad(serve))
        with Load(self.port) as load:
            load.wait_for(50, of="o")
            well[0] = False
            self.assertLess(self.wait_for_log("is down"), OUT)
            load.wait_for(50)
            before = load.served["o"]
            load.wait_for(200)
            self.assertEqual(load.served["o"], before)
            well[0] = True
            load.wait_for(20, of="o")
        self.assertEqual(load.failures, [])
