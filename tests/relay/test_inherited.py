"""Tests of L{fiberlb.relay.inherited}: with descriptors of this process."""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.inherited import Inherited, inherited


class InheritedTests(SynchronousTestCase):
    """What a process was started with."""

    def socket(self, *, listens: bool = True, inheritable: bool = True) -> socket.socket:
        """A socket at a port of loopback."""
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        if listens:
            sock.listen()
        os.set_inheritable(sock.fileno(), inheritable)
        return sock

    def test_found(self) -> None:
        """Only what listens, and was not opened by the process itself."""
        good = self.socket().fileno()
        mute, own = self.socket(listens=False), self.socket(inheritable=False)
        found = inherited({}, 1).descriptors
        self.assertIn(good, found)
        self.assertFalse(found & {mute.fileno(), own.fileno()})

    def test_names(self) -> None:
        """Names are of this process only, and count from descriptor 3."""
        environment = {"LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:a"}
        self.assertEqual(inherited(environment, 7).names, {"a": (3, 5), "b": (4,)})
        self.assertEqual(inherited(environment, 8).names, {})
        self.assertEqual(inherited({**environment, "LISTEN_FDS": "x"}, 7).names, {})

    def test_copy(self) -> None:
        """A copy accepts from the same queue, does not block, and is not passed on."""
        sock = self.socket()
        given = Inherited(frozenset({sock.fileno()}), {"web": (sock.fileno(),)})
        copy = given.copy("fd:web")
        self.addCleanup(copy.close)
        self.assertEqual(copy.getsockname(), sock.getsockname())
        self.assertFalse(copy.getblocking() or copy.get_inheritable())
        with socket.create_connection(sock.getsockname()):
            copy.setblocking(True)
            accepted, _ = copy.accept()
            self.assertEqual(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1)
            accepted.close()

    def test_missing(self) -> None:
        """None, several of one name, and a name of what is no listening socket."""
        given = Inherited(frozenset({3, 4}), {"web": (3, 4), "other": (9,)})
        for address, message in (
            ("fd:5", "not started with a listening socket fd:5"),
            ("fd:other", "not started with a listening socket fd:other"),
            ("fd:web", "several sockets are named web: use fd:3 and fd:4"),
        ):
            why = self.assertRaises(LookupError, given.find, address)
            self.assertIn(message, why.args[0])
        self.assertEqual(given.find("fd:4"), 4)
