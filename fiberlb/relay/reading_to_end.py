"""The last bytes of a peer, and its end with them."""

from __future__ import annotations

from typing import Any


def read_to_end(conn: Any) -> None:
    """
    Read what a peer has said that says no more, and its end in the same turn where that is near.

    Who is told of the bytes knows then that they are the last (C{conn.last}), and can pass on
    both together: one packet, and one event, instead of two.

    @param conn: L{fiberlb.relay.connection.Connection}, watched for C{PEER_CLOSED} while it is
        read: the loop has told both.
    """
    data = rest = b""
    broken = False
    receive = conn.recv or conn.sock.recv
    try:
        rest = data = receive(conn.most)
        if 0 < len(data) < conn.most:
            rest = receive(conn.most - len(data))
            data += rest
        conn.last = not rest
    except BlockingIOError:
        pass
    except OSError:
        broken = True
    if data:
        conn.side.received(data)
    if conn.closed:
        return
    if broken:
        conn.break_off()
    elif conn.last:
        conn.last = False
        conn.end_input()
