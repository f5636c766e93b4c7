"""Health checks of real members: nginx processes, and servers that misbehave."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.table import open_checks
from fiberlb.health.monitor import AT_ONCE, HealthService
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member
from tests.health.scripted import LogLines, plan, snapshot
from tests.support.members import Member as Nginx
from tests.support.ports import free_port

#: Seconds after which a test that waits has failed.
PATIENCE = 30.0

HTTP = HealthMonitor(type=MonitorType.HTTP, interval=0.2, timeout=0.2, rise=2, fall=2)
TCP = attrs.evolve(HTTP, type=MonitorType.TCP)


class Script(Protocol):
    """A server's side: sends an answer, or nothing, then does as it is told."""

    factory: Server

    def connectionMade(self) -> None:
        self.factory.open += 1
        if self.factory.script is not None:
            self.factory.script(self)

    def dataReceived(self, data: bytes) -> None:
        self.factory.received.append(data)
        if self.factory.answer:
            assert self.transport is not None
            self.transport.write(self.factory.answer)
            if self.factory.after is not None:
                self.factory.after(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.ended(reason)


class Server(Factory):
    """
    A member that does what no good member does.

    @ivar open: connections that are open now.
    @ivar ends: how each of the others ended.
    """

    noisy = False
    protocol = Script  # type: ignore[assignment]

    def __init__(
        self,
        answer: bytes = b"",
        after: Callable[[Any], None] | None = None,
        script: Callable[[Any], None] | None = None,
    ) -> None:
        self.answer, self.after, self.script = answer, after, script
        self.open = 0
        self.ends: list[Failure] = []
        self.received: list[bytes] = []
        self._waiting: list[Deferred[None]] = []

    def ended(self, reason: Failure) -> None:
        """A connection has ended."""
        self.open -= 1
        self.ends.append(reason)
        if not self.open:
            waiting, self._waiting = self._waiting, []
            for fired in waiting:
                fired.callback(None)

    def left(self) -> Deferred[None]:
        """Fires when a connection has been there and none is open any more."""
        fired: Deferred[None] = Deferred()
        if self.ends and not self.open:
            fired.callback(None)
        else:
            self._waiting.append(fired)
        return fired


class Watching:
    """A health service on a reactor, and ways to wait for what it says."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.logged = LogLines()
        self.usable: dict[str, bool] = {}
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []
        self.service = HealthService(
            reactor, open_checks(reactor), lambda: 0.5, self._report, self.logged.log
        )

    def _report(self, ident: str, usable: bool) -> None:
        self.usable[ident] = usable
        for waiting in self._waiting[:]:
            if waiting[0]():
                self._waiting.remove(waiting)
                waiting[1].callback(None)

    def until(self, **usable: bool) -> Deferred[None]:
        """Fires when the members named are usable or not, as given."""

        def right() -> bool:
            return all(self.usable.get(name) is wanted for name, wanted in usable.items())

        fired: Deferred[None] = Deferred()
        if right():
            fired.callback(None)
        else:
            self._waiting.append((right, fired))
        return fired

    async def first(self, *members: Member, monitor: HealthMonitor = HTTP) -> dict[str, str]:
        """The reasons after the first round of these members; those up have none."""
        self.service.apply(snapshot(plan(*members, monitor=monitor)))
        await self.service.first_round()
        return {one.name: self.service.status(one.id).reason for one in members}


def at(name: str, port: int, address: str = "127.0.0.1") -> Member:
    """A member on this machine."""
    return Member(id=name, name=name, address=address, port=port)


class LiveCase(SynchronousTestCase):
    """A reactor of its own for each test, real sockets."""

    def run_with(self, body: Callable[[Watching], Coroutine[Deferred[Any], Any, None]]) -> None:
        """Run a test's body until it has ended, at most as long as patience lasts."""
        reactor: Any = EPollReactor()
        watching = Watching(reactor)
        results: list[Any] = []

        async def whole() -> None:
            try:
                await body(watching)
            finally:
                await watching.service.stop()

        def begin() -> None:
            done = Deferred.fromCoroutine(whole()).addTimeout(PATIENCE, reactor)
            done.addBoth(results.append)
            done.addCallback(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run(installSignalHandlers=False)
        if isinstance(results[0], Failure):
            results[0].raiseException()

    def listen(self, reactor: Any, server: Server, interface: str = "127.0.0.1") -> int:
        """Let a server listen; its port."""
        port: int = reactor.listenTCP(0, server, interface=interface).getHost().port
        return port


class NginxTests(LiveCase):
    """Members as they are in the world."""

    def nginx(self, name: str) -> Nginx:
        """An nginx that ends with the test."""
        member = Nginx(name)
        self.addCleanup(member.stop)
        return member.start()

    def test_first_round(self) -> None:
        """Those that answer are up, the one that is not there is down; what was asked is logged."""
        one, two = self.nginx("one"), self.nginx("two")

        async def body(watching: Watching) -> None:
            reasons = await watching.first(
                at("one", one.port), at("two", two.port), at("gone", free_port())
            )
            self.assertEqual(reasons, {"one": "", "two": "", "gone": "connection refused"})
            self.assertEqual(watching.usable, {"one": True, "two": True, "gone": False})

        self.run_with(body)
        one.wait_for_request("GET / ")
        request = one.requests()[0]
        self.assertEqual((request.status, request.user_agent), (200, "fiberlb-health-check"))
        self.assertEqual(request.host, one.address)

    def test_down_and_up(self) -> None:
        """A member that is killed goes down, with a reason; started again it comes back."""
        nginx = self.nginx("one")

        async def body(watching: Watching) -> None:
            await watching.first(at("one", nginx.port))
            nginx.kill()
            await watching.until(one=False)
            status = watching.service.status("one")
            self.assertIn(status.reason, ("connection refused", "connection reset"))
            nginx.start()
            await watching.until(one=True)
            self.assertEqual(watching.service.status("one").transitions, 3)
            place = f"one ({nginx.address})"
            self.assertEqual(
                watching.logged.lines[1:],
                [
                    f"warn: Member {place} of pool pool is down, was up: {status.reason}",
                    f"info: Member {place} of pool pool is up, was down: check passed",
                ],
            )

        self.run_with(body)

    def test_answers(self) -> None:
        """Statuses, redirects and late answers, each with its reason."""
        nginx = self.nginx("one")

        async def body(watching: Watching) -> None:
            for path, codes, reason in (
                ("/status/503", ((200, 299),), "status 503, expected 200-299"),
                ("/status/302", ((200, 299),), "status 302, expected 200-299"),
                ("/status/302", ((200, 200), (302, 302)), ""),
                ("/status/204", ((200, 299),), ""),
                ("/bytes/65536", ((200, 299),), ""),
                ("/pieces", ((200, 299),), "timeout after 100ms"),
                ("/slow/1048576", ((200, 299),), "timeout after 100ms"),
                ("/bytes/16777216", ((200, 299),), "answer longer than 1MiB"),
                ("/late/30", ((200, 299),), "timeout after 100ms"),
            ):
                monitor = attrs.evolve(
                    HTTP, url_path=path, expected_codes=codes, timeout=0.1, fall=1, rise=1
                )
                fresh = Watching(watching.reactor)
                found = await fresh.first(at("one", nginx.port), monitor=monitor)
                await fresh.service.stop()
                self.assertEqual(found, {"one": reason}, path)

        self.run_with(body)

    def test_tcp(self) -> None:
        """The TCP check connects and asks nothing."""
        nginx = self.nginx("one")

        async def body(watching: Watching) -> None:
            found = await watching.first(
                at("one", nginx.port), at("gone", free_port()), monitor=TCP
            )
            self.assertEqual(found, {"one": "", "gone": "connection refused"})

        self.run_with(body)
        self.assertEqual(nginx.requests(), [])

    def test_many(self) -> None:
        """Five hundred members are checked without a heap of connections."""
        nginx = self.nginx("one")

        async def body(watching: Watching) -> None:
            most = 0

            def count() -> None:
                nonlocal most
                most = max(most, len(os.listdir("/proc/self/fd")))

            before = len(os.listdir("/proc/self/fd"))
            counting = LoopingCall(count)
            counting.clock = watching.reactor
            counting.start(0.002)
            monitor = attrs.evolve(HTTP, interval=20.0, timeout=5.0)
            members = [at(f"m{number}", nginx.port) for number in range(500)]
            reasons = await watching.first(*members, monitor=monitor)
            counting.stop()
            self.assertEqual(set(reasons.values()), {""})
            # Those that end in one turn of the reactor are closed in the next one.
            self.assertLess(most - before, 2 * AT_ONCE + 20)

        self.run_with(body)


class MisbehaviourTests(LiveCase):
    """Servers that do not answer as they should cost one check, and leave nothing open."""

    def check(self, server: Server, reason: str, **monitor: Any) -> None:
        """The first check of a server fails for this reason and its connection ends."""

        async def body(watching: Watching) -> None:
            port = self.listen(watching.reactor, server)
            options = {"timeout": 0.2, "interval": 5.0, **monitor}
            found = await watching.first(at("bad", port), monitor=attrs.evolve(HTTP, **options))
            self.assertEqual(found, {"bad": reason})
            await server.left()

        self.run_with(body)

    def test_silence(self) -> None:
        """A server that accepts and says nothing."""
        self.check(Server(), "timeout after 200ms")

    def test_half_a_head(self) -> None:
        """A head that does not end."""
        self.check(Server(b"HTTP/1.1 200 OK\r\nX: "), "timeout after 200ms")

    def test_slow_body_without_end(self) -> None:
        """A body that drips for ever ends at the timeout, as a failure."""

        def drip(connection: Any) -> None:
            connection.transport.write(b"x")
            if connection.connected:
                connection.transport.reactor.callLater(0.01, drip, connection)

        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"
        self.check(Server(answer, after=drip), "timeout after 200ms")

    def test_fast_body_without_end(self) -> None:
        """A body that floods ends at the limit."""
        server = Server(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(4 * 1024 * 1024))
        self.check(server, "answer longer than 1MiB", timeout=5.0)

    def test_reset(self) -> None:
        """A server that resets the connection."""
        server = Server(b"HTTP/1.1 ", after=lambda p: p.transport.abortConnection())
        self.check(server, "connection reset")

    def test_closed(self) -> None:
        """A server that hangs up, before or within its answer."""
        hang_up: Callable[[Any], None] = lambda p: p.transport.loseConnection()  # noqa: E731
        early = Server(b"\n", script=hang_up)
        self.check(early, "connection closed without an answer")
        late = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", after=hang_up)
        self.check(late, "connection closed before the end of the answer")

    def test_another_protocol(self) -> None:
        """A server of something else."""
        self.check(Server(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "invalid response")

    def test_tcp_closes_in_order(self) -> None:
        """The TCP check says goodbye properly."""
        server = Server()

        async def body(watching: Watching) -> None:
            port = self.listen(watching.reactor, server)
            await watching.first(at("m", port), monitor=TCP)
            await server.left()
            self.assertTrue(server.ends[0].check(ConnectionDone))
            self.assertEqual(server.received, [])

        self.run_with(body)

    def test_ipv6(self) -> None:
        """IPv6 members are asked with their address in brackets."""
        server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        async def body(watching: Watching) -> None:
            port = self.listen(watching.reactor, server, "::1")
            found = await watching.first(at("six", port, "::1"))
            self.assertEqual(found, {"six": ""})
            self.assertIn(b"Host: [::1]:%d\r\n" % port, server.received[0])

        self.run_with(body)
