"""Tests of L{fiberlb.store.key_file}."""

from __future__ import annotations

import base64
import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.key_file import FILE_LIMIT, KeyFileError, check_access, load_keyring, read_keys
from fiberlb.store.sealed import Keyring

ONE, TWO = b"1" * 32, b"2" * 32


def line(key: bytes) -> bytes:
    """A line of a key file."""
    return base64.b64encode(key) + b"\n"


def name_of(key: bytes) -> str:
    """The id that a key gets."""
    return Keyring([key], os.urandom).key_ids[0]


class _FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        """A directory to work in."""
        self.directory = self.mktemp()
        os.mkdir(self.directory)

    def write(self, name: str, content: bytes, mode: int = 0o600) -> str:
        """Make a file; its path."""
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path


class ReadTests(_FileTests):
    """What a key file holds."""

    def refused(self, path: str) -> str:
        """What reading it says, without the path in front."""
        with self.assertRaises(KeyFileError) as caught:
            read_keys(path)
        self.assertTrue(str(caught.exception).startswith(path))
        self.assertIsNone(caught.exception.__cause__)
        return str(caught.exception)[len(path) :]

    def test_keys(self) -> None:
        """Keys come in their order; comments, empty lines and foreign line ends are skipped."""
        content = b"# new\n" + line(ONE) + b"\n  # old\r\n" + base64.b64encode(TWO) + b"\r\n"
        self.assertEqual(read_keys(self.write("key", content)), [ONE, TWO])
        self.assertEqual(read_keys(self.write("key", base64.b64encode(ONE))), [ONE])

    def test_missing(self) -> None:
        """A missing file is not made, but the message says how to."""
        path = os.path.join(self.directory, "none")
        self.assertIn("no such key file; to make one: (umask 077; head -c 32", self.refused(path))
        self.assertFalse(os.path.exists(path))

    def test_recipe(self) -> None:
        """The command that the message gives makes a key file that is accepted."""
        path = os.path.join(self.directory, "made")
        command = self.refused(path).partition("to make one: ")[2]
        self.assertEqual(os.system(command), 0)
        self.assertEqual(len(read_keys(path)), 1)

    def test_bad_lines(self) -> None:
        """What is no key is refused by its line, which is not repeated."""
        for content, message in (
            (b"secret!\n", ":1: is no base64"),
            (line(ONE) + b"\nc2VjcmV0\n", ":3: a key has 32 bytes, this one 6"),
            (line(ONE) + line(TWO) + line(ONE), ": holds the same key twice"),
            (b"\xff\xfe\n", ":1: is no base64"),
            (b"#" * (FILE_LIMIT + 1), ": too large for a key file"),
        ):
            self.assertEqual(self.refused(self.write("key", content)), message)
        self.assertIn(": holds no key; to make one:", self.refused(self.write("key", b"# x\n")))

    def test_open_to_others(self) -> None:
        """A file that others can read or write is refused, with the remedy."""
        for mode in (0o644, 0o640, 0o604, 0o620, 0o602, 0o610):
            path = self.write("key", line(ONE), mode)
            told = self.refused(path)
            self.assertIn(f"others can open it (mode {mode:04o})", told)
            self.assertTrue(told.endswith(f"chmod 600 {path}"))
        self.assertEqual(read_keys(self.write("key", line(ONE), 0o400)), [ONE])

    def test_no_file(self) -> None:
        """What is no file is refused, and a pipe is not waited for."""
        path = os.path.join(self.directory, "pipe")
        os.mkfifo(path, 0o600)
        self.assertEqual(self.refused(path), ": is no file")
        self.assertEqual(self.refused(self.directory), ": is no file")
        self.assertEqual(self.refused(self.write("key", b"") + "/x"), ": Not a directory")


class AccessTests(SynchronousTestCase):
    """Whose key file it may be."""

    def check(self, mode: int, owner: int, user: int) -> bool:
        """Whether it is accepted."""
        found = os.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
        try:
            check_access("key", found, user)
        except KeyFileError:
            return False
        return True

    def test_own(self) -> None:
        """One's own file is for oneself alone."""
        self.assertTrue(self.check(0o600, 1000, 1000))
        self.assertFalse(self.check(0o640, 1000, 1000))
        self.assertFalse(self.check(0o640, 0, 0))

    def test_roots(self) -> None:
        """A file of root's may be given through the group, to read."""
        self.assertTrue(self.check(0o440, 0, 1000))
        self.assertTrue(self.check(0o640, 0, 1000))
        self.assertFalse(self.check(0o660, 0, 1000))
        self.assertFalse(self.check(0o444, 0, 1000))

    def test_foreign(self) -> None:
        """Another user's file is refused, but root may use one that is well closed."""
        self.assertFalse(self.check(0o600, 1001, 1000))
        self.assertTrue(self.check(0o600, 1001, 0))
        self.assertFalse(self.check(0o644, 1001, 0))


class PlaceTests(_FileTests):
    """Where the keys come from."""

    def load(self, key_file: str | None, **environment: str) -> str:
        """The id of the key that seals."""
        state = os.path.join(self.directory, "state")
        return load_keyring(key_file, environment, state, lambda size: TWO[:size]).key_ids[0]

    def test_order(self) -> None:
        """The setting goes before the environment, that before systemd's credentials, those
        before the state directory."""
        setting = self.write("setting", line(b"s" * 32))
        variable = self.write("variable", line(b"v" * 32))
        self.write("credentials/key", line(b"c" * 32))
        credentials = os.path.join(self.directory, "credentials")
        self.write("state/key", line(ONE))
        both = {"FIBERLB_KEY_FILE": variable, "CREDENTIALS_DIRECTORY": credentials}
        self.assertEqual(self.load(setting, **both), name_of(b"s" * 32))
        self.assertEqual(self.load(None, **both), name_of(b"v" * 32))
        self.assertEqual(self.load(None, CREDENTIALS_DIRECTORY=credentials), name_of(b"c" * 32))
        self.assertEqual(self.load(None), name_of(ONE))

    def test_other_credentials(self) -> None:
        """Credentials without a key are for something else."""
        self.write("state/key", line(ONE))
        self.assertEqual(self.load(None, CREDENTIALS_DIRECTORY=self.directory), name_of(ONE))

    def test_made(self) -> None:
        """Without any, a key is made in the state directory, for this user alone, and kept."""
        self.addCleanup(os.umask, os.umask(0))
        self.assertEqual(self.load(None), name_of(TWO))
        state = os.path.join(self.directory, "state")
        self.assertEqual(os.stat(state).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(os.path.join(state, "key")).st_mode & 0o777, 0o600)
        self.assertEqual(read_keys(os.path.join(state, "key")), [TWO])
        self.write("state/key", line(ONE))
        self.assertEqual(self.load(None), name_of(ONE))

    def test_named_and_missing(self) -> None:
        """A file that somebody named is never made."""
        path = os.path.join(self.directory, "none")
        self.assertRaises(KeyFileError, self.load, path)
        self.assertRaises(KeyFileError, self.load, None, FIBERLB_KEY_FILE=path)
        self.assertEqual(os.listdir(self.directory), [])

    def test_cannot_make(self) -> None:
        """A state directory that cannot be made is told."""
        self.write("state", b"")
        with self.assertRaises(KeyFileError) as caught:
            self.load(None)
        self.assertIn("cannot be made", str(caught.exception))
