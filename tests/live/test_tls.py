"""TLS listeners of a running FiberLB, seen by real clients."""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Timeouts
from tests.support.balancer import Balancer
from tests.support.certificates import Authority, Leaf, authority, leaf
from tests.support.clients import PATIENCE, RawClient, Session, curl
from tests.support.members import Member
from tests.support.ports import free_ports
from tests.support.programs import need
from tests.wire.hellos import records

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

_CONFIGURATION = """
certificates:
  - {{name: main, certificate: "file:main.pem", private_key: "file:main.key"}}
  - {{name: other, certificate: "file:other.pem"}}
pools:
  - {{name: web, members: ["{member}"]}}
listeners:
  - name: open
    address: 127.0.0.1
    port: {open}
    protocol: https
    tls_config: {{certificate_id: main, sni_certificate_ids: all}}
    timeouts: {{tls_handshake: 1s}}
    default_pool_id: web
  - name: closed
    address: 127.0.0.1
    port: {closed}
    protocol: https
    tls_config: {{certificate_id: main, strict_sni: true, min_version: tls13}}
    default_pool_id: web
"""

ROOT = authority()
LOWER = authority("Lower CA", ROOT)


def issued(name: str, serial: int = 0, kind: str = "ec") -> Leaf:
    """A certificate under the intermediate authority."""
    return leaf(name, issuer=LOWER, issuers=(LOWER,), serial=serial, kind=kind)


class TlsCase(SynchronousTestCase):
    """One FiberLB with two TLS listeners, and one nginx behind them."""

    def setUp(self) -> None:
        """Start everything."""
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.open, self.closed = free_ports(2)
        self.balancer = Balancer(
            _CONFIGURATION.format(member=self.member.address, open=self.open, closed=self.closed)
        )
        self.addCleanup(self.balancer.stop)
        self.put("main", issued("main.test"))
        other = issued("*.other.test", kind="rsa")
        self.file("other.pem", other.chain + other.key_pem("traditional"))
        self.root = self.file("root.pem", ROOT.pem)
        self.balancer.start(self.open, self.closed)

    def file(self, name: str, text: str) -> str:
        """Write a file where the configuration is; its path."""
        path = Path(self.balancer.directory, name)
        path.write_text(text)
        return str(path)

    def put(self, name: str, one: Leaf) -> None:
        """Write a certificate and its key."""
        self.file(f"{name}.pem", one.chain)
        self.file(f"{name}.key", one.key_pem())

    def context(
        self, least: ssl.TLSVersion = V12, most: ssl.TLSVersion = V13, trust: Authority = ROOT
    ) -> ssl.SSLContext:
        """A client that looks at names and trusts one root."""
        context = ssl.create_default_context(cadata=trust.pem)
        context.minimum_version, context.maximum_version = least, most
        return context

    def connect(
        self,
        name: str = "main.test",
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        port: int = 0,
    ) -> ssl.SSLSocket:
        """A client's socket after its handshake, closed with the test."""
        plain = socket.create_connection(("127.0.0.1", port or self.open), timeout=PATIENCE)
        self.addCleanup(plain.close)
        made = (context or self.context()).wrap_socket(
            plain, server_hostname=name, session=session, suppress_ragged_eofs=False
        )
        self.addCleanup(made.close)
        return made


def ask(sock: ssl.SSLSocket, target: str = "/", close: bool = False) -> bytes:
    """A request, and what came up to the end of a short answer."""
    end = "Connection: close\r\n" if close else ""
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: main.test\r\n{end}\r\n".encode())
    data = b""
    while b"member a\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            break
        data += piece
    return data


class HandshakeTests(TlsCase):
    """Who gets in, and with which certificate."""

    def test_names_and_versions(self) -> None:
        """Names choose certificates that verify up to the root, in both versions."""
        for version in (V12, V13):
            for name in ("main.test", "x.other.test"):
                sock = self.connect(name, self.context(version, version))
                self.assertIn(b"200 OK", ask(sock))

    def test_curl(self) -> None:
        """Curl is content, with and without a name that is known."""
        where = f"main.test:{self.open}:127.0.0.1"
        url = f"https://main.test:{self.open}/"
        done = curl("--cacert", self.root, "--resolve", where, "--http1.1", url)
        self.assertEqual((done.returncode, done.stdout), (0, b"member a\n"), done.stderr)
        done = curl(
            "-k", "-o", "/dev/null", "-w", "%{http_code}", f"https://127.0.0.1:{self.open}/"
        )
        self.assertEqual((done.returncode, done.stdout), (0, b"200"), done.stderr)

    def test_strict_and_minimum(self) -> None:
        """The strict listener wants a known name and TLS 1.3, and tells so by alerts."""
        self.assertIn(b"200 OK", ask(self.connect(port=self.closed)))
        for name, context, expected in (
            ("main.test", self.context(most=V12), "PROTOCOL_VERSION"),
            ("x.other.test", self.context(), "UNRECOGNIZED_NAME"),
        ):
            why = self.assertRaises(ssl.SSLError, self.connect, name, context, None, self.closed)
            self.assertIn(expected, str(why.reason))

    def test_resumption(self) -> None:
        """Sessions come back in both versions, also after the certificate was renewed."""
        for version in (V12, V13):
            context = self.context(version, version)
            first = self.connect("main.test", context)
            ask(first)
            session = first.session
            again = self.connect("main.test", context, session)
            self.assertTrue(again.session_reused)
            self.renew()
            again = self.connect("main.test", context, session)
            self.assertTrue(again.session_reused)
            self.assertIn(b"200 OK", ask(again))

    def renew(self) -> bytes:
        """Replace the main certificate, and wait until it is served; its encoding."""
        renewed = issued("main.test", serial=monotonic().__hash__())
        self.put("main", renewed)
        expected = ssl.PEM_cert_to_DER_cert(renewed.pem)
        self.balancer.reload()
        until = monotonic() + 5
        while self.connect().getpeercert(binary_form=True) != expected:
            self.assertLess(monotonic(), until, "the new certificate is not served")
        return expected

    def test_across_names(self) -> None:
        """A session of one name presented for another is no trouble, and carries its requests."""
        for version in (V12, V13):
            context = self.context(version, version)
            first = self.connect("main.test", context)
            ask(first)
            for _ in range(2):
                sock = self.connect("x.other.test", context, first.session)
                self.assertIn(b"200 OK", ask(sock))

    def test_unnamed(self) -> None:
        """Without a name, by an unknown one, by one in capitals or with a dot: as it should be."""
        other = ssl.PEM_cert_to_DER_cert(issued("*.other.test", kind="rsa").pem)
        for option, expected in (
            ("-noservername", False),
            ("-servername=unknown.test", False),
            ("-servername=a.b.other.test", False),
            ("-servername=other.test", False),
            ("-servername=X.OTHER.TEST", True),
            ("-servername=x.other.test.", True),
        ):
            found = ssl.PEM_cert_to_DER_cert(self.s_client(*option.split("=")))
            self.assertEqual(found == other, expected, option)

    def s_client(self, *options: str) -> str:
        """The first certificate that openssl is shown, PEM; its output in full as C{said}."""
        command = [need("openssl"), "s_client", "-connect", f"127.0.0.1:{self.open}", *options]
        done = subprocess.run(command, input=b"Q\n", capture_output=True, timeout=30, check=False)
        self.said = done.stdout.decode()
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
        self.assertIn(begin, self.said, done.stderr)
        return begin + self.said.partition(begin)[2].partition(end)[0] + end

    def test_alpn(self) -> None:
        """What both know is agreed on; unknown offers, and none, go on without."""
        for offer, expected in (
            ("http/1.1", "ALPN protocol: http/1.1"),
            ("odd,http/1.1", "ALPN protocol: http/1.1"),
            ("odd,spdy/1", "No ALPN negotiated"),
            ("", "No ALPN negotiated"),
        ):
            for version in ("-tls1_2", "-tls1_3"):
                self.s_client(version, *(("-alpn", offer) if offer else ()))
                self.assertIn(expected, self.said, offer)

    def test_renewal_under_load(self) -> None:
        """Certificates change without a failed handshake; connections live on."""
        old = self.connect()
        ask(old)
        stop = threading.Event()

        def hammer() -> int:
            context, count = self.context(), 0
            while not stop.is_set():
                with Session(self.open, tls=context, server_name="main.test") as session:
                    self.assertEqual(session.request().status, 200)
                count += 1
            return count

        with ThreadPoolExecutor(4) as threads:
            running = [threads.submit(hammer) for _ in range(4)]
            try:
                for _ in range(5):
                    self.renew()
            finally:
                stop.set()
            self.assertGreater(min(done.result() for done in running), 0)
        self.assertIn(b"200 OK", ask(old))

    def test_many_at_once(self) -> None:
        """Fifty handshakes at once all succeed."""
        context = self.context()

        def one(number: int) -> int:
            with Session(self.open, tls=context, server_name="main.test") as session:
                return session.request().status

        with ThreadPoolExecutor(50) as threads:
            self.assertEqual(set(threads.map(one, range(50))), {200})

    def test_old_versions(self) -> None:
        """TLS 1.0 and 1.1 are refused."""
        need("openssl")
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            why = self.assertRaises(ssl.SSLError, self.connect, "main.test", context)
            self.assertIn("PROTOCOL_VERSION", str(why.reason))


class OddClientTests(TlsCase):
    """Clients that do it otherwise, or wrong; a good one beside them is served each time."""

    def setUp(self) -> None:
        """Have the good one served at the end, while everything still runs."""
        super().setUp()
        self.addCleanup(lambda: self.assertIn(b"200 OK", ask(self.connect())))

    def test_plain_http(self) -> None:
        """Plain HTTP is answered in plain HTTP, and closed."""
        with RawClient(self.open) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: main.test\r\n\r\n")
            self.assertIn(b"HTTP/1.1 400 ", client.read_all())

    def test_silence(self) -> None:
        """Nothing, or half of a hello, is closed when the time for the handshake is over."""
        for begun in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with RawClient(self.open) as client:
                client.send(begun)
                since = monotonic()
                self.assertEqual(client.read_all(), b"")
                self.assertLess(monotonic() - since, 5)

    def test_single_bytes(self) -> None:
        """A hello in segments of one byte is a hello."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context().wrap_bio(incoming, outgoing, server_hostname="main.test")
        with RawClient(self.open) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        client.send(bytes([byte]))
                    incoming.write(client.socket.recv(65536))
            tls.write(b"GET / HTTP/1.0\r\n\r\n")
            client.send(outgoing.read())
            incoming.write(client.read_all())
            data = b""
            while piece := tls.read(65536):
                data += piece
                if data.endswith(b"member a\n"):
                    break
            self.assertIn(b"200 OK", data)

    def test_many_records(self) -> None:
        """A hello that is cut into records of one byte, or of a few, is a hello."""
        for size in (1, 100):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.context().wrap_bio(incoming, outgoing, server_hostname="main.test")
            self.assertRaises(ssl.SSLWantReadError, tls.do_handshake)
            hello = outgoing.read()
            with RawClient(self.open) as client:
                client.send(records(hello[5:], size))
                self.finish(tls, incoming, outgoing, client)

    def finish(
        self,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        client: RawClient,
    ) -> None:
        """The rest of a handshake, and a request."""
        while True:
            incoming.write(client.socket.recv(65536))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(outgoing.read())
        tls.write(b"GET / HTTP/1.0\r\n\r\n")
        client.send(outgoing.read())
        incoming.write(client.read_all())
        data = b""
        while not data.endswith(b"member a\n"):
            data += tls.read(65536)
        self.assertIn(b"200 OK", data)

    def test_silence_by_default(self) -> None:
        """Without any setting it is closed within fifteen seconds, too."""
        self.assertLessEqual(Timeouts().tls_handshake or 99, 15)
        with RawClient(self.closed) as first, RawClient(self.closed) as second:
            second.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            for client in (first, second):
                client.socket.settimeout(30)
                self.assertEqual(client.read_all(), b"")

    def test_goodbye(self) -> None:
        """A connection that FiberLB closes ends with a close_notify, in both versions."""
        for version in (V12, V13):
            sock = self.connect("main.test", self.context(version, version))
            self.assertIn(b"200 OK", ask(sock, close=True))
            # A cut would raise: ragged ends are not suppressed.
            self.assertEqual(sock.recv(100), b"")

    def test_leaving_without_goodbye(self) -> None:
        """Clients that just go away, at any time, are no trouble."""
        for _ in range(20):
            sock = self.connect()
            sock.sendall(b"GET /bytes/1048576 HTTP/1.1\r\nHost: main.test\r\n\r\n")
            sock.recv(1000)
            sock.detach()

    def test_large_bodies(self) -> None:
        """Many megabytes arrive as they were sent, in both directions and versions."""
        body = bytes(range(256)) * 4096 * 8
        for version in (V12, V13):
            context = self.context(version, version)
            with Session(self.open, tls=context, server_name="main.test") as session:
                down = session.request("/bytes/16777216")
                with Session(self.member.port) as direct:
                    expected = direct.request("/bytes/16777216")
                digests = {hashlib.sha256(a.body).hexdigest() for a in (down, expected)}
                self.assertEqual(len(digests), 1)
                up = session.request("/body", method="POST", body=body)
                self.assertEqual(hashlib.sha256(up.body).digest(), hashlib.sha256(body).digest())
