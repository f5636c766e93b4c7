"""Datagram sockets: bound for clients, connected to members, and where an answer leaves from."""

from __future__ import annotations

import errno
import socket
from socket import SocketType
from typing import Any, Final

from fiberlb.relay.accept import freely, refusal
from fiberlb.relay.member_state import MemberState

#: Octets of the largest datagram there is (65,527 over IPv6), rounded up.
LARGEST: Final = 65536
#: Octets of datagrams that the system may hold until they are read, of clients and of one member;
#: it takes less where net.core.rmem_max is less, and memory only for what is there.
QUEUE: Final = 4 << 20
MEMBER_QUEUE: Final = 1 << 20
#: Octets of ancillary data that say where a datagram was sent to.
ANCILLARY: Final = socket.CMSG_SPACE(20)
#: Addresses that stand for all of the machine.
ANYWHERE: Final = ("0.0.0.0", "::")

_KIND: Final = int(socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_V4: Final = int(socket.AF_INET)
_SOL, _RCVBUF = int(socket.SOL_SOCKET), int(socket.SO_RCVBUF)
_IP, _IP6 = int(socket.IPPROTO_IP), int(socket.IPPROTO_IPV6)
_IP_PKTINFO: Final = 8
_IPV6_RECVPKTINFO, _IPV6_PKTINFO = 49, 50

#: Ancillary data as C{sendmsg} takes it.
Source = list[tuple[int, int, bytes]]


def bind_datagrams(
    listener_id: str, host: str, port: int, freebind: bool, probe: bool
) -> socket.socket:
    """
    A socket that takes datagrams; see L{fiberlb.relay.accept.bind} for C{probe}.

    @raise fiberlb.errors.AddressInUse: it cannot be had, in words for the person who asked.
    """
    try:
        if probe:
            _open(host, port, freebind, shared=False).close()
        return _open(host, port, freebind, shared=True)
    except OSError as why:
        if host == "::" and why.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            return bind_datagrams(listener_id, "0.0.0.0", port, freebind, probe)
        raise refusal(listener_id, host, port, why) from why


def _open(host: str, port: int, freebind: bool, shared: bool) -> socket.socket:
    v6 = ":" in host
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, _KIND)
    try:
        # Not SO_REUSEADDR: with it datagram sockets share an address with anybody.
        if shared:
            sock.setsockopt(_SOL, socket.SO_REUSEPORT, 1)
        if v6:
            sock.setsockopt(_IP6, socket.IPV6_V6ONLY, int(host != "::"))
        if freebind:
            freely(sock, v6)
        sock.setsockopt(_SOL, _RCVBUF, QUEUE)
        if host in ANYWHERE:
            if v6:
                sock.setsockopt(_IP6, _IPV6_RECVPKTINFO, 1)
            else:
                sock.setsockopt(_IP, _IP_PKTINFO, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def connected(member: MemberState) -> Any:
    """
    A socket that speaks with this member and hears nobody else, nor misses that it is not there.

    @raise OSError: there is no way to it, or no descriptor left.
    """
    sock: Any = SocketType(member.family, _KIND)
    try:
        sock.setsockopt(_SOL, _RCVBUF, MEMBER_QUEUE)
        sock.connect(member.address)
    except OSError:
        sock.close()
        raise
    return sock


def given(family: int, descriptor: int) -> Any:
    """A socket of this family that another process has passed on."""
    return SocketType(family, int(socket.SOCK_DGRAM), 0, descriptor)


def local_of(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    """
    The address of ours that a datagram was sent to, packed; of link-local ones with the interface.

    Empty where the system did not say (ip(7), in_pktinfo; RFC 3542, 6.2).
    """
    for level, kind, data in ancillary:
        if level == _IP and kind == _IP_PKTINFO:
            return data[4:8]
        if level == _IP6 and kind == _IPV6_PKTINFO:
            return data[:20] if data[:1] == b"\xfe" else data[:16]
    return b""


def source_of(local: bytes) -> Source:
    """What has an answer leave from where L{local_of} says that the question has come in."""
    if not local:
        return []
    if len(local) == 4:
        return [(_IP, _IP_PKTINFO, b"\0\0\0\0" + local + b"\0\0\0\0")]
    return [(_IP6, _IPV6_PKTINFO, local.ljust(20, b"\0"))]


def shown(local: bytes) -> str:
    """The address in L{local_of}, as text; empty where there is none."""
    if not local:
        return ""
    return socket.inet_ntop(_V4 if len(local) == 4 else socket.AF_INET6, local[:16])


def deafen(sock: Any) -> None:
    """
    Have a bound socket hear nobody any more, and be no part of those that share its address.

    It still sends from there: to be called when what has come was read, and answers are due.
    """
    name = sock.getsockname()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name[0], name[0])
    try:
        # Connected sockets are passed over for everybody but their peer, here itself.
        sock.connect((host, name[1], *name[2:]))
    except OSError:
        pass
