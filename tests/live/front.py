"""A FiberLB before an origin that does what the test says."""

from __future__ import annotations

import atexit
import socket
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.hostile_clients import LeanBalancer
from tests.live.origin import Caller, Origin
from tests.live.strict import Message, framing
from tests.support.certificates import authority, leaf
from tests.support.clients import PATIENCE
from tests.support.ports import free_ports
from tests.tls.members import server

_CONFIGURATION = """
limits: {limits}
certificates:
  - {{name: main, certificate: "file:main.pem"}}
  - {{name: members, cert_type: client_ca, certificate: "file:ca.pem"}}
pools:
  - {{name: web, members: ["{member}"]{tls}}}
listeners:
  - name: front
    address: 127.0.0.1
    port: {port}
    protocol: http
    default_pool_id: web
    timeouts: {timeouts}
  - name: secure
    address: 127.0.0.1
    port: {secure}
    protocol: https
    tls_config: {{certificate_id: main}}
    default_pool_id: web
    timeouts: {timeouts}
l7_policies:
  - {{name: local, listener_id: front, redirect_url: /moved, rules: [{{path: /local}}]}}
"""


_MEMBER_TLS = ", protocol: https, tls_config: {server_name: t.test, ca_certificate_id: members}"


class Front:
    """
    One FiberLB with a plain and a TLS listener, before an origin.

    @ivar port, secure: of the listeners.
    """

    def __init__(
        self,
        script: Callable[[Caller], None],
        limits: str,
        timeouts: str,
        workers: int = 0,
        member_tls: ssl.TLSVersion | None = None,
    ) -> None:
        """
        Start everything.

        @param script: the origin's.
        @param member_tls: the origin speaks TLS, of this version.
        """
        own = leaf("t.test")
        context = None if member_tls is None else server(own, least=member_tls, most=member_tls)
        self.origin = Origin(script, context)
        self.port, self.secure = free_ports(2)
        self.balancer = LeanBalancer(
            _CONFIGURATION.format(
                limits=limits,
                timeouts=timeouts,
                member=self.origin.address,
                port=self.port,
                secure=self.secure,
                tls="" if context is None else _MEMBER_TLS,
            ),
            workers=workers,
        )
        Path(self.balancer.directory, "main.pem").write_text(own.chain + own.key_pem())
        Path(self.balancer.directory, "ca.pem").write_text(authority().pem)
        try:
            self.balancer.start(self.port, self.secure)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything."""
        self.balancer.stop()
        self.origin.stop()


class FrontCase(SynchronousTestCase):
    """A FiberLB of its own for each test, before an origin with a script for connections."""

    limits = "{}"
    timeouts = "{}"
    workers = 0
    member_tls: ssl.TLSVersion | None = None

    def front(self, script: Callable[[Caller], None]) -> None:
        """Start everything."""
        front = Front(script, self.limits, self.timeouts, self.workers, self.member_tls)
        self.addCleanup(front.stop)
        self.port, self.secure = front.port, front.secure
        self.balancer, self.origin = front.balancer, front.origin
        self.addCleanup(self.check_faults)

    def check_faults(self) -> None:
        """No exception of FiberLB's own was logged, and the script had none."""
        self.assertNotIn("Traceback", self.balancer.output)
        self.assertEqual(self.origin.failures, [])


#: What a member does with a request whose head has been read: true, to read another one after it.
Script = Callable[[Caller, Message], bool | None]


class SharedFront(Front):
    """
    One FiberLB for several tests, each of which says what the member does with requests.

    @ivar script: what it does now.
    """

    def __init__(
        self, limits: str, timeouts: str, member_tls: ssl.TLSVersion | None = None
    ) -> None:
        self.script: Script = echo_target
        super().__init__(self._serve, limits, timeouts, member_tls=member_tls)

    def _serve(self, caller: Caller) -> None:
        while (message := caller.request_head()) is not None:
            if not self.script(caller, message):
                return


@cache
def shared_front(
    limits: str, timeouts: str, member_tls: ssl.TLSVersion | None = None
) -> SharedFront:
    """The one with these settings; it ends with the process, as trial knows no end of a class."""
    front = SharedFront(limits, timeouts, member_tls)
    atexit.register(front.stop)
    return front


class SharedFrontCase(SynchronousTestCase):
    """A FiberLB that is shared with other tests."""

    limits = "{}"
    timeouts = "{}"
    member_tls: ssl.TLSVersion | None = None

    def setUp(self) -> None:
        """Until a test says otherwise, the member answers with the target."""
        self.shared = shared_front(self.limits, self.timeouts, self.member_tls)
        self.serve(echo_target)
        self.addCleanup(self.check_faults)

    def serve(self, script: Script) -> None:
        """From now on the member does this with requests."""
        self.shared.script = script

    def check_faults(self) -> None:
        """No exception of FiberLB's own was logged, and no script had one."""
        self.assertNotIn("Traceback", self.shared.balancer.output)
        failures, self.shared.origin.failures = self.shared.origin.failures, []
        self.assertEqual(failures, [])

    def client(self, data: bytes = b"", *, tls: bool = False) -> Caller:
        """A new connection to FiberLB, on which this is sent."""
        client = connect(self.shared.secure if tls else self.shared.port, tls)
        self.addCleanup(client.socket.close)
        client.send(data)
        return client


def connect(port: int, tls: bool = False, receive_buffer: int = 0) -> Caller:
    """
    A connection to a port here.

    @param receive_buffer: octets that the system takes for it, 0: what it likes.
    """
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        sock = context.wrap_socket(sock, server_hostname="t.test")
    return Caller(sock, 0)


def echo_target(caller: Caller, message: Message) -> bool:
    """A member that reads the body and answers with the target."""
    caller.read_body(message, framing(message) or 0)
    caller.reply(message.target)
    return True


def get(target: bytes = b"/", *lines: bytes, version: bytes = b"1.1") -> bytes:
    """A GET request."""
    first = b"GET %b HTTP/%b" % (target, version)
    return b"\r\n".join([first, b"Host: t.test", *lines, b"", b""])


def post(target: bytes, *lines: bytes) -> bytes:
    """The head of a POST request."""
    first = b"POST %b HTTP/1.1" % target
    return b"\r\n".join([first, b"Host: t.test", *lines, b"", b""])


def chunk(data: bytes) -> bytes:
    """One chunk of a body in chunks; an empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)
