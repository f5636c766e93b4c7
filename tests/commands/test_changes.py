"""Changes of objects in lines for people."""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.changes import LONGEST, lines, show, summary


def field(name: str, before: Any, after: Any, secret: bool = False) -> dict[str, Any]:
    """A field that differs."""
    return {"field": name, "before": before, "after": after, "secret": secret}


def change(op: str, name: str, *fields: dict[str, Any], within: str | None = None) -> Any:
    """An object that changed."""
    collection = "members" if within else "listeners"
    return {
        "op": op,
        "collection": collection,
        "id": "i",
        "name": name,
        "within": within,
        "fields": fields,
    }


class LineTests(SynchronousTestCase):
    """What is said of each."""

    def told(self, *changes: Any, **names: str) -> list[str]:
        """The lines, without their colours."""
        return [click.unstyle(line) for line in lines({"changes": changes, "names": names})]

    def test_came(self) -> None:
        """A new object with what it is, not with where it is."""
        fields = (
            field("name", "", "one"),
            field("pool_id", None, "p"),
            field("port", None, 1),
            field("key", None, None, True),
            field("check", None, {"a": 1}),
        )
        found = self.told(change("create", "one", *fields, within="web"))
        self.assertEqual(found, ["+ member web/one  (port 1, key set, check set)"])
        self.assertEqual(self.told(change("create", "l")), ["+ listener l"])

    def test_changed(self) -> None:
        """Each field on a line, ids as names, secrets as such, long values cut."""
        fields = (
            field("default_pool_id", "p", None),
            field("tags", ["p", "x"], []),
            field("key", None, None, True),
            field("text", "", "a\nb" + "x" * 100),
        )
        found = self.told(change("update", "", *fields), p="web")
        self.assertEqual(
            found[:4],
            [
                "~ listener i",
                "    default_pool_id: web -> null",
                "    tags: [web, x] -> []",
                "    key: another one (not shown)",
            ],
        )
        self.assertLess(len(found[4]), LONGEST + 25)

    def test_went(self) -> None:
        """What goes needs no fields; what is no object is told as well."""
        found = self.told(change("delete", "l", field("port", 1, None)))
        self.assertEqual(found, ["- listener l"])
        keys = {"op": "rotate", "collection": "keys", "id": "k", "name": ""}
        self.assertEqual(self.told(keys), ["* key k"])

    def test_summary(self) -> None:
        """How many of each."""
        several = [change("create", "a"), change("delete", "b"), change("create", "c")]
        self.assertEqual(summary({"changes": several}), "2 to create, 1 to delete")
        self.assertEqual(summary({"changes": []}), "nothing to change")

    def test_show(self) -> None:
        """Warnings are on the error output."""

        @click.command()
        def command() -> None:
            show({"changes": [change("delete", "l")], "warnings": ["odd"]})

        found = CliRunner().invoke(command)
        self.assertIn("- listener l\n", found.output)
        self.assertIn("warning: odd\n", found.output)
