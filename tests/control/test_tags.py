"""Entity tags: when they change, and when not."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.control.stage import Stage, create, delete, patch

FILE = "pools: [{name: f, members: [127.0.0.1:1]}, {name: open}]"


class StoredTests(SynchronousTestCase):
    """Objects of the store: the highest revision of all that they contain."""

    def setUp(self) -> None:
        """A listener with a policy, which has a rule."""
        self.stage = Stage(self)
        policy = {"name": "p", "action": "reject", "rules": [{"path": "/"}]}
        body = {"name": "l", "port": 80, "protocol": "http", "l7_policies": [policy]}
        self.stage.create("listeners", body)
        self.stage.create("pools", {"name": "a"})

    def tags(self) -> tuple[str, str, str]:
        """Of the listener, of the policy, of all."""
        whole = self.stage.control.state.tags.whole
        return self.stage.tag("listeners", "l"), self.stage.tag("l7_policies", "p"), whole

    def test_own(self) -> None:
        """A change of the object itself; others keep theirs."""
        self.stage.write(patch("listeners", "l", {"description": "x"}))
        self.assertEqual(self.tags(), ("3", "1", "3"))
        self.assertEqual(self.stage.tag("pools", "a"), "2")

    def test_grandchild(self) -> None:
        """What is made, changed or deleted two levels down."""
        rule = self.stage.create("l7_rules", {"path": "/x"}, "p")
        self.assertEqual(self.tags(), ("3", "3", "3"))
        self.stage.write(patch("l7_rules", rule, {"value": "/y"}))
        self.assertEqual(self.tags(), ("4", "4", "4"))
        self.stage.write(delete("l7_rules", rule))
        self.assertEqual(self.tags(), ("5", "5", "5"))

    def test_restart(self) -> None:
        """They are the same after a restart."""
        self.stage.write(delete("l7_policies", "p"))
        again = Stage(self, store=self.stage.store, clock=self.stage.clock)
        self.assertEqual(again.tag("listeners", "l"), "3")

    def test_missing(self) -> None:
        """There is no tag of nothing."""
        self.assertRaises(KeyError, self.stage.control.state.tags.of, "pools", "x")


class FileTests(SynchronousTestCase):
    """Objects of the file have no revision of their own."""

    def test_reload(self) -> None:
        """A changed object of the file has another tag, with all lists; the others keep theirs."""
        stage = Stage(self, FILE)
        before = stage.tag("pools", "f"), stage.tag("pools", "open")
        whole = stage.control.state.tags.whole
        self.assertEqual(before, ("0", "0"))
        self.assertEqual(whole, "0")
        stage.reload(FILE.replace(":1]", ":2]"))
        after = stage.tag("pools", "f"), stage.tag("pools", "open")
        self.assertRegex(after[0], "^0-[0-9a-f]{8}$")
        self.assertNotEqual(stage.control.state.tags.whole, whole)
        stage.reload(FILE)
        again = stage.tag("pools", "f"), stage.tag("pools", "open")
        self.assertNotEqual(again[0], after[0])
        self.assertEqual(again[1], after[1])

    def test_stored_child(self) -> None:
        """A stored child of a file's object shows in its tag, and its end too."""
        stage = Stage(self, FILE)
        self.assertEqual(stage.tag("pools", "open"), "0")
        member = stage.create("members", "127.0.0.1:5", "open")
        self.assertEqual(stage.tag("pools", "open"), "1")
        stage.write(create("pools", {}), delete("members", member))
        self.assertEqual(stage.tag("pools", "open"), "2")
