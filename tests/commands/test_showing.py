"""Tests of fiberlb.commands.showing."""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner

from fiberlb.commands.asking import Client
from fiberlb.commands.object_kinds import kinds
from fiberlb.commands.printing import Printer
from fiberlb.commands.showing import Names, columns_of, rows, show, titles, told
from fiberlb.commands.where import Where
from tests.commands.answering import Answering

POOL = {
    "id": "p",
    "name": "web",
    "description": "",
    "algorithm": "maglev",
    "drain": {"deadline": "5m", "on": ["a", "b"]},
    "members": [{"name": "a", "address": "10.0.0.1", "port": 80, "weight": 1, "backup": False}],
}


class ShowingTests(Answering):
    """Objects for people."""

    def names(self) -> Names:
        """Names that the one who answers knows."""
        return Names(Client(Where(address=f"unix:{self.directory}/s")))

    def test_rows(self) -> None:
        """Columns of a list; an id is told as the name of what it refers to, asked for once."""
        self.serve({"items": [{"id": "p", "name": "web"}], "next": None})
        kind = kinds()["listeners"]
        documents: list[dict[str, Any]] = [
            {"name": "a", "default_pool_id": "p", "status": {"state": "listening"}},
            {"name": "b", "default_pool_id": "p"},
            {"name": "c", "default_pool_id": "gone"},
        ]
        columns = columns_of(kind, "name, default_pool_id,status.state")
        self.assertEqual(titles(columns), ["NAME", "DEFAULT POOL", "STATE"])
        self.assertEqual(
            list(rows(kind, documents, columns, self.names())),
            [["a", "web", "listening"], ["b", "web", "-"], ["c", "gone", "-"]],
        )
        self.assertEqual(self.targets, ["/v1/pools?limit=1000"])

    def test_columns(self) -> None:
        """Every kind has some, of fields that there are."""
        for kind in kinds().values():
            self.assertIn("name", columns_of(kind, None))
        self.assertEqual(titles(["health_monitor.type", "a.b_c"]), ["HEALTH MONITOR", "B C"])

    def test_show(self) -> None:
        """Fields with dots, what is empty left out, then what is within as a table."""

        @click.command()
        def command() -> None:
            show(kinds()["pools"], POOL, self.names(), Printer())

        self.assertEqual(
            CliRunner().invoke(command).output.splitlines(),
            [
                "id              p",
                "name            web",
                "algorithm       maglev",
                "drain.deadline  5m",
                "drain.on        a, b",
                "",
                "members:",
                "NAME  ADDRESS   PORT  WEIGHT  BACKUP",
                "a     10.0.0.1  80    1       no",
            ],
        )

    def test_told(self) -> None:
        """Values as people read them."""
        for value, text in (
            (True, "yes"),
            (None, "-"),
            ("", "-"),
            ([], "-"),
            ([1, "a"], "1, a"),
            ([{}, {}], "2"),
            ({"a": 1}, "a 1"),
        ):
            self.assertEqual(told(value), text)
