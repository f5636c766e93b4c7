"""
A DNS server for tests: authoritative, real datagrams and TCP, answers that the test changes.

As a program (L{NameServer}) it reads its zone from a file at each question; within a
test's reactor (L{serve}) from a mapping. A zone is names to records::

    {"www.test": {"A": ["127.0.0.2"], "AAAA": [], "CNAME": "other.test", "ttl": 1}}
    {"www.test": {"fails": "SERVFAIL"}}    or "SILENT": no answer at all

A name that is not in it does not exist.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.epollreactor import EPollReactor
from twisted.names import dns
from twisted.names.common import ResolverBase
from twisted.names.server import DNSServerFactory

from tests.support.ports import free_port
from tests.support.programs import Program, temporary_directory

Zone = Mapping[str, Mapping[str, Any]]


class Authority(ResolverBase):
    """
    Answers from a zone.

    @param zone: read at each question.
    @ivar asked: names and types of the questions so far.
    """

    def __init__(self, zone: Callable[[], Zone]) -> None:
        super().__init__()
        self._zone = zone
        self.asked: list[tuple[str, int]] = []

    def _lookup(self, name: bytes, cls: int, type: int, timeout: Any) -> Deferred[Any]:
        text = name.decode().lower()
        self.asked.append((text, type))
        zone = self._zone()
        records = zone.get(text)
        if records is None:
            return fail(dns.DomainError(name))
        if records.get("fails") == "SILENT":
            return Deferred()
        if records.get("fails"):
            return fail(RuntimeError("as the zone says"))
        return succeed((list(_records(zone, text, type)), [], []))


class _Factory(DNSServerFactory):
    """Truncates what is too long for a datagram, as RFC 1035 4.2.1 says."""

    noisy = False

    def sendReply(self, protocol: Any, message: Any, address: Any) -> None:
        """A datagram has an address to go to, a connection has none."""
        message.maxSize = 512 if address is not None else 0
        super().sendReply(protocol, message, address)


def _records(zone: Zone, name: str, type: int) -> Any:
    records = zone.get(name, {})
    ttl = records.get("ttl", 1)

    def header(kind: int, payload: Any) -> dns.RRHeader:
        return dns.RRHeader(name.encode(), kind, dns.IN, ttl, payload, auth=True)

    if "CNAME" in records:
        yield header(dns.CNAME, dns.Record_CNAME(records["CNAME"].encode(), ttl))
        yield from _records(zone, records["CNAME"], type)
    if type == dns.A:
        yield from (header(dns.A, dns.Record_A(a, ttl)) for a in records.get("A", ()))
    if type == dns.AAAA:
        yield from (header(dns.AAAA, dns.Record_AAAA(a, ttl)) for a in records.get("AAAA", ()))


def serve(
    reactor: Any,
    port: int,
    zone: Callable[[], Zone],
    host: str = "127.0.0.1",
    streams: bool = True,
) -> Authority:
    """Serve a zone on loopback, by datagram and, with C{streams}, by TCP."""
    authority = Authority(zone)
    factory = _Factory(authorities=[authority])
    datagrams = dns.DNSDatagramProtocol(factory, reactor=reactor)
    datagrams.noisy = False
    reactor.listenUDP(port, datagrams, interface=host, maxPacketSize=4096)
    if streams:
        reactor.listenTCP(port, factory, interface=host)
    return authority


class NameServer:
    """
    The server as a process; always on the same port.

    @ivar address: as C{resolver.servers} has it.
    """

    def __init__(self, zone: Zone) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._path = Path(temporary_directory(), "zone.json")
        self.program: Program | None = None
        self.write(zone)

    def write(self, zone: Zone) -> None:
        """Answer so from now on."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(zone))
        os.replace(fresh, self._path)

    def start(self) -> NameServer:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "tests.support.name_server", str(self._path)]
        root = str(Path(__file__).parents[2])
        self.program = Program([*command, str(self.port)], cwd=root, env=dict(os.environ))
        self.program.wait_for_line("serving")
        return self

    def stop(self) -> None:
        """End it: its port refuses datagrams afterwards."""
        if self.program is not None:
            self.program.kill()


def _main(path: str, port: int) -> None:
    reactor: Any = EPollReactor()
    serve(reactor, port, lambda: json.loads(Path(path).read_text()))
    reactor.callWhenRunning(lambda: print("serving", flush=True))
    reactor.run()


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
