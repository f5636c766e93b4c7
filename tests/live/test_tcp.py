"""TCP listeners of a running FiberLB."""

from __future__ import annotations

import atexit
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.hostile_clients import LeanBalancer
from tests.live.origin import Caller, Origin
from tests.support.clients import RawClient, request
from tests.support.members import Member
from tests.support.ports import free_ports

_POOL = '  - {{name: {name}, protocol: tcp, members: ["{members}"]}}\n'
_LISTENER = (
    "  - {{name: {name}, address: 127.0.0.1, port: {port}, protocol: tcp, default_pool_id: {name},"
    " timeouts: {{member_connect: 1s, tunnel: 2s}}, allowed_cidrs: [{allowed}]}}\n"
)
BULK = bytes(range(256)) * 65536


def echo(caller: Caller) -> None:
    """Send back whatever comes, then end."""
    while data := caller.some():
        caller.send(data)


def count(caller: Caller) -> None:
    """Say how much came, once it has ended."""
    found = 0
    while data := caller.some():
        found += len(data)
    caller.send(b"%d" % found)


def greet(caller: Caller) -> None:
    """Speak first, and end."""
    caller.send(b"220 ready\r\n")


def reset(caller: Caller) -> None:
    """Break the connection at the first byte."""
    caller.some()
    caller.reset()


def silent(caller: Caller) -> None:
    """Say nothing."""
    caller.gone()


SCRIPTS: dict[str, Callable[[Caller], None]] = {
    "echo": echo,
    "count": count,
    "greet": greet,
    "reset": reset,
    "silent": silent,
    "denied": echo,
}


class Sessions:
    """
    A FiberLB with a TCP listener before each of several members.

    @ivar ports: of the listeners, by name: the scripts', C{nginx}, C{dead} (nobody is there) and
        C{half} (two of three members are not there).
    """

    def __init__(self) -> None:
        """Start everything."""
        self.origins = {name: Origin(script) for name, script in SCRIPTS.items()}
        self.member = Member("one").start()
        dead = [f"127.0.0.1:{port}" for port in free_ports(2)]
        members = {name: [origin.address] for name, origin in self.origins.items()}
        members |= {"nginx": [self.member.address], "dead": dead}
        members["half"] = [*dead, self.origins["echo"].address]
        self.ports = dict(zip(members, free_ports(len(members)), strict=True))
        pools = [_POOL.format(name=n, members='", "'.join(a)) for n, a in members.items()]
        listeners = [
            _LISTENER.format(
                name=name, port=port, allowed="10.0.0.0/8" if name == "denied" else "127.0.0.0/8"
            )
            for name, port in self.ports.items()
        ]
        text = "access_log: {format: json, path: access.log}\n"
        text += "pools:\n" + "".join(pools) + "listeners:\n" + "".join(listeners)
        self.balancer = LeanBalancer(text)
        # The members are told of every connection, so nobody connects just to see.
        self.balancer.start()
        assert self.balancer.program is not None
        self.balancer.program.wait_for_line(r"Listening on .*half")

    def stop(self) -> None:
        """End everything."""
        self.balancer.stop()
        self.member.stop()
        for origin in self.origins.values():
            origin.stop()


@cache
def sessions() -> Sessions:
    """One for all tests; it ends with the process."""
    made = Sessions()
    atexit.register(made.stop)
    return made


class TcpTests(SynchronousTestCase):
    """Sessions through a real process."""

    def setUp(self) -> None:
        """Everything runs."""
        self.all = sessions()
        self.addCleanup(self.check)

    def check(self) -> None:
        """No exception was logged, no script failed."""
        self.assertNotIn("Traceback", self.all.balancer.output)
        for name, origin in self.all.origins.items():
            self.assertEqual(origin.failures, [], name)

    def client(self, name: str) -> RawClient:
        """A client of a listener."""
        client = RawClient(self.all.ports[name])
        self.addCleanup(client.close)
        return client

    def assert_reset(self, name: str) -> None:
        """A client of a listener is reset, perhaps before it knows that it is connected."""
        self.assertRaises(ConnectionResetError, lambda: self.client(name).socket.recv(1))

    def logged(self, reason: str | None) -> dict[str, object]:
        """An entry of the access log with this reason, waiting for it."""
        program, path = self.all.balancer.program, Path(self.all.balancer.directory, "access.log")
        assert program is not None

        def found() -> list[dict[str, object]]:
            entries = [json.loads(line) for line in path.read_text().splitlines()]
            return [entry for entry in entries if entry.get("reason") == reason]

        program.wait_until(lambda: bool(found()))
        return found()[-1]

    def test_http_untouched(self) -> None:
        """HTTP passes as any bytes do: nothing is added, nothing taken out."""
        fields = {"Connection": "close, X-A", "X-A": "1"}
        answer = request(self.all.ports["nginx"], "/echo", headers=fields)
        self.assertIn("X-A: 1", answer.text)
        self.assertNotIn("Via", answer.text)
        self.assertNotIn("X-Forwarded", answer.text)

    def test_bulk(self) -> None:
        """Much in both directions at once, by many, arrives as it was sent."""
        expected = hashlib.sha256(BULK).hexdigest()

        def session(_: int) -> str:
            with RawClient(self.all.ports["echo"]) as client, ThreadPoolExecutor(1) as sender:

                def send() -> None:
                    client.send(BULK)
                    client.finish()

                sent = sender.submit(send)
                found = hashlib.sha256(client.read_all()).hexdigest()
                sent.result()
                return found

        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(session, range(4))), [expected] * 4)

    def test_many(self) -> None:
        """Hundreds of sessions one after the other and at once."""

        def session(number: int) -> bytes:
            with RawClient(self.all.ports["echo"]) as client:
                client.send(b"%d" % number)
                client.finish()
                return client.read_all()

        with ThreadPoolExecutor(50) as pool:
            found = list(pool.map(session, range(500)))
        self.assertEqual(found, [b"%d" % number for number in range(500)])

    def test_half_closed(self) -> None:
        """A client that has ended its side hears the answer to all of it."""
        client = self.client("count")
        client.send(b"x" * 100000)
        client.finish()
        self.assertEqual(client.read_all(), b"100000")

    def test_member_first(self) -> None:
        """A member may speak, and end, first."""
        client = self.client("greet")
        self.assertEqual(client.read_all(), b"220 ready\r\n")

    def test_dead_members(self) -> None:
        """A member that refuses is replaced; when all do, the client is reset."""
        for _ in range(6):
            client = self.client("half")
            client.send(b"hello")
            self.assertEqual(client.read(5), b"hello")
        self.assert_reset("dead")
        self.assertEqual(self.logged("connect_refused")["tries"], 3)

    def test_resets(self) -> None:
        """A side that breaks takes the other one with it."""
        client = self.client("reset")
        client.send(b"x")
        self.assertRaises(ConnectionResetError, client.socket.recv, 1)
        self.assertEqual(self.logged("member_reset")["listener"], "reset")

    def test_idle(self) -> None:
        """A session that is silent for too long ends."""
        self.assert_reset("silent")
        self.assertEqual(self.logged("tunnel_timeout")["listener"], "silent")

    def test_denied(self) -> None:
        """Clients that are not allowed are reset."""
        self.assert_reset("denied")
        self.assertEqual(self.logged("denied_address")["listener"], "denied")
        self.assertEqual(self.all.origins["denied"].accepted, 0)
