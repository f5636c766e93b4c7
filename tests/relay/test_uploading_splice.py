"""Bodies of requests that the kernel moves."""

from __future__ import annotations

import errno
import random
from typing import Any

from fiberlb.relay.pipes import WORTHWHILE
from fiberlb.relay.uploading_h1 import RATE_SPAN
from tests.support.relay_links import Link
from tests.support.relay_loop import MemoryPipe
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked, head, refusal

#: Octets that no two places of which look alike.
BULK = random.Random(2).randbytes(1 << 20)
CLOSE = b"Connection: close"
#: So much of a body has to have come before.
BEFORE = WORTHWHILE


class SplicedCase(RelayTestCase):
    """A client in the middle of a long body, which is being pumped."""

    def length(self, size: int = len(BULK), *lines: bytes, method: bytes = b"POST") -> bytes:
        """The head of a request with a body of that size."""
        return ask(b"Content-Length: %d" % size, *lines, method=method)

    def upload(
        self, sent: int = 2 * BEFORE, method: bytes = b"POST", **given: Any
    ) -> tuple[World, Link, Link]:
        """So much of the body has been sent; more than C{BEFORE} of it went through a pipe."""
        world = self.world(**given)
        client, member = self.start(world, self.length(method=method))
        for at in range(0, sent, WORTHWHILE):
            client.send(BULK[at : min(at + WORTHWHILE, sent)])
        self.assertEqual(world.loop.pipes.used, 1)
        return world, client, member

    def finish(self, world: World, client: Link, member: Link, sent: int) -> None:
        """The rest of the body and its answer: all of it came, and both go on."""
        client.send(BULK[sent:])
        member.take()
        expected = asked(b"Content-Length: %d" % len(BULK), method=b"POST", body=BULK)
        self.assertEqual(bytes(member.received), expected)
        self.assertEqual(world.loop.pipes.used, 0)
        member.send(answer())
        self.assertEqual(client.received, answer())
        self.assertEqual(world.entries[0].received, len(BULK))
        member.news()
        client.send(ask(target=b"/next"))
        self.assertEqual(member.news(), asked(target=b"/next"))
        member.send(answer(b"next"))
        self.assertEqual(client.received, answer() + answer(b"next"))


class WholeTests(SplicedCase):
    """Bodies that arrive."""

    def test_whole(self) -> None:
        """It arrives as it was sent, counted, and both connections serve the next request."""
        self.finish(*self.upload(), 2 * BEFORE)

    def test_pipelined(self) -> None:
        """Bytes behind the body are the next request's, however they come."""
        behind = ask(target=b"/1") + ask(target=b"/2")
        for extra in (0, 1, 20, len(behind)):
            _, client, member = self.upload()
            client.send(BULK[2 * BEFORE :] + behind[:extra])
            client.send(behind[extra:])
            self.assertTrue(member.news().endswith(BULK))
            for target in (b"/1", b"/2"):
                member.send(answer(target))
                self.assertEqual(
                    member.news(), asked(target=b"/1") if target == b"/1" else asked(target=b"/2")
                )
            member.send(answer(b"last"))
            self.assertEqual(client.received, answer(b"/1") + answer(b"/2") + answer(b"last"))

    def test_less(self) -> None:
        """What is short, or of unknown length, is copied; so is what an upgrade may follow."""
        cases = (
            (self.length(2 * WORTHWHILE - 1), 2 * WORTHWHILE - 1),
            (ask(b"Transfer-Encoding: chunked", method=b"POST"), 0),
            (self.length(len(BULK), b"Connection: upgrade", b"Upgrade: x"), len(BULK)),
        )
        for request, size in cases:
            world = self.world()
            client, member = self.start(world, request)
            for at in range(0, size, WORTHWHILE):
                client.send(BULK[at : min(at + WORTHWHILE, size)])
            if not size:
                client.send(b"fffff\r\n" + BULK[:0xFFFFF] + b"\r\n0\r\n\r\n")
            self.assertEqual(world.loop.pipes.taken, 0)
            self.assertIn(BULK[:size], bytes(member.received))
            member.send(answer())
            self.assertEqual(client.received, answer())

    def test_without(self) -> None:
        """Where there is no pipe it is copied."""
        world = self.world()
        world.loop.pipes = None
        client, member = self.start(world, self.length())
        client.send(BULK[: 2 * BEFORE])
        world.loop.pipes = MemoryPipesOut()
        client.send(BULK[2 * BEFORE : 4 * BEFORE])
        self.finish(world, client, member, 4 * BEFORE)

    def test_slow_member(self) -> None:
        """The client is made to wait while the member takes nothing, and goes on after."""
        world, client, member = self.upload()
        member.room = 1000
        client.send(BULK[2 * BEFORE :])
        self.assertGreater(client.unread, len(BULK) - 2 * BEFORE - MemoryPipe.size - 1000 - 1)
        for _ in range(20):
            before = client.unread
            member.take(30000)
            self.assertLessEqual(client.unread, before)
        member.take()
        self.assertEqual(client.unread, 0)
        client.news()
        self.finish(world, client, member, len(BULK))

    def test_slow_before(self) -> None:
        """It begins as well when the member has caught up with what was copied."""
        world = self.world()
        client, member = self.start(world, self.length())
        member.room = 0
        client.send(BULK[: BEFORE * 3])
        self.assertEqual(world.loop.pipes.taken, 0)
        member.take()
        client.send(BULK[BEFORE * 3 :][:100])
        self.assertEqual(world.loop.pipes.used, 1)
        self.finish(world, client, member, BEFORE * 3 + 100)

    def test_continue(self) -> None:
        """After 100 it is as without."""
        world = self.world()
        client, member = self.start(world, self.length(len(BULK), b"Expect: 100-continue"))
        member.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(client.news(), b"HTTP/1.1 100 Continue\r\n\r\n")
        client.send(BULK)
        self.assertEqual(world.loop.pipes.taken, 1)
        self.assertTrue(member.received.endswith(BULK))
        member.send(answer())
        self.assertEqual(client.news(), answer())

    def test_half_closed(self) -> None:
        """A client that ends its input behind the body gets its answer."""
        _, client, member = self.upload()
        client.send(BULK[2 * BEFORE :])
        client.end()
        member.send(answer())
        self.assertEqual(client.received, answer())
        self.assertTrue(client.ended)

    def test_unable(self) -> None:
        """A system that cannot do it, in either half, is found out and nothing is lost."""
        for half in ("fill", "drain"):
            for room in (None, 100):
                world = self.world()
                world.loop.pipes = Unable(world.loop.pipes, half)
                client, member = self.start(world, self.length())
                client.send(BULK[: 2 * BEFORE])
                member.room = room
                client.send(BULK[2 * BEFORE :])
                self.assertTrue(world.loop.pipes.useless)
                member.take()
                self.assertEqual(world.loop.pipes.taken, 1)
                self.finish(world, client, member, len(BULK))


class EarlyTests(SplicedCase):
    """Answers that do not wait for the body, and ends that come before its own."""

    def test_early(self) -> None:
        """An early final answer is delivered; then the connection closes, lingering."""
        for stalled in (False, True):
            world, client, member = self.upload()
            if stalled:
                member.room = 0
                client.send(BULK[2 * BEFORE : 3 * BEFORE])
            member.send(answer(b"no", status=b"413 No"))
            self.assertEqual(client.received, answer(b"no", CLOSE, status=b"413 No"))
            self.assertTrue(member.closed and client.near_ended and not client.closed)
            client.send(BULK[:BEFORE])
            self.assertEqual((client.unread, world.loop.pipes.used), (0, 0))
            client.end()
            self.assertTrue(client.ended)

    def test_early_and_gone(self) -> None:
        """Also when the member is gone before its answer is read, and the body finds out first."""
        for stalled in (False, True):
            world, client, member = self.upload()
            if stalled:
                member.room = 0
                client.send(BULK[2 * BEFORE : 3 * BEFORE])
                member.take(1, run=False)
            else:
                client.send(BULK[2 * BEFORE : 3 * BEFORE], run=False)
            found = world.loop.ready()
            member.send(answer(b"no", status=b"403 No"), run=False)
            member.reset(run=False)
            world.loop.batch(found)
            world.loop.run()
            self.assertEqual(client.received, answer(b"no", CLOSE, status=b"403 No"))
            self.assertEqual(world.reasons, [None])

    def test_both_ways(self) -> None:
        """An answer that begins before the end of the request is moved beside it."""
        world, client, member = self.upload()
        member.send(head(b"Content-Length: %d" % len(BULK)))
        self.assertEqual(world.loop.pipes.used, 2)
        member.send(BULK[: len(BULK) // 2])
        client.send(BULK[2 * BEFORE :])
        self.assertEqual(world.loop.pipes.used, 1)
        self.assertTrue(member.received.endswith(BULK))
        member.send(BULK[len(BULK) // 2 :])
        self.assertEqual(client.received, head(b"Content-Length: %d" % len(BULK), CLOSE) + BULK)
        (entry,) = world.entries
        self.assertEqual((entry.received, entry.sent, entry.reason), (len(BULK), len(BULK), None))

    def test_member_dies(self) -> None:
        """A member that dies in the middle: 502, sent once, whatever the method."""
        for method in (b"POST", b"PUT"):
            for end in ("close", "reset"):
                world, client, member = self.upload(method=method, members=2)
                getattr(member, end)()
                reason = "member_closed" if end == "close" else "member_reset"
                self.assertEqual(client.received, refusal(reason))
                self.assertEqual(world.loop.pipes.used, 0)
                self.assertEqual(sum(len(m.links) for m in world.members), 1)
                client.end()

    def test_client_goes(self) -> None:
        """A client that goes cancels the request; what it has sent is in the log, to the octet."""
        for end in ("end", "reset"):
            for stalled in (False, True):
                world, client, member = self.upload()
                sent = 2 * BEFORE
                if stalled:
                    member.room = 10
                    client.send(BULK[sent : sent + 5000])
                    sent += 5000
                getattr(client, end)()
                if stalled and end == "end":
                    member.take()
                self.assertTrue(member.closed)
                (entry,) = world.entries
                self.assertEqual((entry.reason, entry.received), ("client_abort", sent))

    def test_fault(self) -> None:
        """An exception of ours ends both sides."""
        world, client, member = self.upload()
        (source,) = [w for w in world.loop.open if w.sock is client.near]
        source.end.outgoing._came = None
        source.end.outgoing._progress = None
        client.send(b"x")
        self.assertTrue(member.closed)
        self.assertEqual(client.received, refusal("internal"))
        self.faults = 1


class TimeTests(SplicedCase):
    """Deadlines meanwhile."""

    def test_idle(self) -> None:
        """A client that stops has as long as any other; then 408."""
        world, client, _ = self.upload(listener={"timeouts": {"client_body_idle": 5.0}})
        world.advance(4)
        client.send(b"x")
        world.advance(4)
        self.assertEqual(client.received, b"")
        world.advance(2)
        self.assertEqual(client.received, refusal("body_timeout"))
        self.assertEqual(world.entries[0].received, 2 * BEFORE + 1)

    def test_drips(self) -> None:
        """One that sends less than 500 octets a second gets 408, too."""
        world, client, _ = self.upload()
        for _ in range(30):
            if client.received:
                break
            client.send(b"x" * 490)
            world.advance(1)
        self.assertEqual(client.received, refusal("body_timeout"))

    def test_slow(self) -> None:
        """One that is slow, but not too slow, gives its pipe back, and has one again later."""
        world, client, member = self.upload()
        sent = 2 * BEFORE
        for _ in range(int(2 * RATE_SPAN) + 2):
            client.send(BULK[sent : sent + 600])
            sent += 600
            world.advance(1)
        self.assertEqual(world.loop.pipes.used, 0)
        client.send(BULK[sent : sent + 2 * BEFORE])
        self.assertEqual(world.loop.pipes.used, 1)
        self.finish(world, client, member, sent + 2 * BEFORE)

    def test_member_stalls(self) -> None:
        """It is the member that is too slow, not the client that has to wait for it: 504."""
        timeouts = {"member_response": 50.0, "client_body_idle": 5.0}
        world, client, member = self.upload(listener={"timeouts": timeouts})
        world.advance(3)
        member.room = 0
        client.send(BULK[2 * BEFORE : 4 * BEFORE])
        for _ in range(3):
            world.advance(40)
            self.assertEqual(client.received, b"")
            member.take(10)
        world.advance(51)
        self.assertEqual(client.received, refusal("member_timeout"))
        self.assertEqual(world.loop.pipes.used, 0)

    def test_response(self) -> None:
        """The member's time for its answer begins with the end of the body."""
        timeouts = {"member_response": 10.0}
        world, client, _ = self.upload(listener={"timeouts": timeouts})
        for at in range(2 * BEFORE, len(BULK), 2 * BEFORE):
            world.advance(8)
            client.send(BULK[at : at + 2 * BEFORE])
        world.advance(9)
        self.assertEqual(client.received, b"")
        world.advance(2)
        self.assertEqual(client.received, refusal("member_timeout", closes=False))


class MemoryPipesOut:
    """Pipes of which there is none left."""

    used = 0

    def take(self) -> None:
        """There is none."""

    def ease(self) -> None:
        """Nor are any kept."""


class Unable:
    """Pipes of a system that does not splice sockets: they say so when they are used."""

    def __init__(self, pipes: Any, half: str) -> None:
        self._pipes = pipes
        self._half = half
        self.useless = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipes, name)

    def take(self) -> Any:
        """One that does not do one half."""
        if self.useless:
            return None
        pipe: Any = self._pipes.take()
        setattr(pipe, self._half, self._refuse)
        return pipe

    def give(self, pipe: Any, empty: bool) -> None:
        """What was in it has been taken out."""
        pipe.held.clear()
        self._pipes.give(pipe, empty)

    def _refuse(self, *given: Any) -> int:
        raise OSError(errno.EINVAL, "not here")
