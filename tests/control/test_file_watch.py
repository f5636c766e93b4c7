"""Tests of fiberlb.control.file_watch."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.internet.defer import execute
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.control.file_watch import PATIENCE, FileWatch
from fiberlb.control.looking import INTERVAL
from fiberlb.errors import Problem
from tests.control.loading import written
from tests.control.stage import Stage, create
from tests.support.certificates import Leaf, leaf

TEXT = """\
certificates:
- {name: main, certificate: "file:main.pem", private_key: "file:main.key"}
- {name: both, certificate: "file:both.pem"}
pools: [{name: p}]
"""


class WatchTests(SynchronousTestCase):
    """Files that change while a node runs."""

    def setUp(self) -> None:
        """A node with two certificates in files."""
        self.directory = Path(written(self, {"f.yaml": TEXT}))
        self.put(leaf("a.test"))
        both = leaf("b.test")
        (self.directory / "both.pem").write_text(both.pem + both.key_pem())
        self.stage = Stage(self, start=False)
        self.stage.result(self.stage.control.start(self.layer()))
        self.watch = FileWatch(self.stage.control, self.stage.clock, execute)
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.tick()

    def layer(self) -> FileLayer:
        """The configuration file, read."""
        return load_file(str(self.directory / "f.yaml"), {})

    def put(self, one: Leaf) -> None:
        """Certificate and key, each in its file."""
        (self.directory / "main.pem").write_text(one.pem)
        (self.directory / "main.key").write_text(one.key_pem())

    def tick(self, looks: int = 1) -> None:
        """Some looks."""
        for _ in range(looks):
            self.stage.clock.advance(INTERVAL)

    def served(self, name: str = "main") -> list[str]:
        """The names of what is served."""
        facts = self.stage.control.facts(self.stage.find("certificates", name))
        found: list[str] = facts["names"]
        return found

    def test_renewed(self) -> None:
        """A new pair is a new file generation, and nothing else of the file is read."""
        (self.directory / "f.yaml").write_text("pools: []\n")
        # Every reload but the first one leaves tags of what is the same alone.
        self.put(leaf("b.test"))
        self.tick()
        generation = self.stage.control.file_generation
        before = self.stage.tag("certificates", "main"), self.stage.tag("pools", "p")
        self.tick()
        self.put(leaf("new.test"))
        self.tick()
        self.assertEqual(self.served(), ["new.test"])
        self.assertEqual(self.stage.control.file_generation, generation + 1)
        self.assertNotEqual(self.stage.tag("certificates", "main"), before[0])
        self.assertEqual(self.stage.tag("pools", "p"), before[1])
        self.assertEqual(self.served("both"), ["b.test"])
        self.tick(3)
        self.assertEqual(self.stage.control.file_generation, generation + 1)

    def test_one_after_the_other(self) -> None:
        """Half of a pair is waited for, without a word."""
        new = leaf("new.test")
        with capturedLogs() as caught:
            (self.directory / "main.pem").write_text(new.pem)
            self.tick(PATIENCE - 1)
            self.assertEqual(self.served(), ["a.test"])
            self.assertEqual(caught, [])
            (self.directory / "main.key").write_text(new.key_pem())
            self.tick()
        self.assertEqual(self.served(), ["new.test"])

    def test_bad(self) -> None:
        """What stays unfit is told once, in the status as long as it is so; the old one serves."""
        with capturedLogs() as caught:
            (self.directory / "main.pem").write_text("nonsense")
            self.tick(PATIENCE + 5)
        self.assertEqual(len(caught), 1)
        self.assertIn("no PEM certificate", caught[0]["line"])
        self.assertIn("'main' are refused", self.stage.control.file_problems[0])
        self.assertEqual(self.served(), ["a.test"])
        with capturedLogs() as caught:
            (self.directory / "main.pem").unlink()
            self.tick(3)
        self.assertEqual(len(caught), 1)
        self.put(leaf("new.test"))
        self.tick()
        self.assertEqual(self.served(), ["new.test"])
        self.assertEqual(self.stage.control.file_problems, ())

    def test_others_go_on(self) -> None:
        """A bad pair holds up no good one; several good ones are one generation."""
        (self.directory / "main.pem").write_text("nonsense")
        new = leaf("new.test")
        (self.directory / "both.pem").write_text(new.pem + new.key_pem())
        self.tick()
        self.assertEqual((self.served(), self.served("both")), (["a.test"], ["new.test"]))
        generation = self.stage.control.file_generation
        self.put(leaf("m.test"))
        newer = leaf("newer.test")
        (self.directory / "both.pem").write_text(newer.pem + newer.key_pem())
        self.tick()
        self.assertEqual((self.served(), self.served("both")), (["m.test"], ["newer.test"]))
        self.assertEqual(self.stage.control.file_generation, generation + 1)

    def test_touched(self) -> None:
        """The same content again changes nothing."""
        generation = self.stage.control.file_generation
        text = (self.directory / "main.pem").read_text()
        (self.directory / "main.pem").write_text(text)
        self.tick(3)
        self.assertEqual(self.stage.control.file_generation, generation)

    def test_reloaded(self) -> None:
        """A reload reads all files itself; the watch goes on from there."""
        self.put(leaf("new.test"))
        self.stage.result(self.stage.control.reload(self.layer()))
        generation = self.stage.control.file_generation
        self.tick(2)
        self.assertEqual(self.stage.control.file_generation, generation)
        self.put(leaf("newer.test"))
        self.tick()
        self.assertEqual(self.served(), ["newer.test"])

    def test_plane_refuses(self) -> None:
        """What only the data plane refuses is told like the rest."""
        self.stage.plane.refuses = [Problem(("certificates", "x", "certificate"), "no")]
        self.put(leaf("new.test"))
        self.tick(PATIENCE)
        self.assertEqual(self.served(), ["a.test"])
        self.assertEqual(len(self.stage.control.file_problems), 1)
        self.stage.plane.refuses = []
        self.tick()
        self.assertEqual(self.served(), ["new.test"])

    def test_beside_the_store(self) -> None:
        """Objects of the store stay what they are, and writes go on."""
        one = leaf("s.test")
        body = {"name": "s", "certificate": one.pem, "private_key": one.key_pem()}
        self.stage.write(create("certificates", body))
        self.put(leaf("new.test"))
        self.tick()
        self.stage.write(create("pools", {"name": "q"}))
        self.assertEqual((self.served(), self.served("s")), (["new.test"], ["s.test"]))
        self.assertNotIn("PRIVATE", json.dumps(self.stage.control.problems))
