"""
Courses of events through the relay in memory: every byte of the input is one thing that happens.

Clients send, wait, end and go; members answer in part or whole, before the
time, twice or never; connections stop taking bytes, time passes, the
configuration changes. Whatever the order, nothing may go wrong inside, each
client gets its own answers, and afterwards nothing is left.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from io import BytesIO

import attrs

from tests.fuzz.exchanges import answers
from tests.fuzz.failure import Broken, hold
from tests.live.strict import Malformed, Message, Reader
from tests.support.relay_links import Link
from tests.support.relay_world import World

_STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
_SWITCH = b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
#: Requests, in the pieces that they are sent in; C{%} stands for the number.
_REQUESTS = (
    (b"GET /% HTTP/1.1\r\nHost: a\r\n\r\n",),
    (b"GET /% HTT", b"P/1.1\r\nHost: a\r\n\r", b"\n"),
    (b"POST /% HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab", b"cdef"),
    (b"PUT /% HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"0\r\n\r\n"),
    (b"POST /% HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", b"ab"),
    (b"GET /% HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", b"tunnel"),
    (b"GET /% HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",),
    (b"POST /% HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",),
)
#: Octets of a body that the kernel moves the most of.
_LONG = 150_000
_LONG_PIECES = (b"x" * 40, b"y" * 100_000, b"z" * (_LONG - 100_080), b"x" * 40)
#: Requests with such bodies, whose answers are as long; by method, and by what they say first.
_LONG_HEADS = (
    b"POST /l% HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n",
    b"PUT /l% HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n",
    b"POST /l% HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 150000\r\n\r\n",
    b"GET /l% HTTP/1.1\r\nHost: a\r\n\r\n",
)
_TIMES = (0.3, 2.0, 6.0, 31.0)
_ROOM = (0, 1, 40, None)


def content(target: bytes) -> bytes:
    """What is answered to a request."""
    return target * (_LONG // len(target)) if target[1:2] == b"l" else target


@attrs.define(eq=False)
class Client:
    """
    A client's connection.

    @ivar targets: of the requests it has begun.
    @ivar rest: what it has still to send of the last one.
    """

    link: Link
    targets: list[bytes] = attrs.field(factory=list)
    rest: list[bytes] = attrs.field(factory=list)

    @property
    def sends(self) -> bool:
        """It can still send."""
        return not self.link.far_ended and not self.link.closed


@attrs.define(eq=False)
class Service:
    """
    A member's connection.

    @ivar read: octets of requests that have been answered.
    @ivar rest: what is still to be sent of an answer.
    @ivar closing: nothing may follow this answer.
    @ivar early: the answer was given before the request was whole: no other one may come here.
    @ivar spoiled: bytes came behind the answer: no other request may come here.
    """

    link: Link
    read: int = 0
    rest: list[bytes] = attrs.field(factory=list)
    closing: bool = False
    early: bool = False
    spoiled: bool = False
    tunnel: bool = False

    @property
    def free(self) -> bool:
        """Another answer may begin."""
        return not (self.tunnel or self.closing or self.early or self.rest)

    def request(self) -> tuple[Message | None, int]:
        """The request that waits for an answer, and where it ends."""
        data = bytes(self.link.received[self.read :])
        stream = BytesIO(data)
        reader = Reader(stream.read)
        try:
            message = reader.request()
        except Malformed as why:
            raise Broken(f"a member got what no proxy may send: {why} {data!r}") from why
        left = len(reader.held) + len(data) - stream.tell()
        return message, self.read + len(data) - left


class Course:
    """One course of events."""

    def __init__(self) -> None:
        self.world = World(2, listener={"timeouts": {"client_write_idle": 5.0}})
        self.clients: list[Client] = []
        self.services: dict[int, Service] = {}
        self.number = 0
        self.posts: set[tuple[int, int]] = set()
        self.served: list[bytes] = []
        self.events: tuple[Callable[[int], None], ...] = (
            *(self.ask, self.ask_long, self.send_on, self.answer, self.answer, self.answer_on),
            *(self.stray, self.client_leaves, self.member_leaves, self.client_room),
            *(self.member_room, self.pass_time, self.conduct, self.configure, self.switch),
            self.inform,
        )

    def run(self, data: bytes) -> None:
        """Everything in its order, then the end of it all."""
        for byte in data:
            self.events[byte & 15](byte >> 4)
            self.look()
        self.finish()

    # Who there is.

    def client(self, which: int) -> Client | None:
        """One of the latest connections of clients."""
        there = [client for client in self.clients if client.sends]
        return there[-1 - (which & 1) % len(there)] if there else None

    def service(self, which: int) -> Service | None:
        """One of the connections to members that stand."""
        found = [link for member in self.world.members for link in member.open if link.established]
        found = [link for link in found if not link.far_ended]
        if not found:
            return None
        link = found[which % len(found)]
        return self.services.setdefault(id(link), Service(link))

    def look(self) -> None:
        """What members have got so far is right, and nothing that is not safe came twice."""
        hold(not self.world.loop.faults, "\n".join(self.world.loop.failures))
        for member in self.world.members:
            for link in member.links:
                service = self.services.setdefault(id(link), Service(link))
                if service.tunnel:
                    continue
                message, end = service.request()
                again = service.early and not service.rest and end < len(link.received)
                hold(not again, "used again", link.received)
                again = service.spoiled and not service.early and not service.rest
                hold(not again or service.read == len(link.received), "spoiled", link.received)
                if message is None or not message.whole or message.method != b"POST":
                    continue
                if (id(link), end) not in self.posts:
                    self.posts.add((id(link), end))
                    hold(message.target not in self.served, "sent twice", message)
                    self.served.append(message.target)

    # What clients do.

    def ask(self, which: int) -> None:
        """A request begins, on a new connection or on one that stands."""
        client = self.client(0) if which & 8 else None
        if client is None or client.rest:
            client = Client(self.world.client())
            self.clients.append(client)
        self.number += 1
        pieces = [piece.replace(b"%", b"%d" % self.number) for piece in _REQUESTS[which & 7]]
        client.targets.append(b"/%d" % self.number)
        client.rest = pieces[1:]
        client.link.send(pieces[0])

    def ask_long(self, which: int) -> None:
        """A request with a long body, or for one."""
        client = self.client(0) if which & 8 else None
        if client is None or client.rest:
            client = Client(self.world.client())
            self.clients.append(client)
        self.number += 1
        head = _LONG_HEADS[which & 3].replace(b"%", b"%d" % self.number)
        pieces = () if which & 3 == 3 else _LONG_PIECES
        client.targets.append(b"/l%d" % self.number)
        client.rest = list(pieces if which & 4 else pieces[1:])
        client.link.send(head if which & 4 or not pieces else head + pieces[0])

    def send_on(self, which: int) -> None:
        """Another piece of a request."""
        client = self.client(which)
        if client is not None and client.rest:
            client.link.send(client.rest.pop(0))

    def client_leaves(self, which: int) -> None:
        """A client ends its input, closes or breaks off."""
        client = self.client(which >> 2)
        if client is not None:
            (client.link.end, client.link.close, client.link.reset)[which % 3]()

    def client_room(self, which: int) -> None:
        """A client takes so much, and then no more."""
        if self.clients:
            self.clients[-1].link.take(_ROOM[which & 3])

    # What members do.

    def answer(self, which: int) -> None:
        """An answer, in one of the framings, whole or its first half."""
        service = self.service(which >> 3)
        if service is None or not service.free:
            return
        message, end = service.request()
        if message is None:
            return
        service.closing = which & 3 == 2
        service.spoiled = which & 3 == 3
        service.early = not message.whole
        service.read = end if message.whole else service.read
        body = content(message.target)
        framings = (
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
            b"\r\n" + body,
            b"Content-Length: %d\r\n\r\n%b%b" % (len(body), body, _STRAY),
        )
        data = b"HTTP/1.1 200 OK\r\n" + framings[which & 3]
        half = data.index(b"\r\n\r\n") + 5 if which & 4 else len(data)
        service.rest = [data[half:]] if which & 4 else []
        service.link.send(data[:half])
        if not service.rest:
            self.end_answer(service)

    def end_answer(self, service: Service) -> None:
        """An answer that has to end with its connection does; the request may be whole by now."""
        if service.early:
            message, end = service.request()
            if message is not None and message.whole:
                service.early = False
                service.read = end
        if service.closing and not service.link.closed:
            service.link.close()

    def answer_on(self, which: int) -> None:
        """The rest of an answer."""
        service = self.service(which)
        if service is not None and service.rest:
            service.link.send(service.rest.pop())
            self.end_answer(service)

    def inform(self, which: int) -> None:
        """An interim answer, where one may be."""
        service = self.service(which)
        if service is None or not service.free:
            return
        if service.request()[0] is not None:
            service.link.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def switch(self, which: int) -> None:
        """Another protocol, asked for or not."""
        service = self.service(which)
        if service is None or not service.free:
            return
        message, end = service.request()
        if message is not None and message.whole:
            service.read = end
            service.tunnel = True
            service.link.send(_SWITCH + b"bytes")

    def stray(self, which: int) -> None:
        """An answer that nobody asked for, on a connection that is idle."""
        service = self.service(which)
        if service is None or not service.free:
            return
        # A connection that was idle has room for a request's beginning.
        if not service.link.received[service.read :] and service.link.room != 0:
            service.link.send(_STRAY)

    def member_leaves(self, which: int) -> None:
        """A member closes, or breaks off."""
        service = self.service(which >> 1)
        if service is not None:
            # A close within an answer that ends with its connection would be the end of it.
            within = service.closing and service.rest
            (service.link.close, service.link.reset)[1 if within else which & 1]()

    def member_room(self, which: int) -> None:
        """A member takes so much, and then no more."""
        service = self.service(which >> 2)
        if service is not None:
            service.link.take(_ROOM[which & 3])

    def conduct(self, which: int) -> None:
        """What becomes of connections to a member from now on."""
        member = self.world.members[which & 1]
        member.does = ("accept", "accept", "hang", errno.ECONNREFUSED, -errno.ENETUNREACH)[
            (which >> 1) % 5
        ]
        for link in member.open:
            if not link.established and which & 8:
                link.answer(errno.ECONNREFUSED if which & 4 else 0)

    # What else happens.

    def pass_time(self, which: int) -> None:
        """A moment, or long enough for some deadline."""
        self.world.advance(_TIMES[which & 3])

    def configure(self, which: int) -> None:
        """Members come and go, limits change."""
        names = (["m0", "m1"], ["m0"], ["m1"], [])[which & 3]
        timeouts = {"member_response": 1.0 + (which & 4), "client_write_idle": 5.0}
        fields = {"timeouts": timeouts, "limits": {"body": 4 if which & 8 else 200_000}}
        self.world.apply(*self.world.objects(fields, members=names))

    def finish(self) -> None:
        """Everybody goes: what clients have got is right, and nothing is left."""
        world = self.world
        for client in self.clients:
            self.check(client)
            client.link.reset(run=False)
        world.loop.run()
        for member in world.members:
            for link in member.open:
                if not link.established:
                    link.answer(errno.ECONNREFUSED, run=False)
                link.reset(run=False)
        world.loop.run()
        world.advance(1)
        self.look()
        hold(not world.loop.pipes.used, "a pipe is gone")
        hold(world.figures() == [(0, 0)] * 2, world.figures())
        hold(all(a.cell.connections == 0 for a in world.acceptors), "connections are counted still")
        hold(len(world.loop.open) == len(world.acceptors), world.loop.open)
        targets = [entry.target for entry in world.entries if entry.target]
        hold(len(targets) == len(set(targets)), "two lines for one request", targets)

    def check(self, client: Client) -> None:
        """A client has got its own answers, in order."""
        received = bytes(client.link.received)
        hold(b"stray" not in received, received)
        received = received.partition(_SWITCH[:13])[0]
        seen = [m for m in answers(received, [], cut=True) if m.status >= 200]
        hold(len(seen) <= len(client.targets) + 1, client.targets, seen)
        for target, message in zip(client.targets, seen, strict=False):
            if message.whole and not message.values(b"fiberlb-reason-code"):
                hold(message.body == content(target), client.targets, message.body[:100])


def check(data: bytes) -> None:
    """Any course of events."""
    Course().run(data)
