"""Tests of L{fiberlb.relay.held}: on loopback, with rights that nothing here needs."""

from __future__ import annotations

import json
import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import AddressInUse
from fiberlb.relay.accept import bind
from fiberlb.relay.held import Held
from tests.support.ports import free_port


def _none(listener_id: str, host: str, port: int, freebind: bool, probe: bool) -> socket.socket:
    """What a process without rights gets."""
    raise AddressInUse(listener_id, host, port, "no right", "needs_privilege")


def _hindered() -> socket.socket:
    raise OSError(13, "no right")


class HeldTests(SynchronousTestCase):
    """Sockets that cannot be made again."""

    def setUp(self) -> None:
        """A port."""
        self.held = Held(_none)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.owner = (os.getuid(), os.getgid())
        self.addCleanup(self.held.forget, self.address)

    def hold(self, count: int = 2, held: Held | None = None) -> None:
        """Make some."""
        (held or self.held).hold("l", self.address, False, count, self.owner)

    def take(self, *, probe: bool = False, held: Held | None = None) -> socket.socket:
        """One that listens."""
        sock = (held or self.held).bind("l", *self.address, False, probe)
        self.addCleanup(sock.close)
        return sock

    def taken(self) -> bool:
        """Whether somebody accepts there."""
        with socket.socket() as sock:
            return sock.connect_ex(self.address) == 0

    def test_bind(self) -> None:
        """They do not listen until they are taken; beyond them there is what there is."""
        self.hold()
        self.assertFalse(self.taken())
        self.take(probe=True)
        self.assertTrue(self.taken())
        self.take()
        why = self.assertRaises(AddressInUse, self.take)
        self.assertEqual(why.code, "needs_privilege")

    def test_not_held(self) -> None:
        """Other addresses are bound as ever."""
        self.take(held=Held())
        self.assertTrue(self.taken())
        why = self.assertRaises(AddressInUse, self.take)
        self.assertEqual(why.code, "needs_privilege")

    def test_parked(self) -> None:
        """One that is not needed listens no more, and can be taken again."""
        self.hold(1)
        for _ in range(3):
            sock = self.take()
            self.assertTrue(self.taken())
            self.held.park(self.address, sock)
            self.assertFalse(self.taken())

    def test_parked_unknown(self) -> None:
        """One of another address is closed."""
        sock = bind("l", *self.address, False, True)
        self.held.park(self.address, sock)
        self.assertEqual(sock.fileno(), -1)

    def test_forgotten(self) -> None:
        """An address that is given back is free for others."""
        self.hold()
        self.held.forget(self.address)
        with socket.socket() as sock:
            sock.bind(self.address)

    def test_in_use(self) -> None:
        """An address of another program: told when it is asked for, by whoever asks."""
        other = socket.create_server(self.address)
        self.addCleanup(other.close)
        self.hold()
        why = self.assertRaises(AddressInUse, self.held.bind, "x", *self.address, False, True)
        self.assertEqual((why.listener_id, why.code), ("x", "address_in_use"))
        self.assertIn("in use by another program", why.message)
        sock = socket.socket()
        self.held.park(self.address, sock)
        self.assertEqual(sock.fileno(), -1)

    def test_own_in_use(self) -> None:
        """Where workers of ours listen, sockets may join them, and begin nothing."""
        first = bind("l", *self.address, False, True)
        self.addCleanup(first.close)
        self.hold()
        why = self.assertRaises(AddressInUse, self.take, probe=True)
        self.assertIn("in use", why.message)
        self.assertEqual(self.take().getsockname(), self.address)

    def test_same_port(self) -> None:
        """The wildcard and one address of it are ours both."""
        self.hold()
        every = ("0.0.0.0", self.port)
        self.held.hold("l", every, False, 1, self.owner)
        self.addCleanup(self.held.forget, every)
        self.take(probe=True)
        self.addCleanup(self.held.bind("l", *every, False, True).close)

    def test_named(self) -> None:
        """Others by a name, as copies; what hindered them is told."""
        self.assertIsNone(self.held.named("a"))
        self.held.keep("a", lambda: socket.create_server(self.address))
        for _ in range(2):
            found = self.held.named("a")
            assert found is not None
            found.close()
        self.assertTrue(self.taken())
        self.held.keep("b", lambda: socket.create_server(self.address))
        self.assertRaises(OSError, self.held.named, "b")
        self.held.drop("a")
        self.held.drop("b")
        self.assertFalse(self.taken())

    def test_next_image(self) -> None:
        """Over exec: the same descriptors, which children do not get."""
        self.hold(1)
        self.held.keep("a", lambda: socket.create_server(("127.0.0.1", 0)))
        self.held.keep("b", _hindered)
        told = json.loads(json.dumps(self.held.for_the_next()))
        (fd,) = told["spare"][0][3]
        self.assertTrue(os.get_inheritable(fd))
        told["spare"][0][3] = [os.dup(fd)]
        told["named"]["a"] = os.dup(told["named"]["a"])
        other = Held(_none)
        other.receive(told)
        self.assertFalse(os.get_inheritable(told["spare"][0][3][0]))
        self.assertEqual(self.take(probe=True, held=other).getsockname(), self.address)
        self.assertTrue(self.taken())
        found = other.named("a")
        assert found is not None
        found.close()
        for held in (self.held, other):
            held.drop("a")
        other.receive({})
