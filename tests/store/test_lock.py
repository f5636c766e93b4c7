"""Tests of L{fiberlb.store.lock}; that a killed process is in nobody's way is a live test."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.lock import NAME, StateDirectoryError, StateDirectoryInUse, StateLock, hold


class LockTests(SynchronousTestCase):
    """Holding a state directory; two descriptors exclude each other as two processes do."""

    def setUp(self) -> None:
        """The path of a directory that does not exist."""
        self.directory = os.path.join(self.mktemp(), "state")
        self.addCleanup(os.umask, os.umask(0))

    def test_hold(self) -> None:
        """The directory is made for its owner alone, and the lock names the process."""
        self.addCleanup(hold(self.directory, 4711).release)
        path = os.path.join(self.directory, NAME)
        self.assertEqual(os.stat(self.directory).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path) as file:
            self.assertEqual(file.read(), "4711\n")

    def test_in_use(self) -> None:
        """The next one is told which process is in its way."""
        self.addCleanup(hold(self.directory, 4711).release)
        with self.assertRaises(StateDirectoryInUse) as caught:
            hold(self.directory, 4712)
        self.assertEqual(caught.exception.pid, 4711)
        self.assertEqual(
            str(caught.exception), f"{self.directory}: the process 4711 uses this state directory"
        )

    def test_no_pid_yet(self) -> None:
        """A holder that has not said yet who it is, is another process."""
        self.addCleanup(hold(self.directory, 4711).release)
        os.truncate(os.path.join(self.directory, NAME), 0)
        with self.assertRaises(StateDirectoryInUse) as caught:
            hold(self.directory, 4712)
        self.assertIsNone(caught.exception.pid)
        self.assertIn("another process", str(caught.exception))

    def test_release(self) -> None:
        """What was given back can be held again; giving it back twice is harmless."""
        first = hold(self.directory, 123456)
        first.release()
        first.release()
        self.addCleanup(hold(self.directory, 7).release)
        with open(os.path.join(self.directory, NAME)) as file:
            self.assertEqual(file.read(), "7\n")

    def test_leave(self) -> None:
        """A copy of the process gives up its part, and the lock is held still."""
        lock = hold(self.directory, 7)
        self.addCleanup(lock.release)
        assert lock._number is not None
        copy = StateLock(os.dup(lock._number))
        for _ in range(2):
            copy.leave()
        copy.release()
        with self.assertRaises(StateDirectoryInUse) as caught:
            hold(self.directory, 8)
        self.assertEqual(caught.exception.pid, 7)

    def test_open_to_everyone(self) -> None:
        """A directory in which anyone could replace the files is refused, with the remedy."""
        os.makedirs(self.directory)
        os.chmod(self.directory, 0o777)
        with self.assertRaises(StateDirectoryError) as caught:
            hold(self.directory, 1)
        self.assertIn(f"chmod 700 {self.directory}", str(caught.exception))

    def test_impossible(self) -> None:
        """A place that cannot be used is named."""
        os.makedirs(self.directory, 0o700)
        os.mkdir(os.path.join(self.directory, NAME))
        with self.assertRaises(StateDirectoryError) as caught:
            hold(self.directory, 1)
        self.assertIn(os.path.join(self.directory, NAME), str(caught.exception))
        os.rmdir(os.path.join(self.directory, NAME))
        os.symlink("/etc/passwd", os.path.join(self.directory, NAME))
        self.assertRaises(StateDirectoryError, hold, self.directory, 1)
