"""Pipes of a process."""

from __future__ import annotations

import os
import resource
import socket

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.pipes import WORTHWHILE, Pipes


class PipesTests(SynchronousTestCase):
    """The pipes of a process."""

    def test_again(self) -> None:
        """An empty pipe is used again, one with bytes in it never."""
        pipes = Pipes()
        first = pipes.take()
        assert first is not None
        self.assertGreaterEqual(first.size, WORTHWHILE)
        pipes.give(first, True)
        self.assertIs(pipes.take(), first)
        os.write(first.write, b"x")
        pipes.give(first, False)
        self.assertEqual(pipes.used, 0)
        self.assertRaises(OSError, os.fstat, first.read)
        second = pipes.take()
        self.assertIsNot(second, first)
        assert second is not None
        pipes.give(second, True)
        pipes.close()
        self.assertRaises(OSError, os.fstat, second.read)

    def test_eased(self) -> None:
        """Those that nobody wants are closed in time; one that is used again stays."""
        pipes = Pipes()
        made = [pipe for pipe in (pipes.take() for _ in range(20)) if pipe is not None]
        for pipe in made:
            pipes.give(pipe, True)
        pipes.ease()
        for _ in range(40):
            used = pipes.take()
            assert used is made[-1]
            pipes.give(used, True)
            pipes.ease()
        used = made[-1]
        os.fstat(used.read)
        self.assertIs(pipes.take(), used)
        pipes.give(used, True)
        pipes.ease()
        pipes.ease()
        for pipe in made:
            self.assertRaises(OSError, os.fstat, pipe.read)

    def test_smaller(self) -> None:
        """The more there are, the smaller they get: a user has so much memory for them."""
        pipes = Pipes()
        made = [pipes.take() for _ in range(40)]
        sizes = [pipe.size for pipe in made if pipe is not None]
        self.assertEqual(len(sizes), 40)
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertLess(sizes[-1], sizes[0])
        for pipe in made:
            assert pipe is not None
            pipes.give(pipe, True)
        self.assertEqual(pipes.used, 0)
        pipes.close()


class ErrorTests(SynchronousTestCase):
    """What the system may refuse."""

    def test_bounded(self) -> None:
        """There are only so many pipes."""
        pipes = Pipes()
        pipes.used = 1 << 20
        self.assertIsNone(pipes.take())

    def test_no_descriptors(self) -> None:
        """Without descriptors there is none, and bytes are copied."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        pipes = Pipes()
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            self.assertIsNone(pipes.take())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual(pipes.used, 0)

    def test_share(self) -> None:
        """They take a quarter of the descriptors that the process may have, no more."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, limits[1]))
        try:
            pipes = Pipes()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        made = [pipe for pipe in (pipes.take() for _ in range(60)) if pipe is not None]
        self.assertEqual(len(made), 400 // 8)
        for pipe in made:
            pipe.close()

    def test_not_asked_again(self) -> None:
        """After there was none, the next ones who ask are told so without a system call."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        pipes = Pipes()
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            self.assertIsNone(pipes.take())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        found = [pipes.take() for _ in range(65)]
        self.assertEqual(found[:64], [None] * 64)
        made = found[64]
        assert made is not None
        pipes.give(made, True)
        pipes.close()

    def test_useless(self) -> None:
        """A system that does not splice gives none."""
        pipes = Pipes()
        pipes.useless = True
        self.assertIsNone(pipes.take())


class MoveTests(SynchronousTestCase):
    """Bytes through one pipe."""

    def setUp(self) -> None:
        """A pipe, and a pair of sockets."""
        self.pipes = Pipes()
        made = self.pipes.take()
        assert made is not None
        self.pipe = made
        self.addCleanup(made.close)
        self.one, self.two = socket.socketpair()
        for end in (self.one, self.two):
            end.setblocking(False)
            self.addCleanup(end.close)

    def test_moves(self) -> None:
        """In, and out, as many as are asked for; nothing at the moment, and the end."""
        self.assertRaises(BlockingIOError, self.pipe.fill, self.two.fileno(), 100)
        self.one.send(b"abcdef")
        self.assertEqual(self.pipe.fill(self.two.fileno(), 4), 4)
        self.assertEqual(self.pipe.drain(self.two.fileno(), 4, False), 4)
        self.assertEqual(self.one.recv(10), b"abcd")
        self.one.shutdown(socket.SHUT_WR)
        self.assertEqual(self.pipe.fill(self.two.fileno(), 100), 2)
        self.assertEqual(self.pipe.fill(self.two.fileno(), 100), 0)
        self.assertEqual(self.pipe.rescue(2), b"ef")
