"""Tests of L{fiberlb.relay.datagram_sockets}."""

from __future__ import annotations

import errno
import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.model.pool import Member
from fiberlb.relay.datagram_sockets import (
    ANCILLARY,
    bind_datagrams,
    connected,
    deafen,
    given,
    local_of,
    shown,
    source_of,
)
from fiberlb.relay.member_state import MemberState
from tests.support.datagrams import datagram_socket, free_udp_port


class BindTests(SynchronousTestCase):
    """Sockets for clients."""

    def bind(self, host: str, port: int, probe: bool = True) -> socket.socket:
        """A socket, closed at the end."""
        made = bind_datagrams("l", host, port, False, probe)
        self.addCleanup(made.close)
        return made

    def test_shared(self) -> None:
        """Several of one address are possible, with somebody else's they are not."""
        port = free_udp_port()
        first = self.bind("127.0.0.1", port)
        self.assertFalse(first.getblocking())
        self.assertGreater(first.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), 1 << 18)
        self.bind("127.0.0.1", port, probe=False)
        self.assertRaises(AddressInUse, self.bind, "127.0.0.1", port)
        with datagram_socket() as other:
            why = self.assertRaises(
                AddressInUse, self.bind, "127.0.0.1", other.getsockname()[1], False
            )
        self.assertIn("in use by another program", why.message)

    def test_both_families(self) -> None:
        """C{::} takes IPv4 too; another IPv6 address does not."""
        port = free_udp_port()
        self.bind("::", port)
        self.assertRaises(AddressInUse, self.bind, "127.0.0.1", port)
        port = free_udp_port()
        self.bind("::1", port)
        self.bind("127.0.0.1", port)

    def test_not_here(self) -> None:
        """An address of another machine, unless it may come later."""
        why = self.assertRaises(AddressInUse, self.bind, "192.0.2.1", 53, False)
        self.assertIn(why.code, ("address_unavailable", "needs_privilege"))
        bind_datagrams("l", "192.0.2.1", free_udp_port(), True, True).close()

    def test_where_to(self) -> None:
        """It is told where a datagram was sent to, and answered from there."""
        for host, asked in (
            ("0.0.0.0", "127.0.0.9"),
            ("::", "127.0.0.9"),
            ("::", "::1"),
        ):
            port = free_udp_port()
            sock = self.bind(host, port)
            with datagram_socket("::" if ":" in asked else "0.0.0.0") as client:
                client.sendto(b"x", (asked, port))
                sock.setblocking(True)
                _, ancillary, _, peer = sock.recvmsg(10, ANCILLARY)
                local = local_of(ancillary)
                self.assertEqual(shown(local).removeprefix("::ffff:"), asked)
                sock.sendmsg([b"y"], source_of(local), 0, peer)
                self.assertEqual(client.recvfrom(10)[1][:2], (asked, port))
        self.assertEqual((local_of([]), source_of(b""), shown(b"")), (b"", [], ""))

    def test_link_local(self) -> None:
        """A link-local address goes with its interface."""
        packed = socket.inet_pton(socket.AF_INET6, "fe80::1") + b"\3\0\0\0"
        local = local_of([(socket.IPPROTO_IPV6, 50, packed)])
        self.assertEqual((local, shown(local)), (packed, "fe80::1"))
        self.assertEqual(source_of(local)[0][2], packed)

    def test_deafen(self) -> None:
        """It hears nobody any more, and others of the address get everything."""
        for host, asked in (("127.0.0.1", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "::1")):
            port = free_udp_port()
            deaf = self.bind(host, port)
            deafen(deaf)
            other = self.bind(host, port, probe=False)
            with datagram_socket("::" if ":" in asked else "0.0.0.0") as client:
                client.sendto(b"x", (asked, port))
                other.setblocking(True)
                other.settimeout(30)
                _, peer = other.recvfrom(10)
                self.assertRaises(BlockingIOError, deaf.recv, 10)
                deaf.sendto(b"y", peer)
                self.assertEqual(client.recvfrom(10)[1][1], port)


class ConnectedTests(SynchronousTestCase):
    """Sockets to members."""

    def test_connected(self) -> None:
        """Only the member is heard; that nobody is there is told."""
        with datagram_socket() as member:
            host, port = member.getsockname()
            state = MemberState(Member(id="m", name="m", address=host, port=port), True)
            sock = connected(state)
            self.addCleanup(sock.close)
            sock.send(b"x")
            self.assertEqual(member.recvfrom(10), (b"x", sock.getsockname()))
        copy = given(state.family, os.dup(sock.fileno()))
        self.addCleanup(copy.close)
        copy.send(b"x")
        copy.setblocking(True)
        why = self.assertRaises(OSError, copy.recv, 10)
        self.assertEqual(why.errno, errno.ECONNREFUSED)

    def test_no_way(self) -> None:
        """An address that cannot be reached fails at once, and nothing stays open."""
        state = MemberState(Member(id="m", name="m", address="255.255.255.255", port=9), True)
        before = len(os.listdir("/proc/self/fd"))
        self.assertRaises(OSError, connected, state)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
