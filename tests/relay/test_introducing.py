"""What members are told first; with connections behind it in C{test_preamble}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import ProxyVersion
from fiberlb.relay.introducing import INTRODUCTIONS, version_1, version_2
from fiberlb.wire.proxy_protocol import ALPN, AUTHORITY, LOCAL, UNKNOWN, binary, text


class Some:
    """Anything with these attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


def exchange(
    name: Any = ("::ffff:192.0.2.100", 80, 0, 0), secure: bool = True, **fields: Any
) -> Any:
    """An exchange whose client has connected to C{name}."""
    made = {"client": "192.0.2.7", "peer": "192.0.2.7", "peer_port": 40000, "sni": None}
    made |= {"alpn": (), "destination": None}
    conn = Some(sock=Some(getsockname=lambda: name))
    return Some(**{**made, **fields}, conn=conn, cell=Some(plan=Some(secure=secure)))


ENDS = (("192.0.2.7", 40000), ("192.0.2.100", 80))


class IntroducingTests(SynchronousTestCase):
    """Both versions."""

    def test_all(self) -> None:
        """Every version has its header."""
        self.assertEqual(set(INTRODUCTIONS), set(ProxyVersion))

    def test_addresses(self) -> None:
        """IPv4 as itself; the port of a client that a field names is not known; no IP, nothing."""
        self.assertEqual(version_1(exchange()), text(ENDS))
        self.assertEqual(version_2(exchange()), binary(ENDS))
        told = exchange(client="2001:db8::1")
        self.assertEqual(version_1(told), text((("2001:db8::1", 0), ENDS[1])))
        self.assertEqual(version_1(exchange("/run/fiberlb")), UNKNOWN)
        self.assertEqual(version_2(exchange("/run/fiberlb")), LOCAL)
        other = ("198.51.100.1", 443)
        self.assertEqual(version_1(exchange(destination=other)), text((ENDS[0], other)))

    def test_fields(self) -> None:
        """Server name and protocol, the protocol only where it has been agreed on here."""
        given: dict[str, Any] = {"sni": b"a.example", "alpn": (b"h2", b"http/1.1")}
        name = (AUTHORITY, b"a.example")
        self.assertEqual(version_2(exchange(**given)), binary(ENDS, [(ALPN, b"h2"), name]))
        self.assertEqual(version_2(exchange(secure=False, **given)), binary(ENDS, [name]))
