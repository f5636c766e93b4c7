"""Process settings."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.addresses import LONGEST_PATH
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.settings import (
    AUTO,
    LONGEST_STATE,
    MOST_WORKERS,
    AccessLogFormat,
    LogLevel,
    Settings,
    WorkerCount,
)
from fiberlb.model.written import Written
from fiberlb.workers.worker import SOCKET
from tests.model.documents import loaded, made, problems, refused, values

LATER = "known, not supported by this version"


class SettingsTests(SynchronousTestCase):
    """The whole."""

    def test_defaults(self) -> None:
        """Nothing needs to be said; there is no access log unless it is asked for."""
        found = made(Settings)
        self.assertEqual(found.admin.addresses, ("127.0.0.1:9876",))
        self.assertIs(found.access_log.format, AccessLogFormat.OFF)
        self.assertEqual(found.workers, AUTO)
        self.assertEqual((found.shutdown.deadline, found.limits), (30.0, ()))

    def test_fields(self) -> None:
        """All of them."""
        found = made(
            Settings,
            version=1,
            node={"name": "lb-1"},
            state_directory="/s",
            key_file="/k",
            admin={"listen": ["[::1]:1", "unix:/a.sock"], "allowed_hosts": ["a.example"]},
            store="sqlite:/x.db",
            workers=0,
            trusted_proxies=["10.0.0.0/8"],
            access_log={"format": "JSON", "path": "/a.log"},
            log={"level": "WARNING", "path": "/l.log"},
            shutdown={"deadline": "0s"},
            limits={"uri": "1KiB"},
        )
        self.assertEqual(found.node.name, "lb-1")
        self.assertIs(found.log.level, LogLevel.WARN)
        self.assertEqual(found.limits, (("uri", 1024),))

    def test_state_directory(self) -> None:
        """Workers have a socket in it, whose path must not be too long."""
        longest = "/" + "s" * (LONGEST_STATE - 1)
        self.assertEqual(LONGEST_STATE + len(f"/{SOCKET}"), LONGEST_PATH)
        self.assertEqual(made(Settings, state_directory=longest).state_directory, longest)
        made(Settings, state_directory=f"{longest}s", workers=0)
        (told,) = problems(Settings, {"state_directory": f"{longest}s", "workers": "auto"})
        self.assertIn(f"state_directory: has a path of {LONGEST_STATE + 1} octets", told)

    def test_access_log(self) -> None:
        """The format alone is a log to the standard output; a word that is no boolean ends it."""
        found = made(Settings, access_log="combined").access_log
        self.assertEqual((found.format, found.path), (AccessLogFormat.COMBINED, "stdout"))
        self.assertIs(made(Settings, access_log="off").access_log.format, AccessLogFormat.OFF)
        self.assertIs(
            made(Settings, access_log={"path": "/x"}).access_log.format, AccessLogFormat.COMBINED
        )
        found = made(Settings, access_log={"format": "haproxy", "sample": 0.5}).access_log
        self.assertEqual((found.format, found.sample), (AccessLogFormat.HAPROXY, 0.5))

    def test_version(self) -> None:
        """There is one form of the file."""
        for value in values(1, "1", Written("1", 1)):
            self.assertEqual(made(Settings, version=value).version, 1)
        for value in values(2, "x", 0):
            self.assertEqual(
                problems(Settings, {"version": value}),
                ["version: must be 1, the only form there is"],
            )
        self.assertEqual(len(problems(Settings, {"version": "1.0"})), 1)

    def test_objects(self) -> None:
        """Lists of objects stand beside the settings, and are kinds of objects."""
        made(Settings, **dict.fromkeys(Settings.CHILDREN, 5))
        self.assertLess(set(Settings.CHILDREN.values()), set(COLLECTIONS))

    def test_later(self) -> None:
        """Keys of later versions."""
        for key in sorted(Settings.LATER):
            self.assertEqual(problems(Settings, {key: None}), [f"{key}: {LATER}"])


class WorkerCountTests(SynchronousTestCase):
    """How many processes."""

    def test_number(self) -> None:
        """A number, also written as text."""
        for value in values(0, "0", Written("0", 0)):
            self.assertEqual(loaded(WorkerCount(), value), 0)
        self.assertEqual(loaded(WorkerCount(), "16"), 16)
        self.assertEqual(loaded(WorkerCount(), MOST_WORKERS), MOST_WORKERS)

    def test_auto(self) -> None:
        """As many as there are processors; written back as it was."""
        for value in values("auto", "AUTO"):
            self.assertEqual(loaded(WorkerCount(), value), AUTO)
        self.assertEqual(WorkerCount().dump(AUTO), "auto")
        self.assertEqual(WorkerCount().dump(3), 3)

    def test_refused(self) -> None:
        """Nothing else."""
        for value in values(-1, "-1", MOST_WORKERS + 1, "many", "", None, False, True, [], 1.5):
            self.assertIn("must be auto, or a number from 0 to", refused(WorkerCount(), value))
