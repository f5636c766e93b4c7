"""
A member made for one test: a script decides what it does with each connection.

Scripts run in a thread per connection and read with L{tests.live.strict}; each
wait has a limit, and what a script raises is a failure of the test that
looks at C{failures}.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType

import attrs

from tests.live.strict import Malformed, Message, Reader
from tests.support.clients import PATIENCE

_ABORT = struct.pack("ii", 1, 0)


class Caller(Reader):
    """
    One connection at the origin.

    @ivar number: the how many-th it is, from 1.
    """

    def __init__(self, sock: socket.socket, number: int) -> None:
        super().__init__(sock.recv)
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.number = number

    def send(self, data: bytes) -> None:
        """
        Send all of it.

        @raise ConnectionError: the other side is gone, with TLS too.
        """
        try:
            self.socket.sendall(data)
        except ssl.SSLEOFError as why:
            raise BrokenPipeError(str(why)) from None

    def reply(self, body: bytes = b"", status: bytes = b"200 OK", fields: bytes = b"") -> None:
        """A whole answer."""
        size = b"Content-Length: %d\r\n" % len(body)
        self.send(b"HTTP/1.1 " + status + b"\r\n" + fields + size + b"\r\n" + body)

    def gone(self) -> bool:
        """Whether the other side closes, waiting for it; what it sends meanwhile is dropped."""
        try:
            while self.some():
                pass
        except ConnectionError:
            pass
        return True

    def reset(self) -> None:
        """Close as a crash does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.socket.close()


class Origin:
    """
    A listening socket whose connections are served by a script.

    @ivar address: C{127.0.0.1:PORT}.
    @ivar accepted: connections so far.
    @ivar failures: what scripts raised.
    """

    def __init__(
        self, script: Callable[[Caller], None], context: ssl.SSLContext | None = None
    ) -> None:
        """
        @param script: called in a thread for each connection, which is closed afterwards.
        @param context: speaks TLS; a connection whose handshake fails is not the script's.
        """
        self._script = script
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self._socket.getsockname()[1])
        self.address = f"127.0.0.1:{self.port}"
        self.accepted = 0
        self.failures: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                self._open.add(sock)
            threading.Thread(target=self._meet, args=(sock, self.accepted), daemon=True).start()

    def _meet(self, sock: socket.socket, number: int) -> None:
        if self._context is None:
            self._serve(Caller(sock, number))
            return
        sock.settimeout(PATIENCE)
        try:
            secure = self._context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        with self._lock:
            self._open.add(secure)
            self._open.discard(sock)
        self._serve(Caller(secure, number))

    def _serve(self, caller: Caller) -> None:
        try:
            self._script(caller)
            _say_goodbye(caller.socket)
        except BaseException as why:
            if not self._stopped:
                self.failures.append(why)
        finally:
            with self._lock:
                self._open.discard(caller.socket)
            caller.socket.close()

    def stop(self) -> None:
        """Close everything; scripts that still wait end with an error that nobody minds."""
        self._stopped = True
        with self._lock:
            still = [self._socket, *self._open]
        for sock in still:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._socket.close()

    def __enter__(self) -> Origin:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _say_goodbye(sock: socket.socket) -> None:
    """What a good server does at the end of its TLS, without waiting for the other side's."""
    if isinstance(sock, ssl.SSLSocket):
        try:
            sock.settimeout(0.0)
            sock.unwrap()
        except (OSError, ValueError):
            pass


@attrs.define
class Recorder:
    """
    The script of a strict member: it answers 200 to what is correct, and writes everything down.

    @ivar requests: what came, in the order of arrival; not whole where the peer closed within.
    @ivar faults: what was wrong with the rest.
    """

    requests: list[Message] = attrs.field(factory=list)
    faults: list[str] = attrs.field(factory=list)
    _news: threading.Condition = attrs.field(factory=threading.Condition)

    def __call__(self, caller: Caller) -> None:
        while True:
            try:
                message = caller.request()
            except (Malformed, ConnectionError) as why:
                if isinstance(why, Malformed):
                    self.faults.append(str(why))
                return
            if message is None:
                return
            with self._news:
                self.requests.append(message)
                self._news.notify_all()
            if not message.whole:
                return
            caller.reply(message.target)

    def of(self, target: bytes) -> list[Message]:
        """The requests for a target so far."""
        return [message for message in list(self.requests) if message.target == target]

    def wait_for(self, target: bytes) -> Message:
        """
        The first request for a target, waiting for it.

        @raise TimeoutError: it did not come.
        """
        with self._news:
            if not self._news.wait_for(lambda: self.of(target), PATIENCE):
                raise TimeoutError(target)
        return self.of(target)[0]
