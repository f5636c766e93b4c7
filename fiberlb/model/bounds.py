"""Limits and timeouts: the values in force where nothing else is said."""

from __future__ import annotations

import attrs

from fiberlb.model.fields import Whole, field
from fiberlb.model.quantities import Duration, Size

_SPAN = Duration(endless=True)


@attrs.frozen(kw_only=True)
class Timeouts:
    """
    Seconds; C{None} is no limit (product page, "Timeouts").

    @ivar tls_handshake: total, from accept.
    @ivar client_header: total, from accept or from the first byte of a later request.
    @ivar keep_alive: idle between requests.
    @ivar client_body_idle: without a byte of the request's body.
    @ivar client_write_idle: in which the client takes no byte of the answer.
    @ivar member_connect: one attempt.
    @ivar member_response: from the request sent to the final head of the answer.
    @ivar member_body_idle: between pieces of the answer's body.
    @ivar member_keep_alive: an idle connection to a member is closed after it.
    @ivar tunnel: idle in both directions.
    @ivar udp_idle: without a datagram in either direction a flow ends.
    """

    tls_handshake: float | None = field(_SPAN, 10.0)
    client_header: float | None = field(_SPAN, 10.0)
    keep_alive: float | None = field(_SPAN, 75.0)
    client_body_idle: float | None = field(_SPAN, 30.0)
    client_write_idle: float | None = field(_SPAN, 30.0)
    member_connect: float | None = field(_SPAN, 5.0)
    member_response: float | None = field(_SPAN, 60.0)
    member_body_idle: float | None = field(_SPAN, 300.0)
    member_keep_alive: float | None = field(_SPAN, 4.0)
    tunnel: float | None = field(_SPAN, 3600.0)
    udp_idle: float = field(Duration(), 30.0)


#: The timeouts that a pool may override.
POOL_TIMEOUTS = (
    "member_connect",
    "member_response",
    "member_body_idle",
    "member_keep_alive",
    "tunnel",
)
#: The timeouts that a policy may override.
POLICY_TIMEOUTS = ("member_response", "member_body_idle", "tunnel")


@attrs.frozen(kw_only=True)
class Limits:
    """
    Bounds of a message, in bytes or pieces.

    @ivar uri: the request's target.
    @ivar header: one field line.
    @ivar head: the whole head.
    @ivar header_count: field lines in a head.
    @ivar trailers: the trailer section.
    @ivar informational: 1xx answers before the final one.
    @ivar chunk_extension: the extensions of one chunk.
    @ivar body: a request's body; C{None} is no limit.
    """

    uri: int = field(Size(64), 16 * 1024)
    header: int = field(Size(64), 16 * 1024)
    head: int = field(Size(256), 64 * 1024)
    header_count: int = field(Whole(1, 10000), 128)
    trailers: int = field(Size(0), 16 * 1024)
    informational: int = field(Whole(0, 1000), 16)
    chunk_extension: int = field(Size(0, bare=True), 256)
    body: int | None = field(Size(0, endless=True), None)
