"""Requests and answers that flow through a running FiberLB piece by piece, and what ends them."""

from __future__ import annotations

import socket
import threading
from queue import Queue
from time import monotonic

from tests.live.front import SharedFrontCase, chunk, echo_target, get, post
from tests.live.origin import Caller
from tests.live.strict import Message, framing
from tests.support.clients import PATIENCE

_CODED = b"Transfer-Encoding: chunked"
#: Seconds that a piece may take on its way on a busy machine; on a quiet one it takes 1 ms.
SOON = 0.5


class PipelineTests(SharedFrontCase):
    """Many requests in one go."""

    def test_members(self) -> None:
        """Two hundred in one write are answered in their order."""
        client = self.client(b"".join(get(b"/%d" % n) for n in range(200)))
        for n in range(200):
            answer = client.answer()
            assert answer is not None
            self.assertEqual((answer.status, answer.body), (200, b"/%d" % n))

    def test_own_answers(self) -> None:
        """So are thousands that FiberLB answers by itself, and one behind them."""
        client = self.client()
        sender = threading.Thread(target=client.send, args=(get(b"/local") * 3000 + get(b"/last"),))
        sender.start()
        for _ in range(3000):
            answer = client.answer()
            assert answer is not None
            self.assertEqual(answer.status, 302)
        answer = client.answer()
        assert answer is not None
        self.assertEqual(answer.body, b"/last")
        sender.join()

    def test_mixed(self) -> None:
        """Bodies between them belong to their requests."""
        kinds = (
            get(b"/a"),
            post(b"/b", b"Content-Length: 5") + b"GET /",
            post(b"/c", _CODED) + chunk(b"POST") + chunk(b""),
            get(b"/local"),
            get(b"/d"),
        )
        client = self.client(b"".join(kinds) * 20)
        for _ in range(20):
            found = [client.answer() for _ in kinds]
            bodies = [answer.body for answer in found if answer is not None]
            self.assertEqual(bodies, [b"/a", b"/b", b"/c", b"", b"/d"])


class PieceTests(SharedFrontCase):
    """Each piece goes on as soon as it comes."""

    def test_request(self) -> None:
        """Pieces of a request's body reach the member one by one, however it is framed."""
        arrived: Queue[bytes] = Queue()

        def member(caller: Caller, message: Message) -> bool:
            if framing(message) == -1:
                while size := int(caller.line(), 16):
                    arrived.put(caller.take(size))
                    caller.take(2)
                caller.take(2)
            else:
                for _ in range(30):
                    arrived.put(caller.take(4))
            caller.reply(b"done")
            return True

        self.serve(member)
        for tls in (False, True):
            for coded in (False, True):
                framed = _CODED if coded else b"Content-Length: 120"
                client = self.client(post(b"/", framed), tls=tls)
                for n in range(30):
                    piece = b"%04d" % n
                    begun = monotonic()
                    client.send(chunk(piece) if coded else piece)
                    self.assertEqual(arrived.get(timeout=PATIENCE), piece)
                    self.assertLess(monotonic() - begun, SOON)
                if coded:
                    client.send(chunk(b""))
                answer = client.answer()
                assert answer is not None
                self.assertEqual(answer.body, b"done")

    def test_answer(self) -> None:
        """Pieces of an answer reach the client one by one, however it is framed."""
        taken = threading.Semaphore(0)

        def member(caller: Caller, message: Message) -> bool:
            kind = message.target
            head = {
                b"/events": b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n",
                b"/sized": b"Content-Length: 120\r\n",
                b"/end": b"Connection: close\r\n",
            }[kind]
            caller.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
            for n in range(30):
                piece = b"%04d" % n
                caller.send(chunk(piece) if kind == b"/events" else piece)
                if not taken.acquire(timeout=PATIENCE):
                    raise TimeoutError(n)
            if kind == b"/events":
                caller.send(chunk(b""))
            return kind != b"/end"

        self.serve(member)
        for tls in (False, True):
            for kind in (b"/events", b"/sized", b"/end"):
                for version in (b"1.1", b"1.0"):
                    client = self.client(get(kind, version=version), tls=tls)
                    self.follow(client, taken)

    def follow(self, client: Caller, taken: threading.Semaphore) -> None:
        """Read thirty pieces, letting the member send each when the one before has come."""
        head = []
        while line := client.line():
            head.append(line.lower())
        coded = b"transfer-encoding: chunked" in head
        for n in range(30):
            begun = monotonic()
            if coded:
                self.assertEqual(client.line(), b"4")
            self.assertEqual(client.take(4), b"%04d" % n)
            if coded:
                client.take(2)
            # From the second piece on: the first one waits for the head to be read.
            self.assertLess(monotonic() - begun, SOON)
            taken.release()
        if coded:
            self.assertEqual((client.line(), client.line()), (b"0", b""))

    def test_both_ways(self) -> None:
        """An answer may flow while its request does, each piece the echo of the last."""

        def member(caller: Caller, message: Message) -> bool:
            caller.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while size := int(caller.line(), 16):
                piece = caller.take(size)
                caller.take(2)
                caller.send(chunk(piece.upper()))
            caller.take(2)
            caller.send(chunk(b""))
            return True

        self.serve(member)
        for tls in (False, True):
            client = self.client(post(b"/", _CODED), tls=tls)
            while client.line():
                pass
            for n in range(30):
                client.send(chunk(b"a%03d" % n))
                self.assertEqual((client.line(), client.take(6)), (b"4", b"A%03d\r\n" % n))
            client.send(chunk(b""))
            self.assertEqual((client.line(), client.line()), (b"0", b""))

    def test_drip(self) -> None:
        """An answer that comes byte by byte is whole, its head too."""
        whole = b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
        whole += chunk(b"x" * 500) + chunk(b"y" * 20) + b"0\r\nX-Sum: z\r\n\r\n"

        def member(caller: Caller, message: Message) -> bool:
            for n in range(len(whole)):
                caller.send(whole[n : n + 1])
            return True

        self.serve(member)
        answer = self.client(get()).answer()
        assert answer is not None
        self.assertEqual((answer.body, answer.whole), (b"x" * 500 + b"y" * 20, True))
        self.assertEqual(answer.trailers, [(b"x-sum", b"z")])


class EarlyTests(SharedFrontCase):
    """Answers before the request is whole, and those in between."""

    timeouts = "{client_body_idle: 5s}"
    #: How members end that refuse an upload.
    refusals: tuple[str, ...] = ("close", "reset", "stay")

    def test_refusal(self) -> None:
        """A member that refuses an upload and closes is heard, though it has not read it."""
        for how in self.refusals:

            def member(caller: Caller, message: Message, how: str = how) -> bool:
                caller.take(1000)
                caller.reply(b"no", b"413 Too Large", b"Connection: close\r\n")
                if how == "stay":
                    caller.gone()
                # Closing with bytes unread makes the system send a reset in any case.
                return False

            self.serve(member)
            for framed in (b"Content-Length: 20000000", _CODED):
                client = self.client(post(b"/", framed))
                answer = self.upload(client, framed is _CODED)
                self.assertIsNotNone(answer, f"{how}: {framed!r}")
                assert answer is not None
                self.assertEqual((answer.status, answer.body), (413, b"no"), f"{how}: {framed!r}")

    def upload(self, client: Caller, coded: bool) -> Message | None:
        """Send 20 MB, as far as it goes, and read the answer."""
        piece = b"x" * 100_000

        def send() -> None:
            try:
                for _ in range(200):
                    client.send(chunk(piece) if coded else piece)
            except OSError:
                pass

        sender = threading.Thread(target=send)
        sender.start()
        try:
            return client.answer()
        finally:
            try:
                client.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                # It has been reset, after the answer.
                pass
            sender.join(PATIENCE)

    def test_early_success(self) -> None:
        """An answer that is whole before its request reaches the client at once."""

        def member(caller: Caller, message: Message) -> bool:
            caller.reply(b"enough")
            caller.gone()
            return False

        self.serve(member)
        client = self.client(post(b"/", b"Content-Length: 1000") + b"half of it")
        answer = client.answer()
        assert answer is not None
        self.assertEqual(answer.body, b"enough")

    def test_continue(self) -> None:
        """The body is sent after the member's 100, which comes before anything of the body."""

        def member(caller: Caller, message: Message) -> bool:
            self.assertEqual(message.values(b"expect"), [b"100-continue"])
            self.assertEqual(caller.held, b"")
            caller.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            caller.read_body(message, framing(message) or 0)
            caller.reply(message.body)
            return True

        self.serve(member)
        for tls in (False, True):
            for coded in (False, True):
                framed = _CODED if coded else b"Content-Length: 5"
                client = self.client(tls=tls)
                for _ in range(2):
                    client.send(post(b"/", b"Expect: 100-continue", framed))
                    interim = client.answer()
                    assert interim is not None
                    self.assertEqual(interim.status, 100)
                    client.send(chunk(b"hello") + chunk(b"") if coded else b"hello")
                    answer = client.answer()
                    assert answer is not None
                    self.assertEqual((answer.status, answer.body), (200, b"hello"))

    def test_no_continue(self) -> None:
        """A member's refusal instead of 100 reaches the client, which has sent nothing."""

        def member(caller: Caller, message: Message) -> bool:
            caller.reply(b"no", b"417 Expectation Failed")
            caller.gone()
            return False

        self.serve(member)
        client = self.client(post(b"/", b"Expect: 100-continue", b"Content-Length: 5"))
        answer = client.answer()
        assert answer is not None
        self.assertEqual((answer.status, answer.body), (417, b"no"))
        # Either way is right after that: the connection ends, or it takes the body as such.
        self.assertEqual(answer.values(b"connection"), [b"close"])
        self.assertEqual(client.some(), b"")

    def test_early_hints(self) -> None:
        """103 is passed on at once, but not to a client of HTTP/1.0."""
        hinted = threading.Event()

        def member(caller: Caller, message: Message) -> bool:
            caller.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
            if message.target == b"/wait" and not hinted.wait(PATIENCE):
                raise TimeoutError
            caller.reply(b"page")
            return True

        self.serve(member)
        client = self.client(get(b"/wait"))
        hint = client.answer()
        hinted.set()
        assert hint is not None
        self.assertEqual((hint.status, hint.values(b"link")), (103, [b"</a>; rel=preload"]))
        answer = client.answer()
        assert answer is not None
        self.assertEqual(answer.body, b"page")
        old = self.client(get(b"/", version=b"1.0"))
        answer = old.answer()
        assert answer is not None
        self.assertEqual((answer.status, answer.body), (200, b"page"))


class AbortTests(SharedFrontCase):
    """One side goes before the end."""

    def test_half_closed(self) -> None:
        """A client that has ended its side still gets its answers."""
        ended = threading.Event()

        def member(caller: Caller, message: Message) -> bool:
            if not ended.wait(PATIENCE):
                raise TimeoutError
            return echo_target(caller, message)

        self.serve(member)
        for tls in (False, True):
            ended.clear()
            client = self.client(get(b"/a") + get(b"/b"), tls=tls)
            if not tls:
                client.socket.shutdown(socket.SHUT_WR)
            ended.set()
            for body in (b"/a", b"/b"):
                answer = client.answer()
                assert answer is not None
                self.assertEqual((answer.status, answer.body), (200, body))
            if not tls:
                self.assertEqual(client.some(), b"")

    def test_waiting(self) -> None:
        """A client that goes while the member thinks takes its request along."""
        self.check_cancelled(b"")

    def test_streaming(self) -> None:
        """So does one that goes within the answer."""
        self.check_cancelled(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello")
        self.check_cancelled(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"a"))

    def check_cancelled(self, begun: bytes) -> None:
        """The member's connection ends when the client resets its own."""
        asked, gone = threading.Event(), threading.Event()

        def member(caller: Caller, message: Message) -> bool:
            caller.send(begun)
            asked.set()
            caller.gone()
            gone.set()
            return False

        self.serve(member)
        for tls in (False, True):
            asked.clear()
            gone.clear()
            client = self.client(get(), tls=tls)
            self.assertTrue(asked.wait(PATIENCE))
            if begun:
                self.assertTrue(client.some())
            client.reset()
            self.assertTrue(gone.wait(PATIENCE))

    def test_uploading(self) -> None:
        """A client that goes within its request leaves it unfinished at the member."""
        found: Queue[bool] = Queue()
        begun = threading.Semaphore(0)

        def member(caller: Caller, message: Message) -> bool:
            begun.release()
            try:
                caller.read_body(message, framing(message) or 0)
            except ConnectionError:
                pass
            found.put(message.whole)
            return False

        self.serve(member)
        for framed, body in ((b"Content-Length: 1000", b"half"), (_CODED, chunk(b"half"))):
            for abruptly in (False, True):
                client = self.client(post(b"/", framed) + body)
                self.assertTrue(begun.acquire(timeout=PATIENCE))
                if abruptly:
                    client.reset()
                else:
                    client.socket.close()
                self.assertIs(found.get(timeout=PATIENCE), False)


class OnceTests(SharedFrontCase):
    """What is sent again when a member's connection dies, and what is not."""

    def test_post(self) -> None:
        """A POST is sent once, on whatever connection, and its fate is told."""
        seen: list[bytes] = []

        def member(caller: Caller, message: Message) -> bool:
            if message.method == b"GET":
                return echo_target(caller, message)
            caller.read_body(message, framing(message) or 0)
            seen.append(message.target)
            if message.target.endswith(b"reset"):
                caller.reset()
            return False

        self.serve(member)
        for n, how in enumerate((b"close", b"reset") * 3):
            client = self.client()
            if n > 1:
                # An idle connection, used just before, is there to be taken.
                client.send(get())
                client.answer()
            target = b"/%d-%b" % (n, how)
            client.send(post(target, b"Content-Length: 5") + b"hello")
            answer = client.answer()
            assert answer is not None
            self.assertEqual(answer.status, 502)
            self.assertEqual(seen.count(target), 1)

    def test_idle_race(self) -> None:
        """
        No GET fails because its connection was closed for being idle just then.

        The member closes each after a few answers, without saying so, a
        moment after the last one: when the next request may be on its way.
        """
        pause = threading.Event()

        def member(caller: Caller, message: Message) -> bool:
            echo_target(caller, message)
            number = int(message.target[1:])
            # From nothing to 2 ms, so that it falls before, into and behind the next request.
            pause.wait(number % 20 / 10_000)
            return number % 3 != 0

        self.serve(member)
        failed: list[str] = []
        threads = [threading.Thread(target=self.ask, args=(n, failed)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(self.shared.origin.accepted, 100)

    def ask(self, start: int, failed: list[str]) -> None:
        """Three hundred requests on one connection."""
        client = self.client()
        for n in range(start * 300, start * 300 + 300):
            client.send(get(b"/%d" % n))
            answer = client.answer()
            if answer is None or (answer.status, answer.body) != (200, b"/%d" % n):
                failed.append(f"{n}: {answer}")
                return
