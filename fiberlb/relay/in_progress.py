"""
What is known of the request in progress, from its first byte to its line in the log.

One object serves the requests of a connection, one after the other; nothing is allocated for
the next one. What is done with it is L{fiberlb.relay.exchange}'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fiberlb.relay.connection import Connection
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.runtime import Cell, Route
from fiberlb.relay.upstream_h1 import Upstream
from fiberlb.tls.shown import Shown
from fiberlb.wire.chunked import Chunked


class InProgress:
    """
    The state of the request in progress; one object serves request after request.

    @ivar conn: the client's connection; its owner sets it before anything is asked of the exchange.
    @ivar up: the member's side, C{None} before there is one and after it was let go.
    @ivar busy: a request is in progress.
    @ivar peer: the address that has connected.
    @ivar destination: what a PROXY header says it has connected to; C{None}: this listener.
    @ivar alpn: the protocol agreed on in the handshake, or those offered where TLS passes through.
    @ivar client: the client's address: the peer's, or what a trusted peer says it is.
    @ivar out: the request's head as it is sent to the member.
    @ivar left: octets of the request's body still to come, where their number is known.
    @ivar chunks: the request's chunked body, where it is not.
    @ivar member_name: of the last one tried, for the log; C{failures}: L{fiberlb.observe.kept}.
    @ivar elsewhere: how many of C{tries} were at the pool that another one stands in for now.
    @ivar held: what of the body has been sent, for sending it again.
    @ivar expecting: the client sends the body that is still to come only after an answer of 100.
    @ivar head_sent: the answer has begun.
    @ivar affinity: what keeps the client at its member; C{presented}: what the head tells it.
    @ivar user: who was let in, by the guards that know it; for the log.
    @ivar shown: the certificate that the client has shown in the handshake.
    @ivar waiting: the queue (L{fiberlb.relay.queue.Queue}) that it waits in for a member, or the
        gate (L{fiberlb.relay.treating_h1.Wait});
        C{queued}: seconds that it has waited; C{unsent}: what the member then gets, if it is
        not the whole request.
    @ivar authority, added: see L{fiberlb.treatment.draft.Asked}; not kept up to date without one.
    @ivar filter: what the content of the answer goes through, if anything.
    @ivar half_closed: the client sends no more.
    @ivar started: when the request's first byte came, before that since when it is waited for;
        C{head_at}, C{connected_at} and C{answered_at} are the later phases, 0 for not reached.
    """

    conn: Connection

    __slots__ = (
        "added",
        "affinity",
        "alpn",
        "answered_at",
        "authority",
        "body_at",
        "body_mark",
        "body_since",
        "busy",
        "cell",
        "charged",
        "chunks",
        "client",
        "conn",
        "connected_at",
        "destination",
        "detail",
        "elsewhere",
        "expecting",
        "failures",
        "filter",
        "half_closed",
        "head_at",
        "head_sent",
        "held",
        "held_octets",
        "keep",
        "left",
        "member",
        "member_name",
        "method",
        "minor",
        "out",
        "peer",
        "peer_port",
        "presented",
        "queued",
        "raw",
        "received_octets",
        "request_id",
        "route",
        "sent_octets",
        "shown",
        "sni",
        "started",
        "status",
        "target",
        "tried",
        "tries",
        "unsent",
        "up",
        "upgrade",
        "user",
        "waiting",
    )

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        self.cell = cell
        self.peer = self.client = peer
        self.peer_port = peer_port
        self.sni: bytes | None = None
        self.alpn: tuple[bytes, ...] = ()
        self.destination: tuple[str, int] | None = None
        self.shown: Shown | None = None
        self.half_closed = self.expecting = False
        self.started = 0.0
        self.method = self.target = self.raw = self.out = self.upgrade = b""
        self.minor, self.keep = 1, True
        self.authority = self.added = b""
        self.filter: Any = None
        self.waiting: Any = None
        self.unsent: Any = None
        self.route: Route | None = None
        self.presented: Sequence[bytes] = ()
        self.clear()

    def clear(self) -> None:
        """Forget the last request."""
        self.raw = self.out = b""
        self.busy = False
        self.up: Upstream | None = None
        self.member: MemberState | None = None
        self.affinity: Any = None
        self.head_sent = False
        self.chunks: Chunked | None = None
        self.held: list[bytes] | None = None
        self.left = self.held_octets = self.received_octets = self.sent_octets = 0
        self.tried: tuple[str, ...] = ()
        self.failures: tuple[Any, ...] = ()
        self.tries = self.elsewhere = self.charged = self.status = 0
        self.head_at = self.connected_at = self.answered_at = self.queued = 0.0
        self.member_name = self.request_id = self.detail = ""
        self.user = b""

    @property
    def uploading(self) -> bool:
        """There is more of the request to come, and it is the client's turn to send it."""
        return bool(self.left or self.chunks is not None) and not self.expecting

    def block(self) -> bytes:
        """The header block of the request in progress as it was sent, for the log."""
        return self.raw
