"""
HTTP/1.1 read as strictly as RFC 9112 allows, for both ends of live tests.

Nothing of FiberLB's own parsers is used here: what these let through and this
refuses is what the tests are for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import attrs

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\t\x20-\x7e\x80-\xff]*")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
#: Statuses whose answers have no body, whatever their fields say.
BODILESS = frozenset({204, 304})


class Malformed(Exception):
    """Bytes that no correct peer sends; the text says what is wrong with them."""


class Ended(Exception):
    """The peer closed in the middle of a message."""


@attrs.define
class Message:
    """
    A request or an answer.

    @ivar start: its first line.
    @ivar fields: names in lower case, values without white space around, in order.
    @ivar body: its content, as much as came.
    @ivar trailers: like C{fields}.
    @ivar whole: it came to its end.
    """

    start: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    whole: bool = False

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field, in order."""
        return [value for key, value in self.fields if key == name]

    @property
    def method(self) -> bytes:
        """Of a request."""
        return self.start.split(b" ")[0]

    @property
    def target(self) -> bytes:
        """Of a request."""
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.start.split(b" ")[1])

    @property
    def clean(self) -> bool:
        """A whole answer that says all is well."""
        return self.whole and 200 <= self.status < 300


class Reader:
    """
    Messages out of a stream of bytes.

    @param recv: reads at most so many bytes, C{b""} at the end: of a socket or of a C{BytesIO}.
    """

    def __init__(self, recv: Callable[[int], bytes]) -> None:
        self._recv = recv
        self._held = b""

    @property
    def held(self) -> bytes:
        """Bytes that were read and belong to no message yet."""
        return self._held

    def more(self) -> bool:
        """Read on; false at the end."""
        piece = self._recv(65536)
        self._held += piece
        return bool(piece)

    def take(self, count: int) -> bytes:
        """
        Exactly so many bytes.

        @raise Ended: there were fewer.
        """
        while len(self._held) < count:
            if not self.more():
                raise Ended
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def some(self) -> bytes:
        """What there is, at least one byte; C{b""} at the end."""
        if not self._held:
            self.more()
        taken, self._held = self._held, b""
        return taken

    def line(self) -> bytes:
        """
        One line, without its end, which must be CR LF.

        @raise Malformed: a bare CR or LF, or a control character.
        @raise Ended: the peer closed before its end.
        """
        while b"\n" not in self._held:
            if not self.more():
                raise Ended
        line, _, self._held = self._held.partition(b"\n")
        if not line.endswith(b"\r"):
            raise Malformed(f"a line that ends with a bare LF: {line!r}")
        line = line[:-1]
        if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line):
            raise Malformed(f"a control character: {line!r}")
        return line

    def _fields(self) -> list[tuple[bytes, bytes]]:
        fields = []
        while line := self.line():
            field = _FIELD.fullmatch(line)
            if field is None:
                raise Malformed(f"no field: {line!r}")
            fields.append((field[1].lower(), field[2].strip(b" \t")))
        return fields

    def request_head(self) -> Message | None:
        """
        The next request, its body not read yet; C{None} at an orderly end.

        @raise Malformed: it is none, or one that a proxy may not send.
        @raise Ended: the peer closed within it.
        """
        if not self._held and not self.more():
            return None
        start = self.line()
        found = _REQUEST.fullmatch(start)
        if found is None:
            raise Malformed(f"no request line: {start!r}")
        message = Message(start, self._fields())
        hosts = message.values(b"host")
        if len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None:
            raise Malformed(f"Host: {hosts!r}")
        framing(message)
        if found[3] == b"0" and message.values(b"transfer-encoding"):
            raise Malformed("Transfer-Encoding in HTTP/1.0")
        return message

    def request(self) -> Message | None:
        """
        The next request with its body; C{whole} is false when the peer closed within it.

        @raise Malformed: see L{request_head}, or its body is framed wrongly.
        """
        try:
            message = self.request_head()
        except Ended:
            return None
        if message is not None:
            self.read_body(message, framing(message) or 0)
        return message

    def answer(self, method: bytes = b"GET") -> Message | None:
        """
        The next answer; C{None} at the end. One of class 1xx is an answer too.

        @param method: that of the request.
        @raise Malformed: it is none that a proxy may send.
        """
        if not self._held and not self.more():
            return None
        start = self.line()
        if _STATUS.fullmatch(start) is None:
            raise Malformed(f"no status line: {start!r}")
        message = Message(start, self._fields())
        length = framing(message)
        unframed = message.status < 200 or message.status == 204
        if unframed and length is not None:
            raise Malformed(f"{message.status} with the framing of a body")
        if method == b"HEAD" or message.status < 200 or message.status in BODILESS:
            message.whole = True
        else:
            self.read_body(message, -2 if length is None else length)
        return message

    def read_body(self, message: Message, length: int) -> None:
        """
        Read the body of a message, as far as it goes.

        @param length: octets; -1: chunked; -2: until the end.
        """
        try:
            if length == -1:
                self._chunks(message)
            elif length == -2:
                while piece := self.some():
                    message.body += piece
            else:
                while len(message.body) < length:
                    if not self._held and not self.more():
                        raise Ended
                    message.body += self.take(min(len(self._held), length - len(message.body)))
        except Ended:
            self._held = b""
            return
        message.whole = True

    def _chunks(self, message: Message) -> None:
        while True:
            line = self.line()
            if _SIZE.fullmatch(line) is None:
                raise Malformed(f"no chunk size: {line!r}")
            size = int(line, 16)
            if not size:
                break
            message.body += self.take(size)
            if self.take(2) != b"\r\n":
                raise Malformed("a chunk longer than its size")
        message.trailers = self._fields()


def framing(message: Message) -> int | None:
    """
    The length of a message's body, -1 for chunked, C{None} when it does not say.

    @raise Malformed: it says so in more than one way.
    """
    coded, sizes = message.values(b"transfer-encoding"), message.values(b"content-length")
    if coded and sizes:
        raise Malformed("Transfer-Encoding beside Content-Length")
    if len(coded) > 1 or (coded and coded[0].lower() != b"chunked"):
        raise Malformed(f"Transfer-Encoding: {coded!r}")
    if coded:
        return -1
    if len(sizes) > 1 or (sizes and not re.fullmatch(rb"[0-9]{1,19}", sizes[0])):
        raise Malformed(f"Content-Length: {sizes!r}")
    return int(sizes[0]) if sizes else None


def answers(data: bytes) -> list[Message]:
    """Everything that came on a connection, as answers to GET, the interim ones included."""
    reader = Reader(BytesIO(data).read)
    found = []
    while (message := reader.answer()) is not None:
        found.append(message)
    return found
