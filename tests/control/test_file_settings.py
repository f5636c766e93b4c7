"""Process settings of a file."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.file_settings import load_settings, merged, settings_part
from fiberlb.model.fields import Loading
from fiberlb.model.settings import LogLevel, Settings


def load(**keys: Any) -> Settings:
    """Settings of a file in C{/etc/lb}."""
    loading = Loading()
    made = load_settings(keys, "/etc/lb", loading)
    assert made is not None, loading.problems
    return made


class PartTests(SynchronousTestCase):
    """Which keys are settings."""

    def test_part(self) -> None:
        """Lists of objects are none, nor is what is ignored; unknown keys are left in."""
        tree = dict.fromkeys(
            ["version", "pools", "x-a", "x-", "xa", "l7_policies", "log", "members"]
        )
        self.assertEqual(list(settings_part(tree)), ["version", "xa", "log", "members"])


class PathTests(SynchronousTestCase):
    """Relative paths are relative to the file."""

    def test_relative(self) -> None:
        """Every path of the settings is made absolute."""
        made = load(
            state_directory="state",
            key_file="../key",
            store="sqlite:a/b.db",
            access_log={"format": "json", "path": "access.log"},
            log={"path": "fiberlb.log"},
        )
        self.assertEqual(made.state_directory, "/etc/lb/state")
        self.assertEqual(made.key_file, "/etc/lb/../key")
        self.assertEqual(made.store, "sqlite:/etc/lb/a/b.db")
        self.assertEqual(made.access_log.path, "/etc/lb/access.log")
        self.assertEqual(made.log.path, "/etc/lb/fiberlb.log")

    def test_absolute(self) -> None:
        """Absolute paths, the standard streams and absent settings are left as they are."""
        made = load(state_directory="/s", store="sqlite:/x.db", access_log="json")
        self.assertEqual((made.state_directory, made.store), ("/s", "sqlite:/x.db"))
        self.assertEqual((made.access_log.path, made.log.path), ("stdout", "stderr"))
        self.assertIsNone(made.key_file)
        self.assertEqual(load(store="memory:").store, "memory:")


class MergeTests(SynchronousTestCase):
    """Several files."""

    def test_merged(self) -> None:
        """Each file's keys are taken, and no others of it."""
        first, second = {"log": {"level": "debug"}}, {"version": 1, "key_file": "k"}
        made = merged([(first, load(**first)), (second, load(**second))])
        self.assertIs(made.log.level, LogLevel.DEBUG)
        self.assertEqual(made.key_file, "/etc/lb/k")
        self.assertEqual(merged([]), Settings())
