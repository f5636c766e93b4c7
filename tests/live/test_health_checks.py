"""Checks of real members by gRPC, by ICMP, and by what a body has."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import attrs

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.grpc import grpc_check
from fiberlb.health.checks.table import open_checks
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member
from tests.live.test_health import HTTP, LiveCase, Server, Watching, at
from tests.support.certificates import leaf
from tests.support.members import Member as Nginx
from tests.support.programs import temporary_directory
from tests.tls.members import ROOT, plan, pool_tls

GRPC = attrs.evolve(HTTP, type=MonitorType.GRPC, interval=2.0, timeout=2.0)
PING = attrs.evolve(GRPC, type=MonitorType.PING)


async def reason(watching: Watching, port: int, monitor: HealthMonitor) -> str:
    """Why one check fails; empty: it does not."""
    assert monitor.type is not None
    try:
        await open_checks(watching.reactor)[monitor.type](at("one", port), monitor)
    except CheckFailed as why:
        return why.reason
    return ""


class GrpcMember:
    """A gRPC server as a program of its own."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.support.grpc_member", *arguments]
        self._program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._program.stdout is not None
        self.port = int(self._program.stdout.readline())

    def tell(self, service: str, status: str) -> None:
        """Set the status of a service, C{-} for the server's."""
        assert self._program.stdin is not None and self._program.stdout is not None
        self._program.stdin.write(f"{service} {status}\n")
        self._program.stdin.flush()
        self._program.stdout.readline()

    def stop(self) -> None:
        """End it."""
        self._program.communicate()


class GrpcTests(LiveCase):
    """Members that speak gRPC, and some that do not."""

    def member(self, *arguments: str) -> GrpcMember:
        """One that ends with the test."""
        made = GrpcMember(*arguments)
        self.addCleanup(made.stop)
        return made

    def test_statuses(self) -> None:
        """What the server says of itself, and of one of its services."""
        member = self.member()
        member.tell("shop", "NOT_SERVING")

        async def body(watching: Watching) -> None:
            for service, expected in (
                ("", ""),
                ("shop", "NOT_SERVING"),
                ("unheard", "service is not known there"),
            ):
                monitor = attrs.evolve(GRPC, service=service)
                self.assertEqual(await reason(watching, member.port, monitor), expected)

        self.run_with(body)

    def test_changes(self) -> None:
        """It goes down and comes back with what is told."""
        member = self.member()
        monitor = attrs.evolve(GRPC, interval=0.2, timeout=0.2, service="shop")
        member.tell("shop", "SERVING")

        async def body(watching: Watching) -> None:
            watching.service.apply(_snapshot(at("one", member.port), monitor))
            await watching.until(one=True)
            member.tell("shop", "NOT_SERVING")
            await watching.until(one=False)
            member.tell("shop", "SERVING")
            await watching.until(one=True)

        self.run_with(body)

    def test_others(self) -> None:
        """A server of HTTP/1.1, one that says nonsense, one that hangs up."""
        nginx = Nginx("one").start()
        self.addCleanup(nginx.stop)

        async def body(watching: Watching) -> None:
            odd = self.listen(watching.reactor, Server(b"220 smtp.test ready\r\n" * 5000))
            shut = self.listen(
                watching.reactor, Server(script=lambda s: s.transport.loseConnection())
            )
            members = [at("h1", nginx.port), at("odd", odd), at("shut", shut)]
            found = await watching.first(*members, monitor=GRPC)
            self.assertEqual(
                found,
                {
                    "h1": "connection closed without an answer",
                    "odd": "does not speak gRPC",
                    "shut": "connection closed without an answer",
                },
            )

        self.run_with(body)

    def test_tls(self) -> None:
        """By TLS where requests go by it, verified like these."""
        one = leaf("api.test", issuer=ROOT)
        path = f"{temporary_directory()}/m.pem"
        with open(path, "w", encoding="ascii") as file:
            file.write(one.key_pem() + one.chain)
        member = self.member(path)

        async def asked(watching: Watching, name: str) -> str:
            check = grpc_check(watching.reactor, lambda pool_id: pool_tls(plan(name)))
            try:
                await check(at("one", member.port), GRPC)
            except CheckFailed as why:
                return why.reason
            return ""

        async def body(watching: Watching) -> None:
            self.assertEqual(await asked(watching, "api.test"), "")
            self.assertIn("certificate is not for", await asked(watching, "other.test"))

        self.run_with(body)


class PingTests(LiveCase):
    """Machines; this one answers on every address of its loopback network."""

    def test_answers(self) -> None:
        """Of both versions, many at once, without a mix-up; some addresses have nobody."""

        async def body(watching: Watching) -> None:
            members = [at(f"m{n}", 1, f"127.0.0.{n}") for n in range(1, 40)]
            members.append(at("six", 1, "::1"))
            found = await watching.first(*members, monitor=PING)
            self.assertEqual(set(found.values()), {""})

        self.run_with(body)

    def test_nobody(self) -> None:
        """No reply is a timeout, no route is said so; a socket in a file cannot be pinged."""

        async def body(watching: Watching) -> None:
            monitor = attrs.evolve(PING, timeout=0.3)
            found = await watching.first(
                at("void", 1, "::ffff:0:0:1"), _unix("unix:/nowhere"), monitor=monitor
            )
            self.assertEqual(found["unix"], "a socket of this machine cannot be pinged")
            self.assertTrue(found["void"])

        self.run_with(body)


class BodyTests(LiveCase):
    """What must stand in an answer."""

    def test_body(self) -> None:
        """It is found wherever it stands, in pieces too, and missed where it does not."""
        answer = (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100012\r\n\r\n" + b"x" * 100000 + b"all is well\n"
        )

        async def body(watching: Watching) -> None:
            port = self.listen(watching.reactor, Server(answer))
            for text, expected in (
                ("is well", ""),
                ("xall", ""),
                ("is bad", "the body does not have what is expected"),
            ):
                monitor = attrs.evolve(HTTP, body_contains=text)
                self.assertEqual(await reason(watching, port, monitor), expected)

        self.run_with(body)


def _unix(address: str) -> Member:
    return Member(id="unix", name="unix", address=address)


def _snapshot(member: Member, monitor: HealthMonitor) -> Any:
    from tests.health.scripted import plan as health_plan
    from tests.health.scripted import snapshot

    return snapshot(health_plan(member, monitor=monitor))
