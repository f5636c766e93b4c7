"""Tests of fiberlb.model.file_schema."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.yaml_file import read_yaml
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import kinds
from fiberlb.model.file_schema import file_schema, takes_text
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Member
from fiberlb.model.settings import Settings
from fiberlb.model.written import plain
from tests.support.sources import ROOT

GOOD = """\
version: 1
x-defaults: &d {anything: [goes]}
workers: auto
access_log: combined
admin: {listen: 127.0.0.1:0}
pools:
  - name: 1.10
    health_monitor: tcp
    members: ["10.0.0.1:80 weight=2", {address: 10.0.0.2, port: "80"}]
listeners:
  - name: front
    protocol: http
    port: ${PORT}
    default_pool_id: web
    timeouts: {tunnel: 5m}
    l7_policies:
      - redirect_pool_id: web
        rules:
          - {path: /api, compare_type: starts_with}
          - {header: X-A, value: 1}
          - {any: [{path: [/a, /b]}, {not: {method: GET}}]}
          - {type: path, value: /x}
l7_policies:
  - {name: all, listener_ids: [front], action: reject}
"""

#: What replaces what -> the place that an editor marks.
BROKEN: tuple[tuple[str, str, list[str | int]], ...] = (
    ("version: 1", "version: 2", ["version"]),
    ("workers: auto", "worker: auto", []),
    ("protocol: http", "protocol: htp", ["listeners", 0, "protocol"]),
    ("port: ${PORT}", "port: 70000", ["listeners", 0, "port"]),
    ("port: ${PORT}", "port: eighty", ["listeners", 0, "port"]),
    ("tunnel: 5m", "tunnel: 5 minutes", ["listeners", 0, "timeouts", "tunnel"]),
    ("name: front", "nam: front", ["listeners", 0]),
    ("health_monitor: tcp", "health_monitor: {rise: x}", ["pools", 0, "health_monitor"]),
    ("method: GET", "metod: GET", ["listeners", 0, "l7_policies", 0, "rules", 2, "any"]),
    ("action: reject", "action: rejekt", ["l7_policies", 0, "action"]),
    ("pools:", "pools: {}\nx-pools:", ["pools"]),
)


def valued(value: Any) -> Any:
    """A document as an editor sees it: numbers and booleans where nothing is quoted."""
    if isinstance(value, dict):
        return {key: valued(one) for key, one in value.items()}
    if isinstance(value, list):
        return [valued(one) for one in value]
    return plain(value)


def document(content: bytes) -> Any:
    """A file, its variables not replaced."""
    return valued(read_yaml(content.replace(b"${", b"$${"), "f.yaml", {}).tree)


class FileSchemaTests(SynchronousTestCase):
    """What editors go by."""

    def setUp(self) -> None:
        """The schema."""
        self.schema = file_schema()
        Draft202012Validator.check_schema(self.schema)
        self.validator = Draft202012Validator(self.schema)

    def places(self, text: str) -> list[list[str | int]]:
        """Where a file is wrong."""
        return [list(error.path) for error in self.validator.iter_errors(document(text.encode()))]

    def test_good(self) -> None:
        """Short forms, digits as text, numbers as names, variables."""
        self.assertEqual(self.places(GOOD), [])

    def test_broken(self) -> None:
        """What is wrong is marked where it stands."""
        for old, new, place in BROKEN:
            self.assertIn(place, self.places(GOOD.replace(old, new, 1)), new)

    def test_examples(self) -> None:
        """All files that come with FiberLB are right."""
        files = [ROOT / "conf/fiberlb.yaml", *(ROOT / "conf/examples").rglob("*.yaml")]
        self.assertGreater(len(files), 5)
        for path in files:
            found = [e.message for e in self.validator.iter_errors(document(path.read_bytes()))]
            self.assertEqual(found, [], path.name)

    def test_complete(self) -> None:
        """Every field of the model is there: a new one needs no work here."""
        root = self.schema["properties"]
        self.assertLessEqual(set(kinds(Settings)), set(root))
        for cls in COLLECTIONS.values():
            made = self.schema["$defs"][cls.__name__]
            made = made["anyOf"][1] if "anyOf" in made else made
            self.assertLessEqual(set(kinds(cls)), set(made["properties"]), cls.__name__)

    def test_short(self) -> None:
        """Which objects a text stands for."""
        self.assertTrue(takes_text(Member) and takes_text(HealthMonitor))
        self.assertFalse(takes_text(L7Policy) or takes_text(L7Rule) or takes_text(Settings))
