"""What is noted of each request."""

from __future__ import annotations

from typing import NamedTuple

#: An L{Entry} as the relay makes it, without the cost of a class for each request.
Row = tuple[
    float,
    str,
    str,
    int,
    bytes,
    bytes,
    int,
    bytes,
    int,
    int,
    int,
    str,
    str,
    str,
    str | None,
    str,
    int,
    float,
    float,
    float,
    float,
    bool,
    bytes | None,
    str,
    float,
    bytes,
]


class Entry(NamedTuple):
    """
    The fields of a L{Row}, in their order.

    Times of phases are seconds; a negative one means that the phase was not reached.

    @ivar started: when the head began to arrive, wall-clock seconds.
    @ivar listener: its name.
    @ivar client: the client's address, without port and brackets.
    @ivar method: empty where there was no request, such as on a TCP listener.
    @ivar target: as it was sent.
    @ivar minor: the minor version of HTTP/1.
    @ivar block: the header block of the request: lines that begin and end with CRLF.
    @ivar status: of the answer; 0 when there was none.
    @ivar sent: bytes to the client.
    @ivar received: bytes of the request's body.
    @ivar pool: its name; empty: none.
    @ivar member: the name of the last one tried; empty: none.
    @ivar policy: its name; empty: the listener's default.
    @ivar reason: a key of L{fiberlb.errors.REASONS}, C{None} when all went well.
    @ivar tries: members tried.
    @ivar head: from the first byte of the request to the end of its head.
    @ivar connect: from there, or from the end of the wait, to the connection with the member,
        0 when it was open already.
    @ivar response: from the end of the head to the first byte of the member's answer.
    @ivar total: from C{started} to the last byte.
    @ivar secure: TLS between the client and the listener.
    @ivar sni: the server name of the handshake.
    @ivar detail: what went wrong, in words, where there is more to say than C{reason};
        without a C{reason}: with the member that was tried before.
    @ivar queued: for which it has waited for room at a member; within C{response} and C{total}.
    @ivar user: who was let in by password or token: the name, or the subject; empty: nobody was.
    """

    started: float
    listener: str
    client: str
    client_port: int
    method: bytes
    target: bytes
    minor: int
    block: bytes
    status: int
    sent: int
    received: int
    pool: str
    member: str
    policy: str
    reason: str | None
    request_id: str
    tries: int
    head: float
    connect: float
    response: float
    total: float
    secure: bool
    sni: bytes | None
    detail: str = ""
    queued: float = 0.0
    user: bytes = b""
