"""Tests of L{fiberlb.relay.unix_sockets}: in directories of their own."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.unix_sockets import NoSocket, alive, identity, listen_unix, remove
from tests.support.programs import temporary_directory


class UnixSocketTests(SynchronousTestCase):
    """Files of sockets."""

    def setUp(self) -> None:
        """A path without anything."""
        self.path = f"{temporary_directory()}/s"

    def listening(self) -> socket.socket:
        """Ours, at the path."""
        sock = listen_unix(self.path, 16)
        self.addCleanup(sock.close)
        return sock

    def test_listens(self) -> None:
        """It does not block, and everybody may connect, whatever the umask is."""
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        sock = self.listening()
        self.assertFalse(sock.getblocking())
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o666)
        self.assertTrue(alive(self.path))

    def test_stale(self) -> None:
        """The file of a process that is gone is replaced."""
        self.listening().close()
        self.assertTrue(Path(self.path).exists() and not alive(self.path))
        self.listening()
        self.assertTrue(alive(self.path))

    def test_in_use(self) -> None:
        """One that somebody listens at stays, also with a full queue."""
        other = listen_unix(self.path, 0)
        self.addCleanup(other.close)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(self.path)
            self.addCleanup(client.close)
        why = self.assertRaises(OSError, listen_unix, self.path, 16)
        self.assertEqual(why.errno, errno.EADDRINUSE)
        self.assertEqual(other.accept()[0].family, socket.AF_UNIX)

    def test_no_socket(self) -> None:
        """What is no socket is left alone, a link to one too."""
        Path(self.path).write_text("precious")
        self.assertRaises(NoSocket, listen_unix, self.path, 16)
        self.assertEqual(Path(self.path).read_text(), "precious")
        link = self.path + ".link"
        os.symlink(self.path, link)
        self.assertRaises(NoSocket, listen_unix, link, 16)

    def test_remove(self) -> None:
        """Only the file that was meant is removed."""
        self.listening()
        ours = identity(self.path)
        os.rename(self.path, self.path + ".old")
        remove(self.path, ours)
        Path(self.path).write_text("other")
        remove(self.path, ours)
        self.assertTrue(Path(self.path).exists())
        remove(self.path + ".old", ours)
        self.assertFalse(Path(self.path + ".old").exists())
        self.assertIsNone(identity(self.path + ".old"))
