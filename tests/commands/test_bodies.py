"""Tests of fiberlb.commands.bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.commands.bodies import from_file, merged
from fiberlb.commands.exits import Failed
from fiberlb.model.certificate import Certificate
from fiberlb.model.l7 import L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool


class SetTests(SynchronousTestCase):
    """Fields as they are typed."""

    def test_values(self) -> None:
        """A value is of the kind of its field: the model says which."""
        for cls, text, body in (
            (Member, "weight=2", {"weight": 2}),
            (Member, "backup=true", {"backup": True}),
            (Member, "name=123", {"name": "123"}),
            (Member, "name=true", {"name": "true"}),
            (Member, "description=a=b: c", {"description": "a=b: c"}),
            (Member, "monitor_port=null", {"monitor_port": None}),
            (Member, "tags=a,b", {"tags": ["a", "b"]}),
            (Member, "tags=['a,b', 1.10]", {"tags": ["a,b", "1.10"]}),
            (Pool, "members=10.0.0.1:80, 10.0.0.2:80 weight=2", None),
            (Pool, "slow_start=30s", {"slow_start": "30s"}),
            (Pool, "drain.deadline=none", {"drain": {"deadline": "none"}}),
            (Pool, "retries.attempts=3", {"retries": {"attempts": 3}}),
            (Pool, "unknown=3", {"unknown": 3}),
            (Pool, "health_monitor.headers.X-A=1", {"health_monitor": {"headers": {"X-A": "1"}}}),
            (Listener, "timeouts.tunnel=5m", {"timeouts": {"tunnel": "5m"}}),
            (L7Rule, "type=path", {"type": "path"}),
            (L7Rule, "value=80", {"value": "80"}),
        ):
            body = body or {"members": ["10.0.0.1:80", "10.0.0.2:80 weight=2"]}
            self.assertEqual(merged(cls, [text]), body, text)

    def test_material_wherever(self) -> None:
        """C{file:} is the content of a file wherever a field is PEM; a certificate may be none."""
        path = Path(self.mktemp())
        path.write_text("PEM\n")
        for name in ("certificate", "private_key"):
            self.assertEqual(merged(Certificate, [f"{name}=file:{path}"]), {name: "PEM\n"})

    def test_together(self) -> None:
        """Nested fields come together, lists grow, and null is what is unset."""
        self.assertEqual(
            merged(Pool, ["drain.deadline=1s", "tags=a", "tags=b,c"], ["slow_start"]),
            {"drain": {"deadline": "1s"}, "tags": ["a", "b", "c"], "slow_start": None},
        )

    def test_refused(self) -> None:
        """What cannot be meant."""
        for sets, said in (
            (["weight"], "FIELD=VALUE"),
            (["=1"], "FIELD=VALUE"),
            (["weight=1", "weight=2"], "twice"),
            (["drain.deadline=1s", "drain=null"], "twice"),
            (["drain=null", "drain.deadline=1s"], "something else"),
            (["weight=[1"], "not YAML"),
        ):
            failed = self.assertRaises(Failed, merged, Pool, sets)
            self.assertIn(said, failed.message)

    def test_material(self) -> None:
        """C{file:} brings a file's content, as in the configuration file."""
        path = Path(self.mktemp())
        path.write_text("PEM")
        self.assertEqual(merged(Certificate, [f"private_key=file:{path}"]), {"private_key": "PEM"})
        failed = self.assertRaises(Failed, merged, Certificate, ["private_key=file:/no/such"])
        self.assertIn("/no/such", failed.message)
        path.write_bytes(b"\xff")
        self.assertRaises(Failed, merged, Certificate, [f"private_key=file:{path}"])


class FileTests(SynchronousTestCase):
    """Objects in files."""

    def read(self, cls: type, text: str) -> Any:
        """What is in a file."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "key.pem").write_text("KEY")
        (directory / "o.yaml").write_text(text)
        return from_file(cls, str(directory / "o.yaml"))

    def test_objects(self) -> None:
        """One or several; texts stay as they are written, all of it can be sent as JSON."""
        text = """\
            name: 1.10
            enabled: true
            drain: {deadline: 5m}
            members: [10.0.0.1:80, {address: 10.0.0.2, port: 80, name: 7}]
            health_monitor: {headers: {X-Port: 80}, rise: 3}
            retries: {on: [connect]}
        """
        (found,) = self.read(Pool, text)
        self.assertEqual(
            json.loads(json.dumps(found)),
            {
                "name": "1.10",
                "enabled": True,
                "drain": {"deadline": "5m"},
                "members": ["10.0.0.1:80", {"address": "10.0.0.2", "port": 80, "name": "7"}],
                "health_monitor": {"headers": {"X-Port": "80"}, "rise": 3},
                "retries": {"on": ["connect"]},
            },
        )
        self.assertEqual(len(self.read(Pool, "- {name: a}\n- {name: b}\n")), 2)
        self.assertEqual(self.read(Pool, '{"name": "a"}'), [{"name": "a"}])

    def test_material(self) -> None:
        """Files are found beside the one that names them."""
        self.assertEqual(
            self.read(Certificate, "private_key: file:key.pem"), [{"private_key": "KEY"}]
        )

    def test_refused(self) -> None:
        """What is no object is told with its place."""
        for text, said in (
            ("[]", "must hold an object"),
            ("- a", "must hold an object"),
            ("{", "o.yaml:2:1: not YAML"),
            ("a: 1\na: 2", "o.yaml:2:1"),
        ):
            failed = self.assertRaises(Failed, self.read, Pool, text)
            self.assertIn(said, failed.message)
        failed = self.assertRaises(Failed, from_file, Pool, "/no/such")
        self.assertIn("/no/such", failed.message)
