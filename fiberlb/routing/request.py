"""A request as rules and redirects see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from fiberlb.routing.path import PLAIN_TARGET, readings

_match_plain = PLAIN_TARGET.match


def host_name(authority: bytes) -> bytes:
    """The name of C{host[:port]}: lower case, without port and final dot; brackets stay."""
    name = authority.lower()
    if b":" in name:
        name = name[: name.find(b"]") + 1] if name[:1] == b"[" else name[: name.index(b":")]
    return name[:-1] if name[-1:] == b"." else name


def origin_form(target: bytes) -> bytes:
    """Path and query of a target as sent: an absolute-form loses its scheme and authority."""
    if target[:1] == b"/" or b"://" not in target:
        return target
    rest = target[target.index(b"://") + 3 :]
    starts = [at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0]
    if not starts:
        return b"/"
    uri = rest[min(starts) :]
    return uri if uri[:1] == b"/" else b"/" + uri


def network_bits(network: IPv4Network | IPv6Network) -> bytes:
    """
    What the L{Request.address_bits} of exactly the network's addresses begin with.

    IPv4 within IPv6 (RFC 4291, 2.5.5.2) is IPv4.
    """
    bits = address_bits(network.network_address)
    cut = network.max_prefixlen - network.prefixlen
    return bits[: len(bits) - cut]


def address_bits(address: IPv4Address | IPv6Address) -> bytes:
    """The family of an address, then its bits, each a digit."""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is None:
            return b"6" + format(int(address), "0128b").encode()
        address = mapped
    return b"4" + format(int(address), "032b").encode()


class Request:
    """
    One request, built by whoever read its head, only where policies exist.

    What is derived is computed when first asked for and kept.

    @ivar method: as sent.
    @ivar target: as sent: origin-form, absolute-form or C{*}.
    @ivar authority: the Host field or the authority of an absolute-form, as
        sent; C{b""} if there is none.
    @ivar block: the validated field lines: C{b"\\r\\nName: value\\r\\n"}, each ending
        with CRLF, and C{b"\\r\\n"} when there are none.
    @ivar sni: the server name of the handshake; C{None} without one.
    @ivar protocols: what was agreed on by ALPN, or is offered where TLS is passed through.
    @ivar source: the client's address.
    @ivar secure: the request came over TLS.
    @ivar port: of the listener.
    @ivar client: of the certificate that the client has shown the values of each attribute
        of its subject, by the attribute's short name in lower case; C{None} without one.
    @ivar path: the normal form (L{fiberlb.routing.path}), what rules compare.
    @ivar other: the path's second reading, C{b""} if the path must not pass,
        C{None} for nearly every path: it has one reading.
    """

    __slots__ = (
        "_address",
        "_folded",
        "_host",
        "_kept",
        "authority",
        "block",
        "client",
        "method",
        "other",
        "path",
        "port",
        "protocols",
        "secure",
        "sni",
        "source",
        "target",
    )

    def __init__(
        self,
        method: bytes,
        target: bytes,
        authority: bytes,
        block: bytes,
        sni: bytes | None,
        secure: bool,
        port: int,
        source: str = "",
        protocols: Sequence[bytes] = (),
        client: Mapping[bytes, Sequence[bytes]] | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.authority = authority
        self.block = block
        self.sni = sni
        self.secure = secure
        self.port = port
        self.source = source
        self.protocols = protocols
        self._address: bytes | None = None
        self.client = client
        self._host: bytes | None = None
        self._folded: bytes | None = None
        self._kept: dict[bytes, Any] | None = None
        # Every evaluation begins with the path, so this is not worth a later call.
        plain = _match_plain(target)
        self.path: bytes
        self.other: bytes | None
        if plain is not None:
            self.path = plain[1]
            self.other = None
        else:
            self.path, self.other = readings(self.uri.partition(b"?")[0])

    @property
    def host(self) -> bytes:
        """The name without port, in lower case; C{b""} if the request names none."""
        host = self._host
        if host is None:
            host = self._host = host_name(self.authority)
        return host

    @property
    def address_bits(self) -> bytes:
        """The client's address, a character for each bit; C{b""} if it has none."""
        bits = self._address
        if bits is None:
            try:
                bits = address_bits(ip_address(self.source))
            except ValueError:
                # A client by another way than IP.
                bits = b""
            self._address = bits
        return bits

    @property
    def uri(self) -> bytes:
        """Path and query exactly as sent, also of an absolute-form."""
        return origin_form(self.target)

    @property
    def query(self) -> bytes | None:
        """What follows the first question mark, as sent; C{None} without one."""
        _, mark, query = self.uri.partition(b"?")
        return query if mark else None

    @property
    def folded(self) -> bytes:
        """The field lines in lower case, to find names in; offsets are those of C{block}."""
        folded = self._folded
        if folded is None:
            folded = self._folded = self.block.lower()
        return folded

    @property
    def kept(self) -> dict[bytes, Any]:
        """What rules have read of the field lines, for the next rule that needs it."""
        kept = self._kept
        if kept is None:
            kept = self._kept = {}
        return kept
