"""Tests of L{fiberlb.wire.hello_peek}."""

from __future__ import annotations

import ssl

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire.hello_peek import peek


def hello(name: str | None, *protocols: str) -> bytes:
    """What Python's C{ssl} sends first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(list(protocols))
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


class PeekTests(SynchronousTestCase):
    """Hellos of a real client."""

    def test_read(self) -> None:
        """Name and protocols, each where there is one."""
        self.assertEqual(peek(hello("A.test", "acme-tls/1")), (b"a.test", (b"acme-tls/1",)))
        self.assertEqual(peek(hello("a.test", "h2", "http/1.1"))[1], (b"h2", b"http/1.1"))  # type: ignore[index]
        self.assertEqual(peek(hello(None)), (b"", ()))
        self.assertEqual(peek(hello("a.test") + b"more"), (b"a.test", ()))

    def test_pieces(self) -> None:
        """No piece of it is enough."""
        whole = hello("a.test", "acme-tls/1")
        for end in range(len(whole)):
            self.assertIsNone(peek(whole[:end]))

    def test_no_hello(self) -> None:
        """Something else."""
        for data in (b"GET / HTTP/1.1", b"\x15\x03\x01\x00\x02\x02\x28", b"\x16\x03\x01\xff\xff"):
            with self.assertRaises(ValueError):
                peek(data)

    @given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
    def test_damaged(self, tail: bytes, at: int, octet: int) -> None:
        """Whatever comes, it is read, waited for or refused."""
        data = bytearray(hello("a.test", "acme-tls/1") + tail)
        data[at % len(data)] = octet
        try:
            peek(bytes(data))
        except ValueError:
            pass
