"""Tests of fiberlb.control.users_watch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.aside import LARGE
from fiberlb.control.document import load_file
from fiberlb.control.looking import INTERVAL
from fiberlb.control.users_watch import UsersWatch
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Pool
from tests.control.loading import written
from tests.control.stage import Stage

TEXT = """\
pools: [{name: p, basic_auth: {users_file: sub/users}}]
listeners:
- {name: l, port: 8080, protocol: http, basic_auth: {realm: r, users_file: "file:sub/users"}}
"""
HASHED = "$2b$04$" + "a" * 53


class WatchTests(SynchronousTestCase):
    """Files of users that change while a node runs."""

    def setUp(self) -> None:
        """A node with users in a file."""
        self.directory = Path(written(self, {"f.yaml": TEXT}))
        (self.directory / "sub").mkdir()
        self.users = self.directory / "sub" / "users"
        self.users.write_text(f"alice:{HASHED}\n")
        self.stage = Stage(self, start=False)
        layer = load_file(str(self.directory / "f.yaml"), {})
        self.stage.result(self.stage.control.start(layer))
        self.watch = UsersWatch(self.stage.control, self.stage.clock, execute)
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.tick()

    def tick(self, looks: int = 1) -> None:
        """Some looks."""
        for _ in range(looks):
            self.stage.clock.advance(INTERVAL)

    def served(self) -> list[list[str]]:
        """The names of the users, of the listener and of the pool."""
        configuration = self.stage.control.configuration
        found: list[list[str]] = []
        for cls in (Listener, Pool):
            (made,) = configuration.all(cls).values()
            value: Any = made.basic_auth
            found.append([name for name, _ in value.users_file.users])
        return found

    def test_changed(self) -> None:
        """Wherever the file is named its users are the new ones, once."""
        generation = self.stage.control.file_generation
        self.tick(3)
        self.assertEqual(self.stage.control.file_generation, generation)
        self.users.write_text(f"alice:{HASHED}\nbob:{HASHED}\n")
        self.tick()
        self.assertEqual(self.served(), [["alice", "bob"]] * 2)
        self.tick(3)
        self.assertEqual(self.stage.control.file_generation, generation + 1)
        other = self.directory / "other"
        other.write_text("")
        other.rename(self.users)
        self.tick()
        self.assertEqual(self.served(), [[], []])

    def test_still(self) -> None:
        """Of a file that is as it was nothing is gone through again: only its users are."""
        ran: list[object] = []

        def run(work: Callable[[], Any]) -> Deferred[Any]:
            ran.append(work)
            return execute(work)

        watch = UsersWatch(self.stage.control, self.stage.clock, run)
        self.successResultOf(watch.look())
        found = watch._named
        self.successResultOf(watch.look())
        self.assertIs(watch._named, found)
        self.stage.result(self.stage.control.reload(load_file(str(self.directory / "f.yaml"), {})))
        self.successResultOf(watch.look())
        self.assertIsNot(watch._named, found)
        self.assertEqual(watch._named, found)
        self.assertEqual(len(ran), 3)

    def test_large(self) -> None:
        """A large file is gone through in a thread."""
        ran: list[object] = []

        def run(work: Callable[[], Any]) -> Deferred[Any]:
            ran.append(work)
            return execute(work)

        more = "".join(f", {{name: p{n}}}" for n in range(LARGE))
        path = self.directory / "f.yaml"
        path.write_text(TEXT.replace("}}]", "}}" + more + "]"))
        self.stage.result(self.stage.control.reload(load_file(str(path), {})))
        self.successResultOf(UsersWatch(self.stage.control, self.stage.clock, run).look())
        self.assertEqual(len(ran), 2)

    def test_refused(self) -> None:
        """What is no file of users changes nothing, and is told once without its content."""
        for text in ("mallory:plain-text\n", None):
            with capturedLogs() as events:
                if text is None:
                    self.users.unlink()
                else:
                    self.users.write_text(text)
                self.tick(4)
            told = [event for event in events if "old users stay" in formatEvent(event)]
            self.assertEqual(len(told), 1)
            self.assertNotIn("plain-text", str(told))
            self.assertIn("old users stay", self.stage.control.problems[0])
            self.assertEqual(self.served(), [["alice"]] * 2)
        self.users.write_text(f"carol:{HASHED}\n")
        self.tick()
        self.assertEqual(self.served(), [["carol"]] * 2)
        self.assertEqual(self.stage.control.problems, ())
