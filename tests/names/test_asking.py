"""Tests of L{fiberlb.names.asking}: real datagrams, and connections where those do not do."""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from fiberlb.names.asking import AGAIN, PATIENCE, ask
from fiberlb.names.found import Family, Found, NoAnswer
from tests.names.reactors import ReactorCase


class _HangsUp(Protocol):
    """A server's end of a connection, which is none for long."""

    def connectionMade(self) -> None:
        """Close it."""
        assert self.transport is not None
        self.transport.loseConnection()


class AskTests(ReactorCase):
    """One question to one server."""

    async def ask(
        self, name: str = "web.test", family: Family = Family.IPV4, host: str = "127.0.0.1"
    ) -> Found:
        """Ask the server of this test."""
        number = int.from_bytes(os.urandom(2), "big")
        return await ask(self.reactor, lambda: number, (host, self.port), name, family)

    async def reason(self, **named: Any) -> str:
        """Why there is no answer."""
        try:
            found = await self.ask(**named)
        except NoAnswer as why:
            return why.reason
        raise AssertionError(found)

    def test_answers(self) -> None:
        """Both families, aliases, names that are not there."""
        self.zone = {
            "web.test": {"A": ["10.0.0.2", "10.0.0.1"], "AAAA": ["2001:db8::1"], "ttl": 7},
            "www.test": {"CNAME": "web.test", "ttl": 9},
            "empty.test": {},
        }
        self.serve()

        async def body() -> None:
            self.assertEqual(await self.ask(), Found(("10.0.0.1", "10.0.0.2"), 7.0))
            v6 = await self.ask(family=Family.IPV6)
            self.assertEqual(v6, Found(("2001:db8::1",), 7.0))
            self.assertEqual((await self.ask("www.test")).addresses, ("10.0.0.1", "10.0.0.2"))
            self.assertEqual(await self.ask("empty.test"), Found(()))
            self.assertEqual(await self.ask("no.test"), Found((), exists=False))
            # The test's own patience.
            self.assertEqual(len(self.reactor.getDelayedCalls()), 1)

        self.run_with(body)

    def test_server_on_ipv6(self) -> None:
        """A server at ::1."""
        self.zone = {"web.test": {"A": ["10.0.0.1"]}}
        self.serve("::1")

        async def body() -> None:
            self.assertEqual((await self.ask(host="::1")).addresses, ("10.0.0.1",))

        self.run_with(body)

    def test_long(self) -> None:
        """More than a datagram holds: asked again by TCP."""
        several = tuple(f"10.0.1.{n}" for n in range(100))
        self.zone = {"web.test": {"A": several}}
        self.serve()

        async def body() -> None:
            self.assertEqual((await self.ask()).addresses, several)

        self.run_with(body)

    def test_failures(self) -> None:
        """A server that fails, and none at all: known at once."""
        self.zone = {"web.test": {"fails": "SERVFAIL"}}

        async def body() -> None:
            self.assertEqual(await self.reason(), "connection refused")
            self.serve()
            self.assertEqual(await self.reason(), "the server failed")

        self.run_with(body)

    def test_silence(self) -> None:
        """A server that says nothing: asked again, then given up in time."""
        self.zone = {"web.test": {"fails": "SILENT"}}
        authority = self.serve()

        async def body() -> None:
            begun = self.reactor.seconds()
            self.assertEqual(await self.reason(), "no answer in time")
            self.assertGreaterEqual(self.reactor.seconds() - begun, PATIENCE - 0.1)
            self.assertGreater(PATIENCE, AGAIN)
            self.assertEqual(len(authority.asked), 2)

        self.run_with(body)

    def test_cancel(self) -> None:
        """A question that is given up leaves nothing behind."""
        self.zone = {"web.test": {"fails": "SILENT"}}
        self.serve()

        async def body() -> None:
            before = len(self.reactor.getReaders())
            asking = Deferred.fromCoroutine(self.ask())
            failed: list[Any] = []
            asking.addErrback(failed.append)
            asking.cancel()
            self.assertEqual((len(failed), len(self.reactor.getReaders())), (1, before))

        self.run_with(body)

    def test_strangers(self) -> None:
        """Rubbish, other numbers and other questions are no answers; the true one is."""
        rogue = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rogue.bind(("127.0.0.1", self.port))
        self.addCleanup(rogue.close)

        def answer(asked: bytes) -> list[bytes]:
            record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01"
            good = asked[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + asked[12:] + record
            number = bytes([asked[0] ^ 1]) + good[1:]
            other = good.replace(b"\x03web", b"\x03wex")
            return [b"", b"\xff" * 40, asked, number, other, good[:20], good, good]

        async def body() -> None:
            asking = Deferred.fromCoroutine(self.ask())
            data, client = rogue.recvfrom(512)
            for each in answer(data):
                rogue.sendto(each, client)
            self.assertEqual(await asking, Found(("10.0.0.1",), 5.0))

        self.run_with(body)

    def test_no_stream(self) -> None:
        """A server that has no TCP for what is too long says nothing."""
        self.zone = {"web.test": {"A": [f"10.0.1.{n}" for n in range(100)]}}
        self.serve(streams=False)

        async def body() -> None:
            self.assertIn("needs TCP", await self.reason())

        self.run_with(body)

    def test_hang_up(self) -> None:
        """A server that hangs up on what is too long, too."""
        self.zone = {"web.test": {"A": [f"10.0.1.{n}" for n in range(100)]}}
        self.serve(streams=False)
        factory: Any = Factory.forProtocol(_HangsUp)
        factory.noisy = False
        self.reactor.listenTCP(self.port, factory, interface="127.0.0.1")

        async def body() -> None:
            self.assertEqual(await self.reason(), "the server hung up")

        self.run_with(body)
