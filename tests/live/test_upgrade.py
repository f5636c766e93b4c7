"""Connections that become something else: WebSocket and other protocols through FiberLB."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading

from tests.live.front import SharedFrontCase, echo_target, get
from tests.live.origin import Caller
from tests.live.strict import Ended, Message, Reader
from tests.support.clients import PATIENCE

_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MASK = b"\x12\x34\x56\x78"
TEXT, BINARY, CLOSE, PING, PONG, REST = 1, 2, 8, 9, 10, 0
_ASK = (
    b"Connection: keep-alive, Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: " + _KEY,
    b"Sec-WebSocket-Protocol: chat, superchat",
)


def masked(data: bytes) -> bytes:
    """What a client makes of a payload, and the member of it (RFC 6455, 5.3)."""
    key = int.from_bytes((_MASK * (len(data) // 4 + 1))[: len(data)], "big")
    return (int.from_bytes(data, "big") ^ key).to_bytes(len(data), "big")


def frame(kind: int, data: bytes, *, last: bool = True, mask: bool = False) -> bytes:
    """A frame of WebSocket (RFC 6455, 5.2)."""
    first = bytes([kind | (0x80 if last else 0)])
    bit = 0x80 if mask else 0
    size = len(data)
    if size < 126:
        length = bytes([bit | size])
    elif size < 1 << 16:
        length = bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([bit | 127]) + size.to_bytes(8, "big")
    return first + length + (_MASK + masked(data) if mask else data)


def read_frame(reader: Reader) -> tuple[int, bool, bytes]:
    """Kind, whether it is the last of its message, and payload of the next frame."""
    first, second = reader.take(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(reader.take(2), "big")
    elif size == 127:
        size = int.from_bytes(reader.take(8), "big")
    if second & 0x80:
        reader.take(4)
        return first & 15, bool(first & 0x80), masked(reader.take(size))
    return first & 15, bool(first & 0x80), reader.take(size)


def web_socket(caller: Caller, message: Message) -> bool:
    """A member that echoes frames, answers pings, and closes when asked to, with the same code."""
    key = base64.b64encode(hashlib.sha1(message.values(b"sec-websocket-key")[0] + _MAGIC).digest())
    caller.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: " + key + b"\r\n\r\n"
    )
    while True:
        try:
            kind, last, data = read_frame(caller)
        except Ended:
            return False
        caller.send(frame(PONG if kind == PING else kind, data, last=last))
        if kind == CLOSE:
            return False


class WebSocketTests(SharedFrontCase):
    """RFC 6455, frame by frame."""

    def opened(self, tls: bool) -> Caller:
        """A client whose handshake is done."""
        self.serve(web_socket)
        client = self.client(get(b"/", *_ASK), tls=tls)
        answer = client.answer()
        assert answer is not None
        self.assertEqual(answer.status, 101)
        self.assertEqual(answer.values(b"upgrade"), [b"websocket"])
        self.assertEqual([v.lower() for v in answer.values(b"connection")], [b"upgrade"])
        self.assertEqual(answer.values(b"sec-websocket-protocol"), [b"chat"])
        self.assertEqual(answer.values(b"sec-websocket-accept"), [b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="])
        return client

    def test_frames(self) -> None:
        """Text, binary, pings, fragments and the code of the close come back as they were."""
        sent = (
            (TEXT, True, "h\u00e9llo".encode()),
            (BINARY, True, bytes(range(256)) * 300),
            (PING, True, b"are you there"),
            (TEXT, False, b"frag"),
            (PING, True, b"within"),
            (REST, False, b"men"),
            (REST, True, b"ted"),
            (BINARY, True, b""),
            (CLOSE, True, (4321).to_bytes(2, "big") + b"enough"),
        )
        for tls in (False, True):
            client = self.opened(tls)
            for kind, last, data in sent:
                client.send(frame(kind, data, last=last, mask=True))
                expected = (PONG if kind == PING else kind, last, data)
                self.assertEqual(read_frame(client), expected)
            self.assertEqual(client.some(), b"")

    def test_large(self) -> None:
        """So does a message of 8 MiB, which is larger than what anybody holds."""
        data = hashlib.shake_128(b"large").digest(8 << 20)
        for tls in (False, True):
            client = self.opened(tls)
            # Sent aside: the member answers while it reads.
            outgoing = frame(BINARY, data, mask=True)
            sender = threading.Thread(target=client.socket.sendall, args=(outgoing,))
            if tls:
                # An SSL socket of the standard library is not to be used by two threads at once.
                client.send(outgoing)
            else:
                sender.start()
            self.assertEqual(read_frame(client), (BINARY, True, data))
            if not tls:
                sender.join(PATIENCE)

    def test_many(self) -> None:
        """Thousands of small ones come back in order."""
        client = self.opened(False)
        frames = b"".join(frame(TEXT, b"%d" % n, mask=True) for n in range(5000))
        sender = threading.Thread(target=client.socket.sendall, args=(frames,))
        sender.start()
        for n in range(5000):
            self.assertEqual(read_frame(client)[2], b"%d" % n)
        sender.join(PATIENCE)


class SwitchTests(SharedFrontCase):
    """Other protocols, and the moment of switching."""

    timeouts = "{tunnel: 1s, member_response: 3s}"

    def test_first_bytes(self) -> None:
        """Bytes of either side that come with the handshake or right after it are kept."""

        def member(caller: Caller, message: Message) -> bool:
            self.assertEqual(message.values(b"upgrade"), [b"echo/1, other"])
            caller.send(
                b"HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: echo/1\r\n\r\nhello client"
            )
            caller.send(caller.take(len(b"hello member, and more")).upper())
            return False

        self.serve(member)
        ask = get(b"/", b"Connection: upgrade", b"Upgrade: echo/1", b"upgrade: other")
        for tls in (False, True):
            client = self.client(ask + b"hello member", tls=tls)
            client.send(b", and more")
            answer = client.answer()
            assert answer is not None
            self.assertEqual(answer.values(b"upgrade"), [b"echo/1"])
            self.assertEqual(client.take(12), b"hello client")
            self.assertEqual(client.take(22), b"HELLO MEMBER, AND MORE")
            self.assertEqual(client.some(), b"")

    def test_refused(self) -> None:
        """A member that does not switch is answered for in HTTP, and the connection goes on."""

        def member(caller: Caller, message: Message) -> bool:
            if not message.values(b"upgrade"):
                return echo_target(caller, message)
            caller.reply(b"no", b"403 Forbidden")
            return True

        self.serve(member)
        for tls in (False, True):
            client = self.client(get(b"/", *_ASK) + get(b"/early"), tls=tls)
            found = []
            for _ in range(2):
                answer = client.answer()
                assert answer is not None
                found.append((answer.status, answer.body))
            client.send(get(b"/late"))
            answer = client.answer()
            assert answer is not None
            found.append((answer.status, answer.body))
            self.assertEqual(found, [(403, b"no"), (200, b"/early"), (200, b"/late")])

    def test_not_asked(self) -> None:
        """What is no request to switch is none for the member either."""
        seen: list[list[bytes]] = []

        def member(caller: Caller, message: Message) -> bool:
            seen.append(message.values(b"upgrade") + message.values(b"http2-settings"))
            return echo_target(caller, message)

        self.serve(member)
        requests = (
            get(b"/", b"Upgrade: websocket"),
            get(b"/", b"Connection: keep-alive", b"Upgrade: websocket"),
            get(b"/", b"Connection: Upgrade"),
            get(
                b"/", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: A"
            ),
            get(b"/", b"Connection: Upgrade", b"Upgrade: h2c, websocket"),
            get(b"/", b"Connection: Upgrade, keep-alive", b"Upgrade: websocket", version=b"1.0"),
        )
        for request in requests:
            client = self.client(request)
            answer = client.answer()
            assert answer is not None
            self.assertEqual(answer.status, 200)
        self.assertEqual(seen, [[]] * len(requests))

    def test_other_protocol(self) -> None:
        """A member that switches to what the client has not offered is not followed."""

        def member(caller: Caller, message: Message) -> bool:
            caller.send(b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello")
            caller.gone()
            return False

        self.serve(member)
        client = self.client(get(b"/", *_ASK))
        answer = client.answer()
        assert answer is not None
        self.assertEqual(answer.status, 502)

    def test_ends(self) -> None:
        """The end of one side's bytes is passed on, and the other side may still send."""

        def member(caller: Caller, message: Message) -> bool:
            caller.send(b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            heard = b""
            while piece := caller.some():
                heard += piece
            caller.send(b"heard %d" % len(heard))
            return False

        self.serve(member)
        client = self.client(get(b"/", b"Connection: Upgrade", b"Upgrade: x"))
        client.answer()
        client.send(b"a" * 300_000)
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.take(12), b"heard 300000")
        self.assertEqual(client.some(), b"")

    def test_breaks(self) -> None:
        """A side that breaks takes the other one with it."""
        gone = threading.Event()

        def member(caller: Caller, message: Message) -> bool:
            caller.send(b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            caller.take(5)
            if message.target == b"/reset":
                caller.reset()
                return False
            caller.send(b"x")
            caller.gone()
            gone.set()
            return False

        self.serve(member)
        for tls in (False, True):
            client = self.client(get(b"/reset", b"Connection: Upgrade", b"Upgrade: x"), tls=tls)
            client.answer()
            client.send(b"hello")
            self.assertTrue(client.gone())
            gone.clear()
            client = self.client(get(b"/", b"Connection: Upgrade", b"Upgrade: x"), tls=tls)
            client.answer()
            client.send(b"hello")
            client.take(1)
            client.reset()
            self.assertTrue(gone.wait(PATIENCE))

    def test_idle(self) -> None:
        """It lasts as long as there are bytes in one direction, and ends when there are none."""
        pause = threading.Event()
        told: list[bytes] = []

        def member(caller: Caller, message: Message) -> bool:
            caller.send(b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            for n in range(6):
                pause.wait(0.4)
                caller.send(b"%d" % n)
            try:
                told.append(caller.some())
            except ConnectionError:
                told.append(b"")
            return False

        self.serve(member)
        client = self.client(get(b"/", b"Connection: Upgrade", b"Upgrade: x"))
        client.answer()
        self.assertEqual(client.take(6), b"012345")
        self.assertTrue(client.gone())
