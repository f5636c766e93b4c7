"""Documents as YAML."""

from __future__ import annotations

from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.yaml_file import read_yaml
from fiberlb.control.yaml_text import yaml_text


class YamlTextTests(SynchronousTestCase):
    """Written and read again, by the rules of either version."""

    def test_round_trip(self) -> None:
        """Words that one of them takes for something else stay text."""
        words = ["off", "no", "22:22", "0443", "1e3", "", "2026-01-01", "~", "true", "a\nb\n"]
        document: dict[str, Any] = {"texts": words, "number": 7, "flag": True, "none": None}
        text = yaml_text(document)
        self.assertEqual(yaml.safe_load(text), document)
        found = read_yaml(text.encode(), "x", {}).tree
        self.assertEqual(found["texts"], words)

    def test_shape(self) -> None:
        """Several lines stand as such, and nothing is an alias."""
        shared = ["one"]
        text = yaml_text({"a": shared, "b": shared, "pem": "-----\nx\n"})
        self.assertEqual(text, "a:\n  - one\nb:\n  - one\npem: |\n  -----\n  x\n")
