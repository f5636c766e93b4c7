"""Tests of L{fiberlb.build}, and that a build is one thing or the other."""

from __future__ import annotations

import tomllib
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES

from twisted.trial.unittest import SynchronousTestCase

import fiberlb
from fiberlb.build import COMPILED, VERSION
from tests.support.sources import ROOT

#: What a compiled build compiles.
LISTED: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["fiberlb"][
    "compiled"
]


class BuildTests(SynchronousTestCase):
    """What runs here."""

    def test_whole(self) -> None:
        """All listed modules are compiled, or none."""
        suffixes = tuple(EXTENSION_SUFFIXES)
        files = {name: str(import_module(name).__file__) for name in LISTED}
        odd = {name: file for name, file in files.items() if file.endswith(suffixes) != COMPILED}
        self.assertEqual(odd, {})

    def test_listed(self) -> None:
        """The list is sorted, and names what exists."""
        self.assertEqual(LISTED, sorted(set(LISTED)))
        for name in LISTED:
            self.assertTrue((ROOT / f"{name.replace('.', '/')}.py").exists(), name)

    def test_version(self) -> None:
        """The version says which build it is."""
        kind = "compiled" if COMPILED else "pure Python"
        self.assertEqual(VERSION, f"{fiberlb.__version__} ({kind})")
