"""
A whole data plane in memory: clients, members that do as they are told, and time moved by hand.

C{World} runs the real plane, listeners, connections, wheel and balancer; only
sockets (L{tests.support.relay_links}) and the loop (L{tests.support.relay_loop})
are stand-ins. At the end of each test L{RelayTestCase} looks that everything
came back to nothing: requests in flight, sessions, connections, deadlines.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from random import Random
from typing import Any

import attrs
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import REASONS
from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool, PoolProtocol, Retries
from fiberlb.model.resource import Resource
from fiberlb.observe.entry import Entry
from fiberlb.relay.accept import Acceptor
from fiberlb.relay.answers import status_line
from fiberlb.relay.connecting import opening
from fiberlb.relay.plane import DataPlane
from fiberlb.relay.services import Services
from fiberlb.snapshot import Snapshot, compile_now
from tests.support.relay_links import LOCAL, Link
from tests.support.relay_loop import MemoryLoop

#: Where clients come from, and what members are told about them.
PEER = "192.0.2.7"
TAIL = (
    b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n"
    b"Via: 1.1 fiberlb\r\n\r\n"
)
#: Seconds of the loop's clock when a world begins.
BEGINNING = 1000.0
_STEP = 0.25


def ask(
    *lines: bytes,
    method: bytes = b"GET",
    target: bytes = b"/",
    version: bytes = b"1.1",
    body: bytes = b"",
) -> bytes:
    """A request with these fields beside C{Host: a}."""
    start = b" ".join([method, target, b"HTTP/" + version])
    return b"\r\n".join([start, b"Host: a", *lines, b"", body])


def asked(*lines: bytes, method: bytes = b"GET", target: bytes = b"/", body: bytes = b"") -> bytes:
    """The same as members see it."""
    return ask(*lines, method=method, target=target)[:-2] + TAIL + body


def answer(
    body: bytes = b"hi", *lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1"
) -> bytes:
    """An answer with a length."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/" + version + b" " + status, length, *lines, b"", body])


def head(*lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    """An answer's head with these fields alone."""
    return b"\r\n".join([b"HTTP/" + version + b" " + status, *lines, b"", b""])


def refusal(reason: str, number: int = 1, *, closes: bool = True, status: int = 0) -> bytes:
    """The answer that FiberLB itself gives; C{number}: the how many-th of this world."""
    body = f"{reason} id-{number}\n".encode()
    return b"".join(
        (
            status_line(status or REASONS[reason] or 0),
            b"Content-Type: text/plain\r\nCache-Control: no-store\r\nFiberLB-Reason-Code: ",
            reason.encode(),
            b"\r\nContent-Length: %d\r\n" % len(body),
            b"Retry-After: 1\r\n" if reason == "overloaded" else b"",
            b"Connection: close\r\n\r\n" if closes else b"\r\n",
            body,
        )
    )


class MemoryLog:
    """An access log that is on, and forgets nothing."""

    lost = 0

    def __init__(self) -> None:
        self.on = True
        self.entries: list[Any] = []
        self.own_entries: list[Any] = []

    def own(self, entry: Any) -> None:
        """An answer of FiberLB's own, while it is off."""
        self.own_entries.append(entry)


class MemoryListening:
    """A listening socket that nobody reaches by itself."""

    family = socket.AF_INET

    def __init__(self, host: str, port: int, number: int) -> None:
        self.address = (host, port)
        self.closed = False
        self._number = number

    def fileno(self) -> int:
        """A number that no connection gets."""
        return self._number

    def getsockname(self) -> tuple[str, int]:
        """Where it is bound."""
        return self.address

    def _accept(self) -> Any:
        raise BlockingIOError

    def close(self) -> None:
        """It is closed."""
        assert not self.closed
        self.closed = True


class ScriptedMember:
    """
    One member.

    @ivar does: what becomes of connections: C{accept}, C{hang} (neither accepted nor
        refused), an errno that they are refused with, or C{-errno} that fails at once.
    @ivar links: the connections so far, refused ones too.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.does: str | int = "accept"
        self.links: list[Link] = []

    @property
    def link(self) -> Link:
        """The latest connection."""
        return self.links[-1]

    @property
    def open(self) -> list[Link]:
        """The connections that FiberLB has not closed."""
        return [link for link in self.links if not link.closed]


class World:
    """
    One listener, one pool, and who is in it.

    @ivar members: in their order, named m0, m1, ...
    @ivar suspects: what was told of members that fail too often.
    """

    def __init__(
        self,
        members: int = 1,
        *,
        listener: dict[str, Any] | None = None,
        pool: dict[str, Any] | None = None,
        member: dict[str, Any] | None = None,
        policies: Sequence[Resource] = (),
        trusted: Sequence[str] = (),
        tcp: bool = False,
        lag: Any = None,
        guards: Any = None,
    ) -> None:
        """
        @param listener: further fields of the listener; C{timeouts} and C{limits} as mappings.
        @param pool: of the pool.
        @param member: of every member.
        @param lag: tells whether the process is too slow.
        @param guards: what guards need.
        """
        self.clock = Clock()
        self.clock.advance(BEGINNING)
        self.loop = MemoryLoop(BEGINNING)
        self.log = MemoryLog()
        self.members = [ScriptedMember(f"m{n}") for n in range(members)]
        self.bound: list[MemoryListening] = []
        self.refused_binds: dict[int, Exception] = {}
        self._ids = 0
        self.suspects: list[tuple[str, str, str]] = []
        services = Services(
            self.loop,
            lambda when: when,
            self._make_id,
            dial=self._dial,
            bind=self._bind,
            suspect=lambda *told: self.suspects.append(told),
            lag=lag,
            guards=guards,
        )
        self.plane = DataPlane(self.clock, services, self.log, trusted, random=Random(1).random)
        self.plane.start()
        self.snapshot: Snapshot | None = None
        self.apply(*self.objects(listener or {}, pool or {}, member or {}, tcp), *policies)
        self.first_cell = self.cell

    # Configuration.

    def objects(
        self,
        listener: dict[str, Any] | None = None,
        pool: dict[str, Any] | None = None,
        member: dict[str, Any] | None = None,
        tcp: bool = False,
        members: Sequence[str] | None = None,
    ) -> list[Resource]:
        """The objects of a configuration."""
        names = [m.name for m in self.members] if members is None else members
        web: dict[str, Any] = {
            "id": "web",
            "name": "web",
            "loadbalancer_id": "lb",
            "port": LOCAL[1],
            "protocol": ListenerProtocol.TCP if tcp else ListenerProtocol.HTTP,
            "default_pool_id": "pool",
        }
        kind = PoolProtocol.TCP if tcp else PoolProtocol.HTTP
        one: dict[str, Any] = {"id": "pool", "name": "pool", "protocol": kind}
        return [
            LoadBalancer(id="lb", vip_address=LOCAL[0]),
            Listener(**{**web, **_pairs(listener)}),
            Pool(**{**one, **_pairs(pool)}),
            *(_member(name, 9000 + n, member) for n, name in enumerate(names)),
        ]

    def compile(self, *objects: Resource) -> Snapshot:
        """A snapshot of these objects, reusing the one in force."""
        found: dict[str, dict[str, Resource]] = {name: {} for name in COLLECTIONS}
        for made in objects:
            found[made.COLLECTION][made.id] = made
        return compile_now(
            Configuration(revision=1, objects=found),
            self.snapshot,
            limits=Limits(),
            clock=lambda: 0.0,
            report=lambda rule, why: None,
        )

    def apply(self, *objects: Resource) -> None:
        """Put these objects in force."""
        self.snapshot = self.compile(*objects)
        prepared = self.wait(self.plane.prepare(self.snapshot))
        self.wait(prepared.activate())
        self.loop.run()

    def wait(self, coroutine: Any) -> Any:
        """The result of what is done already."""
        results: list[Any] = []
        ensureDeferred(coroutine).addCallback(results.append)
        assert results, "it failed, or is not done"
        return results[0]

    # What happens.

    @property
    def acceptors(self) -> list[Acceptor]:
        """Who listens."""
        return [watched for watched in self.loop.open if isinstance(watched, Acceptor)]

    @property
    def cell(self) -> Any:
        """The listener, as its connections see it."""
        return self.acceptors[0].cell

    def client(self, data: bytes = b"", peer: str = PEER, run: bool = True) -> Link:
        """A client that connects, its first bytes on their way already."""
        link = self.loop.link()
        link.incoming += data
        self.acceptors[0].welcome(link.near, (peer, 40000))
        if run:
            self.loop.run()
        return link

    def advance(self, seconds: float) -> None:
        """Let time pass, the wheel being swept on its way."""
        until = self.loop.now + seconds
        while self.loop.now < until:
            step = min(_STEP, until - self.loop.now)
            self.loop.now += step
            self.clock.advance(step)
            self.loop.run()

    def figures(self) -> list[tuple[int, int]]:
        """Of each member: requests in flight, and sessions."""
        told = [self.plane.member_figures(member.name) for member in self.members]
        return [(figure["in_flight"], figure["sessions"]) for figure in told]

    @property
    def entries(self) -> list[Entry]:
        """The lines of the access log."""
        return [Entry(*row) for row in self.log.entries]

    @property
    def reasons(self) -> list[str | None]:
        """The reason codes of the access log."""
        return [entry.reason for entry in self.entries]

    def _make_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def _bind(
        self, listener_id: str, host: str, port: int, freebind: bool, probe: bool
    ) -> MemoryListening:
        if port in self.refused_binds:
            raise self.refused_binds[port]
        made = MemoryListening(host, port, 100000 + len(self.bound))
        self.bound.append(made)
        return made

    def _dial(
        self, loop: MemoryLoop, state: Any, side: Any, timeout: float | None, preface: bytes = b""
    ) -> Any:
        member = next(m for m in self.members if m.name == state.id)
        does = member.does
        if isinstance(does, int) and does < 0:
            loop.soon(lambda: side.refused(-does))
            return None
        link = loop.link()
        member.links.append(link)
        link.established = does != "hang"
        if isinstance(does, int):
            link.answer(does, run=False)
        return opening(loop, link.near, side, timeout, preface)


REFUSED = errno.ECONNREFUSED


def _pairs(fields: dict[str, Any] | None) -> dict[str, Any]:
    """Fields as the model holds them: mappings as pairs."""
    given = (fields or {}).items()
    return {key: tuple(v.items()) if isinstance(v, dict) else v for key, v in given}


def _member(name: str, port: int, fields: dict[str, Any] | None) -> Member:
    given: dict[str, Any] = {"id": name, "name": name, "address": "192.0.2.200", "port": port}
    return Member(**{"pool_id": "pool", **given, **(fields or {})})


class RelayTestCase(SynchronousTestCase):
    """
    A world, and that nothing is left of it.

    @ivar faults: exceptions that this test provokes.
    """

    def setUp(self) -> None:
        """No exceptions are expected."""
        self.faults = 0

    def world(self, members: int = 1, **given: Any) -> World:
        """See L{World}."""
        made = World(members, **given)
        self.addCleanup(self.settle, made)
        return made

    def settle(self, world: World) -> None:
        """Everybody goes; afterwards nothing may be left."""
        loop = world.loop
        for watched in loop.open:
            link = getattr(watched.sock, "_link", None)
            if link is not None and not any(link in m.links for m in world.members):
                link.reset(run=False)
        loop.run()
        for member in world.members:
            for link in member.open:
                link.take(run=False)
        world.advance(70)
        self.assertEqual(loop.faults, self.faults, "\n".join(loop.failures))
        self.check_log(world)
        self.assertEqual(world.figures(), [(0, 0)] * len(world.members))
        self.assertEqual([a.cell.connections for a in world.acceptors], [0] * len(world.acceptors))
        self.assertEqual([w for w in loop.open if not isinstance(w, Acceptor)], [])
        self.assertEqual(list(loop.wheel), [])
        self.assertEqual(loop.pipes.used, 0)

    def check_log(self, world: World) -> None:
        """Each request is one entry, and so is each client that was refused before it asked."""
        cell, entries = world.first_cell, world.entries
        if not world.log.on:
            return
        mine = [entry for entry in entries if entry.listener == cell.plan.name]
        http = cell.plan.source.listener.speaks_http
        asked = [entry for entry in mine if entry.method or not http]
        self.assertEqual(len(asked), cell.requests)
        self.assertEqual({e.reason for e in mine if http and not e.method} & {None}, set())

    def start(self, world: World, request: bytes = b"") -> tuple[Link, Link]:
        """A client whose request has reached a member: their two links."""
        link = world.client(request or ask())
        return link, next(m for m in world.members if m.links and m.open).link


def retries(attempts: int = 2, *on: Any) -> dict[str, Any]:
    """The C{retries} of a pool."""
    made = Retries(attempts=attempts)
    return {"retries": attrs.evolve(made, on=on) if on else made}


def evolve(objects: Sequence[Resource], ident: str, **fields: Any) -> list[Resource]:
    """The same objects, one of them changed."""
    return [attrs.evolve(o, **fields) if o.id == ident else o for o in objects]
