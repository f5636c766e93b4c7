"""ClientHellos, however they are cut, and what is none."""

from __future__ import annotations

import itertools
import ssl
import subprocess
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire import client_hello as wire
from fiberlb.wire.client_hello import ClientHello, HelloRefused
from tests.wire.hellos import (
    alpn,
    extension,
    message,
    of_ssl,
    records,
    seen_by_openssl,
    server_name,
)

#: Extensions as browsers send them: GREASE, padding, ECH, and a post-quantum key.
GREASE = extension(0x3A3A, b"\0")
ECH = extension(0xFE0D, b"\0\0\1\0\1\7\0\x20" + b"k" * 32 + b"\0\x90" + b"p" * 144)
KEYS = extension(51, (1220).to_bytes(2, "big") + b"\x11\xec\x04\xc0" + b"q" * 1216)


def read(data: bytes, *cuts: int) -> ClientHello | None:
    """A hello fed in pieces; C{None} when it is not whole."""
    hello = ClientHello()
    places = [0, *sorted(cuts), len(data)]
    whole = False
    for start, end in itertools.pairwise(places):
        if whole or start == end:
            continue
        whole = hello.feed(data[start:end])
    return hello if whole else None


def refused(data: bytes) -> int:
    """The alert that something is refused with; -1 when it is not."""
    try:
        read(data)
    except HelloRefused as why:
        return why.alert
    return -1


class RealTests(SynchronousTestCase):
    """What programs send."""

    def test_python(self) -> None:
        """Python's C{ssl}, in several forms."""
        for version in (None, ssl.TLSVersion.TLSv1_2):
            hello = read(of_ssl("Mail.Example", ("h2", "http/1.1"), version))
            assert hello is not None
            self.assertEqual(hello.server_name, b"Mail.Example")
            self.assertEqual(hello.protocols, (b"h2", b"http/1.1"))
        hello = read(of_ssl(None))
        assert hello is not None
        self.assertEqual((hello.server_name, hello.protocols), (None, ()))

    def test_openssl(self) -> None:
        """C{openssl s_client}, what it writes being taken by a listener that never answers."""
        for options in ((), ("-tls1_2",), ("-alpn", "h2"), ("-groups", "X25519MLKEM768:X25519")):
            data = self.said(["openssl", "s_client", "-servername", "a.example", *options])
            if data:
                hello = read(data)
                assert hello is not None
                self.assertEqual(hello.server_name, b"a.example")
                self.assertEqual(seen_by_openssl(data), (True, b"a.example"))

    def test_curl(self) -> None:
        """curl offers protocols by ALPN."""
        data = self.said(["curl", "-sk", "-m", "5", "--resolve"])
        hello = read(data)
        assert hello is not None
        self.assertEqual(hello.server_name, b"a.example")
        self.assertIn(b"http/1.1", hello.protocols)

    def said(self, command: list[str]) -> bytes:
        """The first bytes of a program that is given a place to connect to."""
        import socket

        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(10)
            port = listening.getsockname()[1]
            if command[0] == "curl":
                command = [*command, f"a.example:{port}:127.0.0.1", f"https://a.example:{port}/"]
            else:
                command = [*command, "-connect", f"127.0.0.1:{port}"]
            program = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                peer, _ = listening.accept()
            except TimeoutError:
                # This openssl does not know the option.
                return b""
            finally:
                listening.close()
            with peer:
                peer.settimeout(10)
                data = peer.recv(65536)
            program.wait(10)
            return data

    def test_browsers(self) -> None:
        """GREASE, an encrypted hello, and keys of more than a thousand octets."""
        some = (GREASE, server_name(b"a.example"), KEYS, alpn(b"\x3a\x3a", b"h2"), ECH, GREASE[:0])
        hello = read(records(message(*some), 512))
        assert hello is not None
        self.assertEqual(hello.server_name, b"a.example")
        self.assertEqual(hello.protocols, (b"\x3a\x3a", b"h2"))


class CutTests(SynchronousTestCase):
    """Pieces of any size."""

    def test_every_cut(self) -> None:
        """One cut anywhere, and every octet alone."""
        data = records(message(server_name(b"a.example"), alpn(b"h2")), 7)
        for at in range(len(data)):
            hello = read(data, at)
            assert hello is not None
            self.assertEqual(hello.server_name, b"a.example")
            self.assertIsNone(read(data[:at]))
        hello = read(data, *range(len(data)))
        assert hello is not None
        self.assertEqual(hello.raw, data)

    def test_rest(self) -> None:
        """What follows the hello is kept for the member."""
        data = of_ssl() + b"\x14\x03\x03\x00\x01\x01"
        hello = read(data)
        assert hello is not None
        self.assertEqual(hello.raw, data)

    @given(st.integers(1, 600), st.lists(st.integers(0, 900), max_size=6))
    def test_any(self, size: int, cuts: list[int]) -> None:
        """Records and segments of any size come to the same."""
        data = records(message(server_name(b"x.example"), KEYS[:4] and alpn(b"h2"), ECH), size)
        hello = read(data, *[cut % len(data) for cut in cuts])
        assert hello is not None
        self.assertEqual((hello.server_name, hello.protocols), (b"x.example", (b"h2",)))


class RefusedTests(SynchronousTestCase):
    """What is no hello, or not one to be passed on."""

    def test_not_tls(self) -> None:
        """Other protocols are told by their first octets, and get no alert."""
        for data in (b"GET / HTTP/1.1\r\n", b"\x80\x2e\x01", b"\x16\x02", b"SSH-2.0-x", b"\0"):
            self.assertEqual(refused(data), 0)

    def test_records(self) -> None:
        """Records of other kinds, versions and lengths."""
        begun = records(message())[:20]
        for data, wanted in (
            (b"\x16\x03\x01\x00\x00", wire.UNEXPECTED_MESSAGE),
            (b"\x16\x03\x01\x40\x01", wire.RECORD_OVERFLOW),
            (records(message(), 9)[:14] + b"\x15\x03\x01\x00\x02", wire.UNEXPECTED_MESSAGE),
            (records(message(), 9)[:14] + b"\x16\x02\x01\x00\x02", wire.PROTOCOL_VERSION),
            (records(message(kind=2)), wire.UNEXPECTED_MESSAGE),
            (records(message() + b"\0"), wire.UNEXPECTED_MESSAGE),
            (records(b"\x01\x00\x40\x00"), wire.ILLEGAL_PARAMETER),
            (begun, -1),
        ):
            self.assertEqual(refused(data), wanted, data)

    def test_longest(self) -> None:
        """So much is taken, and no more."""
        room = wire.MOST - len(message(server_name(b"a.example"), extension(21, b"")))
        for more, wanted in ((0, -1), (1, wire.ILLEGAL_PARAMETER)):
            data = records(message(server_name(b"a.example"), extension(21, b"\0" * (room + more))))
            self.assertEqual(refused(data), wanted)

    def test_contents(self) -> None:
        """What cannot be read, or in more than one way."""
        body = message()[4:]
        for data, wanted in (
            (message(body=body[:-2]), -1),
            (message(body=body[:-1]), wire.DECODE_ERROR),
            (message(body=body + b"x"), wire.DECODE_ERROR),
            (message(body=b"\x02" + body[1:]), wire.PROTOCOL_VERSION),
            (message(body=b""), wire.DECODE_ERROR),
            (message(server_name(b"a"), server_name(b"a")), wire.ILLEGAL_PARAMETER),
            (message(server_name(b"a"), b"\0"), wire.DECODE_ERROR),
            (message(server_name(b"")), wire.UNRECOGNIZED_NAME),
            (message(server_name(b"a\0b")), wire.UNRECOGNIZED_NAME),
            (message(server_name(b"a b")), wire.UNRECOGNIZED_NAME),
            (message(server_name(b"a" * 256)), wire.UNRECOGNIZED_NAME),
            (message(server_name(b"a" * 255)), -1),
            (message(server_name(b"a", kind=1)), wire.DECODE_ERROR),
            (message(extension(0, b"")), wire.DECODE_ERROR),
            (message(extension(0, b"\0\x08\0\0\1a\0\0\1b")), wire.DECODE_ERROR),
            (message(extension(16, b"")), wire.DECODE_ERROR),
            (message(extension(16, b"\0\0")), wire.DECODE_ERROR),
            (message(alpn(b"h2", b"")), wire.DECODE_ERROR),
            (message(extension(16, b"\0\4\2h2\1")), wire.DECODE_ERROR),
        ):
            self.assertEqual(refused(records(data)), wanted, data)

    def test_alert(self) -> None:
        """An alert is a record of two octets."""
        self.assertEqual(wire.alert(112), b"\x15\x03\x03\x00\x02\x02\x70")


class OracleTests(SynchronousTestCase):
    """OpenSSL reads the same bytes behind us."""

    def agree(self, data: bytes) -> None:
        """A hello that is passed on has for OpenSSL no other name."""
        try:
            hello = read(data)
        except HelloRefused:
            return
        accepted, name = seen_by_openssl(data)
        if hello is None:
            self.assertFalse(accepted, data)
        elif accepted:
            self.assertEqual(name, hello.server_name, data)

    @settings(deadline=None)
    @given(st.randoms(use_true_random=False))
    def test_broken(self, random: Random) -> None:
        """Octets of a real hello changed, removed and added."""
        data = bytearray(of_ssl(random.choice(("a.example", "b.example", None)), ("h2",)))
        for _ in range(random.choice((1, 1, 2, 4))):
            at = random.randrange(len(data))
            what = random.randrange(3)
            if what == 0:
                data[at] = random.choice((0, 1, 255, data[at] ^ 1, random.randrange(256)))
            elif what == 1:
                del data[at : at + random.choice((1, 2, 9))]
            else:
                data[at:at] = random.choice((b"\0", b"\0\0", server_name(b"evil.example")))
        self.agree(bytes(data))

    def test_real(self) -> None:
        """What OpenSSL sends is taken by both."""
        data = of_ssl("c.example")
        self.assertEqual(seen_by_openssl(data), (True, b"c.example"))
        self.agree(data)
