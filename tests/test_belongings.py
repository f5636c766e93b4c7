"""Tests of L{fiberlb.belongings}: as root, on directories of their own."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.belongings import User, acting_as, give, make_directory, make_log, may_write
from tests.support.programs import temporary_directory
from tests.support.rights import need_root


class BelongingsTests(SynchronousTestCase):
    """What root makes for nobody."""

    def setUp(self) -> None:
        """A directory of root's, and a user; directories that others make are closed to all."""
        need_root()
        found = pwd.getpwnam("nobody")
        self.user = User(found.pw_uid, found.pw_gid, found.pw_name)
        self.path = Path(temporary_directory())
        self.path.chmod(0o755)
        self.addCleanup(os.umask, os.umask(0o077))
        with acting_as(self.user):
            # On the way there may be directories that only root passes.
            self.passes = os.access(self.path, os.X_OK, effective_ids=True)

    def found(self, *names: str) -> tuple[int, int, int]:
        """Owner, group and mode."""
        told = self.path.joinpath(*names).lstat()
        return told.st_uid, told.st_gid, stat.S_IMODE(told.st_mode)

    def test_acting(self) -> None:
        """Rights go and come back, also after an error."""
        before = os.geteuid(), os.getegid(), os.getgroups()
        with self.assertRaises(KeyError), acting_as(self.user):
            self.assertEqual((os.geteuid(), os.getegid()), self.user.owner)
            raise KeyError
        self.assertEqual((os.geteuid(), os.getegid(), os.getgroups()), before)

    def test_directory(self) -> None:
        """The last one is the user's alone, those above it are root's and can be passed."""
        make_directory(str(self.path / "a" / "b" / "c"), self.user)
        self.assertEqual(self.found("a"), (0, 0, 0o755))
        self.assertEqual(self.found("a", "b"), (0, 0, 0o755))
        self.assertEqual(self.found("a", "b", "c"), (*self.user.owner, 0o700))

    def test_there(self) -> None:
        """What is there stays as it is."""
        (self.path / "d").mkdir(mode=0o750)
        make_directory(str(self.path / "d"), self.user)
        self.assertEqual(self.found("d"), (0, 0, 0o700))
        (self.path / "l").write_text("x")
        make_log(str(self.path / "l"), self.user)
        self.assertEqual(self.found("l"), (0, 0, 0o600))
        (self.path / "s").symlink_to("/nonexistent")
        make_log(str(self.path / "s"), self.user)
        make_directory(str(self.path / "s"), self.user)
        self.assertTrue((self.path / "s").is_symlink())

    def test_log(self) -> None:
        """Where only root may write: a file of the user's that its group may read."""
        make_log(str(self.path / "x.log"), self.user)
        self.assertEqual(self.found("x.log"), (*self.user.owner, 0o640))

    def test_own_directory(self) -> None:
        """Where the user may write, the user makes it: root touches nothing there."""
        os.chown(self.path, *self.user.owner)
        self.assertEqual(may_write(self.user, str(self.path)), self.passes)
        if self.passes:
            make_log(str(self.path / "x.log"), self.user)
            self.assertFalse((self.path / "x.log").exists())
            make_directory(str(self.path / "d"), self.user)
            self.assertEqual(self.found("d"), (*self.user.owner, 0o700))

    def test_give(self) -> None:
        """A file of root's is given; links, and files with another name, are not."""
        for name in ("own", "linked", "target"):
            (self.path / name).write_text("x")
        os.link(self.path / "linked", self.path / "other")
        (self.path / "soft").symlink_to("target")
        give(str(self.path / "own"), self.user)
        give(str(self.path / "linked"), self.user)
        self.assertRaises(OSError, give, str(self.path / "soft"), self.user)
        self.assertEqual(self.found("own")[:2], self.user.owner)
        self.assertEqual(self.found("linked")[:2], (0, 0))
        self.assertEqual(self.found("target")[:2], (0, 0))
