"""Members and clients that speak UDP, and know what became of each datagram."""

from __future__ import annotations

import select
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.ports import free_port, is_free

#: Octets that the system holds for a socket of a test.
_QUEUE = 4 << 20
#: Seconds without an answer after which what is out is lost.
PATIENCE = 60.0
LARGEST = 65536


def datagram_socket(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A bound socket with a large queue that waits for a while."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE)
    sock.settimeout(PATIENCE)
    sock.bind((host, port))
    return sock


def free_udp_port() -> int:
    """A port that neither datagrams nor connections have."""
    while True:
        port = free_port()
        if is_free(port, socket.SOCK_DGRAM):
            return port


class Origin:
    """
    A member: answers with its name, where the datagram came from, and the datagram.

    @ivar address: C{HOST:PORT}.
    @ivar seen: how many datagrams it has got, by their first word.
    """

    def __init__(self, name: str, host: str = "127.0.0.1") -> None:
        self.name = name
        self._host = host
        self._port = 0
        self.seen: Counter[bytes] = Counter()
        self._thread: threading.Thread | None = None
        self.start()
        self.address = f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    def start(self) -> None:
        """Be there, at the same port as before."""
        self._sock = datagram_socket(self._host, self._port)
        self._port = self._sock.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(self._sock,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it is."""
        return self._port

    def _serve(self, sock: socket.socket) -> None:
        name = self.name.encode()
        sock.settimeout(None)
        while True:
            data, peer = sock.recvfrom(LARGEST)
            if data == b"end" and peer[1] == self._port:
                sock.close()
                return
            self.seen[data.partition(b" ")[0]] += 1
            told = b"%b %d " % (name, peer[1])
            sock.sendto(data if len(data) + len(told) > 65507 else told + data, peer)

    def stop(self) -> None:
        """Be gone: who sends something is refused."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._sock.sendto(b"end", self._sock.getsockname())
            thread.join(PATIENCE)


class Client:
    """One client, which waits for its answers."""

    def __init__(self, port: int, host: str = "127.0.0.1", own: str = "") -> None:
        """@param own: the address that it sends from."""
        self.socket = datagram_socket(own or ("::" if ":" in host else "0.0.0.0"))
        self.to = (host, port)

    def send(self, data: bytes) -> None:
        """Send it."""
        self.socket.sendto(data, self.to)

    def ask(self, data: bytes) -> bytes:
        """The answer, which has to come from where the question has gone."""
        self.send(data)
        found, peer = self.socket.recvfrom(LARGEST)
        assert peer[:2] == self.to, peer
        return found

    def member(self) -> str:
        """The name of the member that answers."""
        return self.ask(b"x").split(b" ")[0].decode()

    def silent(self, seconds: float = 0.5) -> bool:
        """Whether nothing comes for a while."""
        ready, _, _ = select.select([self.socket], [], [], seconds)
        return not ready

    def close(self) -> None:
        """The end."""
        self.socket.close()


class Stream:
    """
    Many clients that ask all the time, a few questions out each, in a thread.

    @ivar answered: how many have been.
    @ivar wrong: answers that are not what was asked, and to whom.
    @ivar members: of each client: which member has answered from which port of the balancer,
        whenever that has changed.
    """

    def __init__(self, port: int, clients: int = 40, window: int = 2, size: int = 200) -> None:
        self.answered = self.sent = 0
        self.wrong: list[bytes] = []
        self.members: list[list[tuple[str, int]]] = [[] for _ in range(clients)]
        self._window = window
        self._pad = b"x" * size
        self._port = port
        self._sockets = [datagram_socket() for _ in range(clients)]
        self._more = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        poller = select.epoll()
        numbers = {sock.fileno(): number for number, sock in enumerate(self._sockets)}
        out = [0] * len(self._sockets)
        for number, sock in enumerate(self._sockets):
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self._port))
            poller.register(sock, select.EPOLLIN)
            self._fill(number, out)
        while True:
            found = poller.poll(PATIENCE if self._more else 3.0)
            for descriptor, _ in found:
                number = numbers[descriptor]
                self._take(number, out)
                if self._more:
                    self._fill(number, out)
            if not found or not (self._more or any(out)):
                break
        poller.close()
        for sock in self._sockets:
            sock.close()

    def _fill(self, number: int, out: list[int]) -> None:
        while out[number] < self._window:
            out[number] += 1
            self.sent += 1
            self._sockets[number].send(b"%d %d %b" % (number, self.sent, self._pad))

    def _take(self, number: int, out: list[int]) -> None:
        while True:
            try:
                data = self._sockets[number].recv(LARGEST)
            except OSError:
                return
            out[number] -= 1
            self.answered += 1
            name, port, asked, _, rest = [*data.split(b" ", 4), b"", b""][:5]
            if asked != b"%d" % number or rest != self._pad:
                self.wrong.append(data[:80])
                continue
            member = (name.decode(), int(port))
            if not self.members[number] or self.members[number][-1] != member:
                self.members[number].append(member)

    def wait(self, wait_until: Callable[[Callable[[], bool]], Any], more: int = 2000) -> None:
        """Until so many further questions have been answered."""
        wanted = self.answered + more
        wait_until(lambda: self.answered >= wanted or not self._thread.is_alive())
        assert self._thread.is_alive(), f"{self.answered} of {self.sent} answered, then nothing"

    def stop(self) -> int:
        """Wait for the last answers; how many did not come."""
        self._more = False
        self._thread.join(PATIENCE * 2)
        return self.sent - self.answered
