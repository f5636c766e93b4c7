"""First bytes of connections: ClientHellos and PROXY headers, however they are cut."""

from __future__ import annotations

from fiberlb.errors import Fault
from fiberlb.wire import proxy_protocol
from fiberlb.wire.client_hello import MOST, ClientHello, HelloRefused
from tests.wire.hellos import seen_by_openssl


def _hello(data: bytes, size: int) -> tuple[object, ...]:
    """What comes of it in pieces of this size, up to the end or the first refusal."""
    hello = ClientHello()
    for at in range(0, len(data), size):
        try:
            if hello.feed(data[at : at + size]):
                return "whole", hello.server_name, hello.protocols
        except HelloRefused as why:
            return "refused", why.alert
    return ("waits",)


def check_hello(data: bytes) -> None:
    """Cuts change nothing, and OpenSSL finds no other name in what is taken."""
    in_one = _hello(data, len(data) or 1)
    single = _hello(data, 1)
    # In one piece a fault behind the one that single octets meet first may be told in its place.
    assert in_one[0] == single[0], (in_one, single)
    assert in_one[0] != "whole" or in_one == single, (in_one, single)
    if in_one[0] == "whole" and len(data) <= MOST:
        accepted, name = seen_by_openssl(data)
        assert not accepted or name == in_one[1], (name, in_one)


def check_proxy(data: bytes) -> None:
    """Nothing shorter than the header is one, and what is read is written alike."""
    try:
        found = proxy_protocol.parse(data)
    except Fault as why:
        assert why.reason == "bad_request"
        return
    if found is None:
        assert len(data) < proxy_protocol.FIXED + proxy_protocol.MOST_BINARY
        return
    end, ends = found
    for at in range(end):
        assert proxy_protocol.parse(data[:at]) is None, at
    assert proxy_protocol.parse(data[:end]) == found
    if ends is not None:
        for header in (proxy_protocol.text(ends), proxy_protocol.binary(ends)):
            assert proxy_protocol.parse(header) == (len(header), ends), header
