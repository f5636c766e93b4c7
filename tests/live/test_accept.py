"""Listening sockets of the system: what can be bound, and what is said when it cannot."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.relay.accept import bind
from tests.support.ports import free_port


class BindTests(SynchronousTestCase):
    """C{bind}."""

    def bound(
        self, host: str, port: int, freebind: bool = False, probe: bool = True
    ) -> socket.socket:
        """A listening socket."""
        sock = bind("l", host, port, freebind, probe)
        self.addCleanup(sock.close)
        return sock

    def refused(self, host: str, port: int) -> AddressInUse:
        """Why an address cannot be had."""
        return self.assertRaises(AddressInUse, self.bound, host, port)

    def connects(self, host: str, port: int) -> bool:
        """Whether somebody listens there."""
        try:
            socket.create_connection((host, port), timeout=5).close()
        except OSError:
            return False
        return True

    def test_options(self) -> None:
        """It does not block, and what it accepts does not wait to fill segments."""
        port = free_port()
        sock = self.bound("127.0.0.1", port)
        self.assertFalse(sock.getblocking())
        with socket.create_connection(("127.0.0.1", port)):
            sock.setblocking(True)
            accepted, _ = sock.accept()
            with accepted:
                self.assertEqual(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1)

    def test_in_use(self) -> None:
        """A port that another program has, whether that shares it or not."""
        for share in (False, True):
            with socket.socket() as other:
                if share:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                other.bind(("127.0.0.1", 0))
                other.listen()
                port = other.getsockname()[1]
                for host in ("127.0.0.1", "0.0.0.0"):
                    why = self.refused(host, port)
                    self.assertEqual((why.code, why.port), ("address_in_use", port))
                    self.assertIn(f"{host}:{port} is in use", why.message)

    def test_not_here(self) -> None:
        """An address that this host does not have, unless it may come later."""
        why = self.refused("192.0.2.1", free_port())
        self.assertEqual(why.code, "address_unavailable")
        self.bound("192.0.2.1", free_port(), freebind=True)

    def test_wildcard_and_one(self) -> None:
        """A listener may move between the wildcard and an address while both are served."""
        port = free_port()
        self.bound("0.0.0.0", port)
        self.bound("127.0.0.1", port, probe=False)
        self.assertTrue(self.connects("127.0.0.1", port))

    def test_dual_stack(self) -> None:
        """The IPv6 wildcard takes IPv4 too, another IPv6 address does not."""
        port = free_port()
        self.bound("::", port)
        self.assertTrue(self.connects("127.0.0.1", port))
        if not socket.has_ipv6 or not self.connects("::1", port):
            return
        port = free_port()
        self.bound("::1", port)
        self.assertFalse(self.connects("127.0.0.1", port))
