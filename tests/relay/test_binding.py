"""Tests of L{fiberlb.relay.binding}: in directories of their own, on loopback."""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.relay.binding import Binding
from fiberlb.relay.inherited import Inherited
from tests.support.datagrams import free_udp_port
from tests.support.programs import temporary_directory


class BindingTests(SynchronousTestCase):
    """Where sockets come from."""

    def setUp(self) -> None:
        """A path without anything."""
        self.directory = temporary_directory()
        self.host = f"unix:{self.directory}/s"
        self.path = Path(self.directory, "s")

    def bound(self, binding: Binding, host: str = "", port: int = 0) -> socket.socket:
        """A socket."""
        sock = binding.bind("l", host or self.host, port, False, True)
        self.addCleanup(sock.close)
        return sock

    def refused(self, binding: Binding, host: str, port: int = 0) -> AddressInUse:
        """Why there is none."""
        return self.assertRaises(AddressInUse, self.bound, binding, host, port)

    def test_unix(self) -> None:
        """The file comes with the socket and is removed with the address."""
        binding = Binding()
        self.bound(binding)
        self.assertTrue(self.path.exists())
        self.assertIn("in use by another program", self.refused(Binding(), self.host).message)
        binding.release(self.host)
        binding.release(self.host)
        self.assertFalse(self.path.exists())

    def test_datagrams(self) -> None:
        """An address of datagrams beside one of connections, at the same port."""
        port = free_udp_port()
        binding = Binding()
        self.assertEqual(self.bound(binding, "127.0.0.1", port).type, socket.SOCK_STREAM)
        sock = self.bound(binding, "udp:127.0.0.1", port)
        self.assertEqual((sock.type, sock.getsockname()), (socket.SOCK_DGRAM, ("127.0.0.1", port)))
        why = self.assertRaises(AddressInUse, self.bound, binding, "udp:127.0.0.1", port)
        self.assertEqual(why.code, "address_in_use")
        binding.release("udp:127.0.0.1")

    def test_adopted(self) -> None:
        """A socket that was taken over is removed like one of our own, others are not."""
        self.bound(Binding())
        binding = Binding()
        binding.release(self.host)
        self.assertTrue(self.path.exists())
        binding.adopt(self.host)
        binding.release(self.host)
        self.assertFalse(self.path.exists())

    def test_unix_refused(self) -> None:
        """The reasons are words, and codes."""
        self.path.write_text("x")
        self.assertIn("is there and is no socket", self.refused(Binding(), self.host).message)
        why = self.refused(Binding(), f"unix:{self.directory}/no/s")
        self.assertEqual(why.code, "address_unavailable")
        self.assertIn("its directory does not exist", why.message)

    def test_inherited(self) -> None:
        """What was inherited is copied; what was not is refused."""
        sock = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(sock.close)
        binding = Binding(Inherited(frozenset({sock.fileno()})))
        found = self.bound(binding, f"fd:{sock.fileno()}")
        self.assertEqual(found.getsockname(), sock.getsockname())
        self.assertEqual(self.refused(binding, "fd:web").code, "address_unavailable")
